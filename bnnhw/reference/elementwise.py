"""Element-wise layers: each channel's own activation, or its own integer affine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Affine, Quantize
from bnnhw.ir.activation import FloatActivation
from bnnhw.reference.activate import apply_float, threshold

__all__ = ["affine", "quantize"]


def quantize(layer: Quantize, codes: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Codes (frames, elements) -> codes (frames, elements) of the output type."""
    values = _by_channel(layer, codes)
    activation = layer.activation
    if isinstance(activation, FloatActivation):
        found = apply_float(activation, values)
    else:
        found = threshold(values, activation.values.T, activation.dtype)
    return found.reshape(codes.shape)


def affine(layer: Affine, codes: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Codes (frames, elements) -> codes (frames, elements) of the output type.

    Exact in int64: results at both ends of the input's range fit 32 bits (:attr:`Affine.output` refuses others), so
    ``|multiplier * x| <= |multiplier| * (maximum - minimum) < 2**33``.
    """
    values = _by_channel(layer, codes)
    return layer.output.encode(values * layer.multiplier + layer.offset).reshape(codes.shape)


def _by_channel(layer: Quantize | Affine, codes: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """The values of codes (frames, elements): (frames, positions, channels)."""
    channels, height, width = layer.shape
    return layer.input.values(codes).reshape(len(codes), height * width, channels)
