"""Exact accumulators of a layer, by way of a floating-point matrix product.

A dot product of small integers is exact in binary floating point as long as no partial sum can reach
2**24 (float32) or 2**53 (float64): every integer below that is representable, so no addition rounds,
whatever its order. The bound is proved per layer; beyond both, the product is taken in int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import FloatActivation, Thresholds
from bnnhw.ir.arithmetic import dot_affine, weight_values
from bnnhw.ir.layers import Dense
from bnnhw.ir.types import DataType
from bnnhw.reference.activate import apply_float, threshold

__all__ = ["Product", "check_codes", "multiply", "numbers"]


def check_codes(codes: NDArray[Any], elements: int, levels: int) -> NDArray[np.uint8]:
    """Codes as an array, refused with :class:`~bnnhw.errors.NetworkError` unless uint8 (frames, elements) < levels."""
    array = np.asarray(codes)
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != elements:
        raise NetworkError(f"codes must be uint8 of shape (frames, {elements}), not {array.dtype} of {array.shape}")
    if array.size and int(array.max()) >= levels:
        raise NetworkError(f"codes must be below {levels}, not {int(array.max())}")
    return array


def numbers(dtype: DataType, codes: NDArray[np.uint8], number: np.dtype[Any]) -> NDArray[Any]:
    """What codes of at most 8 bits stand for, as NumPy numbers: :meth:`DataType.values` without 64-bit detours."""
    if dtype.kind == "bipolar":
        return ((codes << 1).view(np.int8) - np.int8(1)).astype(number)
    if dtype.kind == "int":
        spare = 8 - dtype.bits
        return ((codes << spare).view(np.int8) >> spare).astype(number)
    return codes.astype(number)


def multiply(x: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """The matrix product of finite numbers, whatever floating-point flags the BLAS leaves behind.

    Kernels of OpenBLAS compute on lanes past the end of a row and so raise "invalid" for operands that are finite
    (numpy issues 13173 and 24067). Here every operand is a small integer: the flag can mean nothing else.
    """
    with np.errstate(invalid="ignore"):
        return x @ weights


class Product:
    """A matrix layer made ready for many batches.

    Parameters
    ----------
    layer : Dense
        Streamlined or not.

    Attributes
    ----------
    dtype : NumPy dtype
        float32, float64 or int64: the cheapest type that is exact for this layer.
    weights : array (synapses, neurons) of :attr:`dtype`
    """

    def __init__(self, layer: Dense) -> None:
        self.layer = layer
        self._affine = dot_affine(layer)
        # |dot| and every partial sum of it, thresholds restated in units of it included, stay below this.
        bound = layer.synapses * sum(map(abs, layer.input.coefficients))
        bound = bound * sum(abs(plane.coefficient) for plane in layer.weights) + 2
        if bound >= 1 << 62:
            raise NetworkError(f"layer {layer.name}: accumulators must be below 2**62")
        self.dtype = np.dtype(np.float32 if bound < 1 << 24 else np.float64 if bound < 1 << 53 else np.int64)
        self.weights = np.ascontiguousarray(weight_values(layer).T.astype(self.dtype))
        self._levels: NDArray[Any] | None = None
        if isinstance(layer.activation, Thresholds):
            # ``acc >= T`` restated as ``dot >= scale * T + constant``: saves the way back to accumulators.
            dots = self._affine.scale * layer.activation.values + self._affine.constants[:, None]
            self._levels = np.ascontiguousarray(dots.T.astype(self.dtype))

    def numbers(self, codes: NDArray[np.uint8]) -> NDArray[Any]:
        """The values of input codes, in :attr:`dtype`."""
        return numbers(self.layer.input, codes, self.dtype)

    def dots(self, codes: NDArray[np.uint8]) -> NDArray[Any]:
        """Dot products of codes (frames, synapses): (frames, neurons), exact integers in :attr:`dtype`."""
        return multiply(self.numbers(codes), self.weights)

    def accumulators(self, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Accumulators of codes (frames, synapses): int64 (frames, neurons)."""
        return self.from_dots(self.dots(codes))

    def from_dots(self, dots: NDArray[Any]) -> NDArray[np.int64]:
        """Accumulators from dot products (..., neurons)."""
        return (dots.astype(np.int64) - self._affine.constants) // self._affine.scale

    def output(self, codes: NDArray[np.uint8]) -> NDArray[np.unsignedinteger]:
        """Codes of the stream that the layer emits (:attr:`Dense.output`), from codes (frames, synapses)."""
        return self.activate(self.dots(codes))

    def activate(self, dots: NDArray[Any]) -> NDArray[np.unsignedinteger]:
        """Codes of the stream that the layer emits from dot products (..., neurons)."""
        activation = self.layer.activation
        if activation is None:
            return self.layer.output.encode(self.from_dots(dots))
        if isinstance(activation, FloatActivation):
            return apply_float(activation, dots)
        assert self._levels is not None
        return threshold(dots, self._levels, activation.dtype)
