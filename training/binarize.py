"""Binarization with a gradient: sign forward, a straight-through estimator backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["ClippedSign", "binarize"]


class ClippedSign(torch.autograd.Function):
    """Deterministic sign whose gradient is that of the hard tanh.

    Forward: ``+1`` where ``x >= 0`` (zero of either sign included), ``-1`` elsewhere.
    Backward: the gradient passes where ``|x| <= 1`` and is cancelled elsewhere.

    Source: Courbariaux, Hubara et al., "Binarized Neural Networks: Training Neural Networks with
    Weights and Activations Constrained to +1 or -1", 2016, eq. 1 (with sign(0) = +1) and eq. 4,
    ``g_r = g_q * 1(|r| <= 1)``.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad_outputs[0] * (x.abs() <= 1)


def binarize(x: Tensor) -> Tensor:
    """Sign of ``x`` (any shape) as -1.0 and +1.0 of its dtype, with the clipped straight-through gradient."""
    result = ClippedSign.apply(x)
    assert isinstance(result, Tensor)
    return result
