"""Stochastic binarization."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bnnhw.training.binarize import sign
from bnnhw.training.estimators import CLIPPED, Estimator
from bnnhw.training.layers import BinaryActivation

__all__ = ["StochasticActivation", "hard_sigmoid", "stochastic_binarize"]


def hard_sigmoid(x: Tensor) -> Tensor:
    """``clip((x + 1) / 2, 0, 1)``: Courbariaux, Hubara et al., "Binarized Neural Networks", 2016, eq. 3."""
    return ((x + 1) / 2).clamp(0, 1)


class _StochasticSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, estimator: Estimator, generator: torch.Generator | None) -> Tensor:
        ctx.save_for_backward(x)
        ctx.estimator = estimator
        # Drawn where the generator lives, so that a seed gives the same bits on every device.
        place = x.device if generator is None else generator.device
        drawn = torch.rand(x.shape, generator=generator, device=place, dtype=x.dtype).to(x.device)
        return torch.where(drawn < hard_sigmoid(x), 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return grad_outputs[0] * ctx.estimator(x), None, None


def stochastic_binarize(x: Tensor, estimator: Estimator = CLIPPED, generator: torch.Generator | None = None) -> Tensor:
    """+1 with the probability ``hard_sigmoid(x)``, -1 otherwise, with a straight-through gradient.

    Source: Courbariaux, Hubara et al., "Binarized Neural Networks", 2016, eq. 2 and 4.

    Parameters
    ----------
    x : tensor
    estimator : Estimator
    generator : torch.Generator, optional
        Source of the draws.
    """
    result = _StochasticSign.apply(x, estimator, generator)
    assert isinstance(result, Tensor)
    return result


class StochasticActivation(BinaryActivation):
    """Stochastic in training, the sign in evaluation, so that what is exported is a plain sign.

    Parameters
    ----------
    estimator : Estimator
    generator : torch.Generator, optional
        Source of the draws.
    """

    def __init__(self, estimator: Estimator = CLIPPED, generator: torch.Generator | None = None) -> None:
        super().__init__(estimator)
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return stochastic_binarize(x, self.estimator, self.generator)
        return sign(x)
