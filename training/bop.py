"""Bop: training binary weights without latent ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import overload

import torch
from torch import nn
from torch.optim import Optimizer

from bnnhw.training.binarize import sign
from bnnhw.training.layers import BinaryLayer

__all__ = ["Bop", "binary_parameters", "other_parameters"]


def binary_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The weights of every binary layer of ``model``."""
    return [module.latent for module in model.modules() if isinstance(module, BinaryLayer)]


def other_parameters(model: nn.Module) -> list[nn.Parameter]:
    """All parameters that are no binary weights: those of norms, of learned thresholds."""
    binary = {id(parameter) for parameter in binary_parameters(model)}
    return [parameter for parameter in model.parameters() if id(parameter) not in binary]


class Bop(Optimizer):
    """The binary optimizer: a weight flips when the running mean of its gradient says so long enough.

    ``m = (1 - adaptivity) m + adaptivity * g``; ``w = -w`` where ``|m| > threshold`` and ``sign(m) = sign(w)``.

    Source: Helwegen et al., "Latent Weights Do Not Exist: Rethinking Binarized Neural Network Optimization", 2019,
    algorithm 1. Everything that isn't a binary weight needs an optimizer of its own (:func:`other_parameters`).

    Parameters
    ----------
    params : iterable of Parameter
        Weights, which become -1 and +1 at once. Let their layers use
        :class:`~bnnhw.training.estimators.Identity`: the gradient is that of the binary weight itself.
    adaptivity : float
        Gamma of the paper, in 0..1: how fast the mean follows the gradient.
    threshold : float
        Tau of the paper, at least 0.

    Raises
    ------
    ValueError
        For values out of range.
    """

    def __init__(self, params: Iterable[nn.Parameter], adaptivity: float = 1e-4, threshold: float = 1e-8) -> None:
        if not 0 < adaptivity <= 1:
            raise ValueError(f"adaptivity must be in 0..1, 0 excluded, not {adaptivity!r}")
        if threshold < 0:
            raise ValueError(f"threshold must not be negative, not {threshold!r}")
        super().__init__(params, {"adaptivity": adaptivity, "threshold": threshold})
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.copy_(sign(parameter))

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
            for weights in group["params"]:
                if weights.grad is None:
                    continue
                state = self.state[weights]
                if not state:
                    state["mean"] = torch.zeros_like(weights)
                mean = state["mean"].lerp_(weights.grad, group["adaptivity"])
                # Of one sign: descending would take the weight to the other side.
                flips = (mean.abs() > group["threshold"]) & (mean * weights > 0)
                weights.copy_(torch.where(flips, -weights, weights))
        return loss
