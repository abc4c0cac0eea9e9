"""Exact accumulators of a layer, by popcounts of packed bits: ``acc = sum a_i * d_j * popcount(XNOR(x_i, w_j))``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.activation import FloatActivation, Thresholds
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.layers import Dense
from bnnhw.reference.activate import apply_float, threshold
from bnnhw.reference.fast.xnor import Panels, Words, pack

__all__ = ["PackedProduct", "packing_pays_for"]

_GAIN = 8
"""Bits of padding and of planes that are counted in the time that floating point takes for one product, at least."""

_SYNAPSES = 32
"""Synapses per plane below which packing the input takes longer than the product saves."""


def packing_pays_for(layer: Dense, area: int = 1) -> bool:
    """Whether popcounts are faster than floating point for a layer (docs/benchmarks.md), and fit 32 bits.

    Parameters
    ----------
    layer : Dense
    area : int
        Taps of its window: each is padded to whole words.
    """
    planes = len(layer.planes)
    words = area * -(-layer.synapses // area // 64)
    if layer.synapses * sum(abs(coefficient) for coefficient, _, _ in layer.planes) >= 1 << 31:
        return False
    return 64 * words * planes <= _GAIN * layer.synapses and layer.synapses >= _SYNAPSES * planes


class PackedProduct:
    """A matrix layer made ready for many batches; results as those of :class:`bnnhw.reference.product.Product`.

    Parameters
    ----------
    layer : Dense
        Streamlined or not.
    area : int
        Taps of its window: the synapses of each begin a word of their own.
    """

    def __init__(self, layer: Dense, area: int = 1) -> None:
        self.layer = layer
        self._affine = dot_affine(layer)
        self._panels = []
        for plane in layer.weights:
            taps = pack(plane.bits.bits().reshape(layer.neurons * area, -1))
            self._panels.append(Panels(taps.reshape(layer.neurons, -1)))
        self._thresholds: NDArray[np.int32] | None = None
        if isinstance(layer.activation, Thresholds):
            self._thresholds = np.ascontiguousarray(layer.activation.values.T.astype(np.int32))

    def planes(self, codes: NDArray[np.uint8]) -> list[Words]:
        """The bit planes of input codes (rows, elements), packed: uint64 (rows, words) each."""
        bits = self.layer.input.bits
        return [pack(codes)] if bits == 1 else [pack(codes & np.uint8(1 << plane)) for plane in range(bits)]

    def count(self, planes: list[Words]) -> NDArray[np.int32]:
        """Accumulators (rows, neurons) of packed planes (rows, words)."""
        total: NDArray[np.int32] | None = None
        for coefficient, i, j in self.layer.planes:
            counts = self._panels[j].popcounts(planes[i], self.layer.synapses)
            if coefficient != 1:
                counts *= coefficient
            if total is None:
                total = counts
            else:
                total += counts
        assert total is not None
        return total

    def accumulators(self, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Accumulators of codes (frames, synapses): int64 (frames, neurons)."""
        return self.count(self.planes(codes)).astype(np.int64)

    def dots(self, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Dot products of codes (frames, synapses): int64 (frames, neurons)."""
        return self._dots(self.count(self.planes(codes)))

    def _dots(self, counts: NDArray[np.int32]) -> NDArray[np.int64]:
        return counts.astype(np.int64) * self._affine.scale + self._affine.constants

    def output(self, codes: NDArray[np.uint8]) -> NDArray[np.unsignedinteger[Any]]:
        """Codes of the stream that the layer emits (:attr:`Dense.output`), from codes (frames, synapses)."""
        return self.activate(self.count(self.planes(codes)))

    def activate(self, counts: NDArray[np.int32]) -> NDArray[np.unsignedinteger[Any]]:
        """Codes of the stream that the layer emits from accumulators (..., neurons)."""
        activation = self.layer.activation
        if activation is None:
            return self.layer.output.encode(counts)
        if isinstance(activation, FloatActivation):
            return apply_float(activation, self._dots(counts))
        assert self._thresholds is not None
        return threshold(counts, self._thresholds, activation.dtype)
