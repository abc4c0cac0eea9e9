"""Activations of several bits: between a sign and a real-valued one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bnnhw.errors import RequestError
from bnnhw.training.layers import Activation

__all__ = ["MAX_BITS", "QuantActivation", "quantize"]

MAX_BITS = 8
"""Widest activation: what a matrix layer takes (:data:`bnnhw.ir.types.MAX_PLANES`)."""


class _Quantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bits: int) -> Tensor:
        step, top = 2.0 ** (1 - bits), 2**bits - 1
        steps = x / step
        ctx.save_for_backward((steps >= -0.5) & (steps <= top + 0.5))
        return steps.round().clamp(0, top) * step

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return grad_outputs[0] * inside, None


def quantize(x: Tensor, bits: int) -> Tensor:
    """``s * clip(round(x / s), 0, 2**bits - 1)``, ``s = 2**(1 - bits)``, halves to even: 0 to almost 2 in equal steps.

    The gradient passes where no value further away is nearer than the one taken, that is up to half a step past both
    ends.

    Source: Zhou et al., "DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks with Low Bitwidth Gradients",
    2016, eq. 5 (a uniform quantizer with a straight-through gradient), over 0..1 there. The range here is two standard
    deviations of what a batch normalization gives, of which half is above 0 (as in Cai et al., "Deep Learning with Low
    Precision by Half-wave Gaussian Quantization", 2017), and the step a power of two: nothing downstream rounds.
    """
    result = _Quantize.apply(x, bits)
    assert isinstance(result, Tensor)
    return result


class QuantActivation(Activation):
    """:func:`quantize` of each element; in hardware ``2**bits - 1`` thresholds, and ``bits`` planes in the next layer.

    Parameters
    ----------
    bits : int
        2 to 8; one bit is a :class:`~bnnhw.training.layers.BinaryActivation`.

    Raises
    ------
    RequestError
        For other widths.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        if not 2 <= bits <= MAX_BITS:
            raise RequestError(f"bits of a quantized activation must be in 2..{MAX_BITS}, not {bits}")
        self.bits = bits

    @property
    def step(self) -> float:
        """Between two values."""
        return 2.0 ** (1 - self.bits)

    def forward(self, x: Tensor) -> Tensor:
        return quantize(x, self.bits)
