"""The engine ``lookup``: a matrix layer of few live weights per neuron as truth tables, a vector per cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import Technology
from bnnhw.errors import FoldingError
from bnnhw.ir import Dense, Layer, Thresholds
from bnnhw.ir.layers.lookup import MAX_ADDRESS
from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.lookup.tabulate import live_bits, tabulated

__all__ = ["LookupEngine"]


def _misfit(layer: Layer, matrix: Dense) -> str | None:
    """Why a layer is no truth tables; None if it is."""
    if layer.depth_multiplier:
        return "a depthwise convolution must have the engine folded, not lookup"
    if not isinstance(matrix.activation, Thresholds):
        return "a layer without thresholds must have the engine folded or spatial, not lookup"
    bits = live_bits(matrix)
    neuron = int(bits.argmax())
    if bits[neuron] > MAX_ADDRESS:
        return (
            f"a neuron must have at most {MAX_ADDRESS} input bits of weights other than 0 with the engine lookup, not "
            f"{bits[neuron]} as neuron {neuron} has: use folded or spatial"
        )
    return None


class LookupEngine:
    """All neurons in each cycle, II = 1; a neuron is a table of the inputs whose weights are not 0."""

    kind: ClassVar[str] = "lookup"
    options: Mapping[str, tuple[str, ...]] = {
        "memory": ("constant",),
        "planes": ("parallel",),
        "thresholds": ("lut",),
    }

    def check(self, layer: Layer, folding: LayerFolding) -> None:
        """Refuse anything but all of the matrix, and layers that are no tables."""
        matrix = layer.matrix
        assert matrix is not None, "an engine computes layers that have a weight matrix"
        misfit = _misfit(layer, matrix)
        if misfit is not None:
            raise FoldingError(f"layer {layer.name}: {misfit}")
        for word, value, size in (("PE", folding.pe, matrix.neurons), ("SIMD", folding.simd, matrix.synapses)):
            if value != size:
                raise FoldingError(f"layer {layer.name}: {word} must be {size} with the engine lookup, not {value}")

    def unit(self, layer: Layer, folding: LayerFolding, technology: Technology) -> LookupUnit:
        """The unit of a layer's tables."""
        assert layer.matrix is not None, "an engine computes layers that have a weight matrix"
        return LookupUnit.made(tabulated(layer.matrix), technology, layer.vectors)

    def describe(self, folding: LayerFolding) -> str:
        """All of the matrix."""
        return "truth tables of its live weights"

    def candidates(self, layer: Layer) -> Iterator[LayerFolding]:
        """The only one there is, of a layer that is tables."""
        matrix = layer.matrix
        assert matrix is not None, "an engine computes layers that have a weight matrix"
        if _misfit(layer, matrix) is None:
            yield LayerFolding(matrix.neurons, matrix.synapses, "constant", self.kind)


ENGINES.add(LookupEngine, LookupEngine())
