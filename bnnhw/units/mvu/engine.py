"""The engine ``folded``: a matrix layer as a matrix-vector unit whose weights are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from bnnhw.dataflow.divisors import divisors, nearest, parts
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import Technology
from bnnhw.errors import FoldingError
from bnnhw.ir import Layer
from bnnhw.units.mvu.model import MvuUnit, depthwise_misfit, vectors_misfit

__all__ = ["MAX_SIMD", "FoldedEngine"]

MAX_VECTORS = 8
"""Most vectors that share a weight word: each has lanes of its own, and no device known has room for more."""

MAX_SIMD = 256
"""Widest popcount tried; wider ones gain nothing per LUT4 and lengthen the pipeline."""


FEWEST_FOLDS = 16
"""Neuron folds from which on thresholds in block RAM are tried: a column of fewer words is one look-up table."""


class FoldedEngine:
    """PE neurons by SIMD synapses per cycle, II = SF * NF; weights in logic, in block RAM or in SPRAM."""

    kind: ClassVar[str] = "folded"
    options: Mapping[str, tuple[str, ...]] = {
        "memory": ("lut", "block", "spram"),
        "planes": ("parallel", "serial"),
        "thresholds": ("lut", "block"),
    }
    most_vectors: ClassVar[int] = MAX_VECTORS

    def check(self, layer: Layer, folding: LayerFolding) -> None:
        """Refuse more lanes than the matrix has, and what a depthwise unit can't have."""
        matrix = layer.matrix
        assert matrix is not None, "an engine computes layers that have a weight matrix"
        for word, value, size in (("PE", folding.pe, matrix.neurons), ("SIMD", folding.simd, matrix.synapses)):
            if value > size:
                raise FoldingError(
                    f"layer {layer.name}: {word} must be at most {size}, not {value}; "
                    f"nearest without padding: {nearest(divisors(size), value)}"
                )
        if misfit := vectors_misfit(matrix, folding, layer.depth_multiplier):
            raise FoldingError(f"layer {layer.name}: {misfit}")
        if not layer.depth_multiplier:
            return
        misfit = depthwise_misfit(folding.pe, layer.depth_multiplier, matrix.neurons)
        if misfit is not None:
            raise FoldingError(f"layer {layer.name}: {misfit}")
        if folding.simd != 1:
            raise FoldingError(f"layer {layer.name}: SIMD of a depthwise convolution must be 1, not {folding.simd}")

    def unit(self, layer: Layer, folding: LayerFolding, technology: Technology) -> MvuUnit:
        """The matrix-vector unit of a layer."""
        assert layer.matrix is not None, "an engine computes layers that have a weight matrix"
        if folding.memory == "spram" and technology.spram is None:
            raise FoldingError(
                f"layer {layer.name}: memory spram needs a device that has SPRAM, and the family {technology.name} has "
                "none: lut or block"
            )
        return MvuUnit(layer.matrix, folding, technology, layer.depth_multiplier, layer.vectors)

    def describe(self, folding: LayerFolding) -> str:
        """PE, SIMD, vectors, memories and order of planes."""
        serial = ", bit-serial" if folding.planes == "serial" else ""
        vectors = f", {folding.vectors} vectors" if folding.vectors > 1 else ""
        writable = ", writable" if folding.writable else ""
        thresholds = ", thresholds in block memory" if folding.thresholds == "block" else ""
        return (
            f"PE {folding.pe}, SIMD {folding.simd}{vectors}, weights in {folding.memory} memory{thresholds}{serial}"
            f"{writable}"
        )

    def candidates(self, layer: Layer) -> Iterator[LayerFolding]:
        """Every PE and SIMD with the least padding, in either memory that a bitstream fills.

        With thresholds in either, where a neuron has several and there are :data:`FEWEST_FOLDS` neuron folds.
        """
        matrix = layer.matrix
        assert matrix is not None, "an engine computes layers that have a weight matrix"
        several = matrix.activation is not None and matrix.output.levels > 2
        for pe in _elements(matrix.neurons, layer.depth_multiplier):
            kept = ("lut", "block") if several and -(-matrix.neurons // pe) >= FEWEST_FOLDS else ("lut",)
            for simd in _lanes(layer):
                for memory in ("lut", "block"):
                    for thresholds in kept:
                        yield LayerFolding(pe, simd, memory, thresholds=thresholds)


ENGINES.add(FoldedEngine, FoldedEngine())


def _elements(neurons: int, multiplier: int) -> list[int]:
    """The PEs to choose from; ``multiplier`` neurons per channel of a depthwise convolution, otherwise 0."""
    if not multiplier:
        return parts(neurons)
    return divisors(multiplier)[:-1] + [multiplier * channels for channels in parts(neurons // multiplier)]


def _lanes(layer: Layer) -> list[int]:
    """The SIMDs to choose from.

    In a convolution those that the words of a window unit are parts or multiples of, so that width converters stay
    simple.
    """
    assert layer.matrix is not None
    if layer.depth_multiplier:
        return [1]
    window = layer.window
    if window is None:
        return [simd for simd in parts(layer.matrix.synapses) if simd <= MAX_SIMD]
    found = set(divisors(window.channels)) | {window.channels * d for d in divisors(window.area)}
    return sorted(simd for simd in found if simd <= MAX_SIMD)
