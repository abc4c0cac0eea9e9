"""Shift-based AdaMax."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import nn
from torch.optim import Optimizer

from bnnhw.training.shift import nearest_power

__all__ = ["ShiftAdaMax"]


class ShiftAdaMax(Optimizer):
    """AdaMax whose step size and normalization are powers of two, so that it needs no multiplier.

    ``m = b1 m + (1 - b1) g``; ``v = max(b2 v, |g|)``; ``w -= AP2(lr / (1 - b1**t)) * m / AP2(v)``.

    Source: Courbariaux, Hubara et al., "Binarized Neural Networks", 2016, section 1.5; its suggested
    settings, ``lr = 2**-10``, ``1 - b1 = 2**-3``, ``1 - b2 = 2**-10``, are the defaults. AdaMax: Kingma and
    Ba, 2015, algorithm 2. Where no gradient has come yet, ``v`` is 0 and nothing moves.

    Parameters
    ----------
    params : iterable of Parameter
    lr : float
        Its power of two is taken after the bias correction, in each step.
    betas : (float, float)
        b1, b2.

    Raises
    ------
    ValueError
        A learning rate that isn't positive, or betas outside 0..1.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 2.0**-10,
        betas: tuple[float, float] = (1 - 2.0**-3, 1 - 2.0**-10),
    ) -> None:
        if lr <= 0:
            raise ValueError(f"lr must be positive, not {lr!r}")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be in 0..1, 1 excluded, not {betas!r}")
        super().__init__(params, {"lr": lr, "betas": betas})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step; the loss, if a closure computes it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            first, second = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group["lr"], first, second)
        return loss

    def _update(self, parameter: nn.Parameter, grad: torch.Tensor, lr: float, first: float, second: float) -> None:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["greatest"] = torch.zeros_like(parameter)
        state["step"] += 1
        mean, greatest = state["mean"], state["greatest"]
        mean.mul_(first).add_(grad, alpha=1 - first)
        torch.maximum(greatest.mul_(second), grad.abs(), out=greatest)
        size = torch.tensor(lr / (1 - first ** state["step"]), dtype=torch.float64)
        moved = torch.where(greatest == 0, 0.0, mean / nearest_power(greatest))
        # A learning rate of 0, at the end of a schedule, has no power of two.
        parameter.sub_(moved, alpha=float(nearest_power(size)))
