"""The engine ``spatial``: a matrix layer whose weights are constants in the fabric, a vector per cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import Technology
from bnnhw.errors import FoldingError
from bnnhw.ir import Layer
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.spatial.structure import synapses

__all__ = ["MAX_SYNAPSES", "SpatialEngine"]

MAX_SYNAPSES = 1 << 17
"""Most weights other than zero of a matrix that the solver looks at: at two thirds of a LUT4 each, about the largest
device known."""


class SpatialEngine:
    """All neurons by all synapses, II = 1; a weight is a wire or an inverter."""

    kind: ClassVar[str] = "spatial"
    options: Mapping[str, tuple[str, ...]] = {
        "memory": ("constant",),
        "planes": ("parallel",),
        "thresholds": ("lut",),
    }

    def check(self, layer: Layer, folding: LayerFolding) -> None:
        """Refuse anything but all of the matrix, and depthwise convolutions."""
        matrix = layer.matrix
        assert matrix is not None, "an engine computes layers that have a weight matrix"
        if layer.depth_multiplier:
            raise FoldingError(f"layer {layer.name}: a depthwise convolution must have the engine folded, not spatial")
        for word, value, size in (("PE", folding.pe, matrix.neurons), ("SIMD", folding.simd, matrix.synapses)):
            if value != size:
                raise FoldingError(f"layer {layer.name}: {word} must be {size} with the engine spatial, not {value}")

    def unit(self, layer: Layer, folding: LayerFolding, technology: Technology) -> SpatialUnit:
        """The spatial unit of a layer."""
        assert layer.matrix is not None, "an engine computes layers that have a weight matrix"
        return SpatialUnit(layer.matrix, technology, layer.vectors)

    def describe(self, folding: LayerFolding) -> str:
        """All of the matrix."""
        return "spatial, weights are constants"

    def candidates(self, layer: Layer) -> Iterator[LayerFolding]:
        """The only one there is, of a matrix that some device may hold."""
        matrix = layer.matrix
        assert matrix is not None, "an engine computes layers that have a weight matrix"
        if not layer.depth_multiplier and synapses(matrix) <= MAX_SYNAPSES:
            yield LayerFolding(matrix.neurons, matrix.synapses, "constant", self.kind)


ENGINES.add(SpatialEngine, SpatialEngine())
