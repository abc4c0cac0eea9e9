"""The reference of element-wise activations."""

from __future__ import annotations

import math
from functools import partial

from bnnhw.ir import Quantize
from bnnhw.ir.activation import FloatActivation
from bnnhw.reference.activate import apply_float, threshold
from bnnhw.reference.kernels import REFERENCE, Codes, Step

__all__ = ["quantize"]


@REFERENCE.register(Quantize)
def quantize(layer: Quantize) -> Step:
    """The activation of every element, each channel's own."""
    return partial(_quantize, layer)


def _quantize(layer: Quantize, codes: Codes) -> Codes:
    """Codes (frames, elements) -> codes (frames, elements) of the output type."""
    values = layer.input.values(codes).reshape(len(codes), math.prod(layer.shape[1:]), layer.shape[0])
    activation = layer.activation
    if isinstance(activation, FloatActivation):
        found = apply_float(activation, values)
    else:
        found = threshold(values, activation.values.T, activation.dtype)
    return found.reshape(codes.shape)
