"""Binarization with a gradient: sign forward, a straight-through estimator backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bnnhw.training.estimators import CLIPPED, Estimator

__all__ = ["StraightThroughSign", "binarize", "sign"]


def sign(x: Tensor) -> Tensor:
    """``+1`` where ``x >= 0`` (zero of either sign included), ``-1`` elsewhere; of the dtype of ``x``."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


class StraightThroughSign(torch.autograd.Function):
    """Deterministic sign whose gradient is that of an estimator.

    Forward: :func:`sign` (Courbariaux, Hubara et al., "Binarized Neural Networks: Training Neural
    Networks with Weights and Activations Constrained to +1 or -1", 2016, eq. 1, with sign(0) = +1).
    Backward: the gradient times the estimator's derivative at ``x``.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, estimator: Estimator) -> Tensor:
        ctx.save_for_backward(x)
        ctx.estimator = estimator
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grad_outputs[0] * ctx.estimator(x), None


def binarize(x: Tensor, estimator: Estimator = CLIPPED) -> Tensor:
    """Sign of ``x`` (any shape) as -1.0 and +1.0 of its dtype, with a straight-through gradient.

    Parameters
    ----------
    x : tensor
    estimator : Estimator
        One of :mod:`bnnhw.training.estimators`.
    """
    result = StraightThroughSign.apply(x, estimator)
    assert isinstance(result, Tensor)
    return result
