"""The proofs of matrix-vector units: each way of folding, each memory, each order of planes, depthwise ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.dataflow.engine import LayerFolding
from bnnhw.devices import technology
from bnnhw.ir import BitMatrix, DataType, Dense, Thresholds, WeightPlane
from bnnhw.units.mvu.batch_timing import BatchTiming
from bnnhw.units.mvu.contract import MvuContract
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.units.mvu.timing import MvuTiming
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _layer(rows: str, dtype: str, thresholds: list[list[int]] | None, output: str = "bipolar") -> Dense:
    """A layer from the weight rows of each plane: ``"101 011"`` is two neurons, ``"10 01/11 00"`` two planes."""
    planes = []
    for number, plane in enumerate(rows.split("/")):
        bits = np.array([[int(bit) for bit in row] for row in plane.split()], np.uint8)
        planes.append(WeightPlane(1 << number, BitMatrix.from_bits(bits)))
    activation = None
    if thresholds is not None:
        activation = Thresholds(np.array(thresholds, np.int64), DataType.parse(output))
    return Dense("layer", DataType.parse(dtype), tuple(planes), activation)


def _mvu(
    layer: Dense, pe: int, simd: int, memory: str = "lut", family: str = "ice40", planes: str = "parallel",
    vectors: int = 1,
) -> Callable[[], Mvu]:  # fmt: skip
    folding = LayerFolding(pe, simd, memory, planes=planes, vectors=vectors)
    return lambda: MvuUnit(layer, folding, technology(family)).component()


def _depthwise(layer: Dense, pe: int, multiplier: int = 1) -> Callable[[], Mvu]:
    return lambda: Mvu(MvuUnit(layer, LayerFolding(pe, 1, "lut"), technology("ice40"), multiplier))


class _TightTiming(BatchTiming):
    """Queues that hold one vector's results: those that never slow a unit down fill up only after many more cycles."""

    @property
    def credits(self) -> int:
        return self.neuron_folds


class _TightUnit(MvuUnit):
    @property
    def timing(self) -> MvuTiming:
        return _TightTiming(**vars(super().timing))


def _tight(layer: Dense) -> Callable[[], Mvu]:
    """Two vectors per weight word, one neuron by one synapse, and no more room than is needed."""
    folding = LayerFolding(1, 1, "block", vectors=2)
    return lambda: _TightUnit(layer, folding, technology("ice40")).component()


PROOFS: dict[str, Case] = {
    "mvu-smallest": Case(
        MvuContract, _mvu(_layer("10 01", "bipolar", [[2], [1]]), 1, 2, "block"), quick=True, faults=8
    ),
    # K = 3, N = 3: padded lanes and padded neurons, replay, thresholds. A vector takes 10 cycles.
    "mvu-padded": Case(MvuContract, _mvu(_layer("101 011 000", "bipolar", [[2], [1], [3]]), 2, 2)),
    "mvu-padded-16": Case(
        MvuContract, _mvu(_layer("101 011 000", "bipolar", [[2], [1], [3]]), 2, 2), cycles=16, quick=True, faults=10
    ),
    "mvu-single-fold": Case(MvuContract, _mvu(_layer("101 011", "bipolar", [[2], [1]]), 2, 3)),
    "mvu-no-replay": Case(MvuContract, _mvu(_layer("101 011", "bipolar", [[2], [0]]), 2, 1)),
    "mvu-one-word": Case(MvuContract, _mvu(_layer("101 011 110", "bipolar", [[2], [4], [3]]), 1, 3)),
    "mvu-accumulators": Case(MvuContract, _mvu(_layer("101 011 000", "bipolar", None), 1, 2)),
    "mvu-levels": Case(MvuContract, _mvu(_layer("101 011", "bipolar", [[1, 2, 3], [0, 1, 4]], "uint2"), 1, 2)),
    "mvu-planes": Case(MvuContract, _mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 1)),
    # A vector takes 11 cycles.
    "mvu-serial": Case(MvuContract, _mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 2, planes="serial")),
    "mvu-serial-20": Case(
        MvuContract, _mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 2, planes="serial"), cycles=20, quick=True, faults=10
    ),
    "mvu-serial-signed": Case(MvuContract, _mvu(_layer("10 01", "int2", None), 2, 1, planes="serial")),
    "mvu-block-generic": Case(MvuContract, _mvu(_layer("10 01", "bipolar", [[2], [1]]), 1, 1, "block", "generic")),
    # C = 3, PE = 2: a padded lane; no replay, although NF = 2.
    "mvu-depthwise": Case(MvuContract, _depthwise(_layer("10 01 11", "bipolar", [[2], [1], [0]]), 2), quick=True),
    "mvu-depthwise-planes": Case(MvuContract, _depthwise(_layer("10 01", "uint2", [[3], [2]]), 2)),
    "mvu-depthwise-one-tap": Case(MvuContract, _depthwise(_layer("1 0 1", "bipolar", [[1], [0], [1]]), 2), cycles=14),
    # M = 2: two elements for either of two channels, of two and of three; the words of a channel replayed for both of
    # its neurons.
    "mvu-depthwise-side-by-side": Case(
        MvuContract, _depthwise(_layer("10 01 11 00", "bipolar", [[2], [1], [0], [1]]), 4, 2), faults=6
    ),
    "mvu-depthwise-side-by-side-padded": Case(
        MvuContract, _depthwise(_layer("10 01 11 00 10 11", "bipolar", [[2], [1], [0], [1], [2], [1]]), 4, 2)
    ),
    "mvu-depthwise-replay": Case(
        MvuContract, _depthwise(_layer("10 01 11 00", "bipolar", [[2], [1], [0], [1]]), 1, 2), faults=6
    ),
    # Two vectors per weight word: II = 4 cycles for both, the least folds that there may be.
    "mvu-vectors-18": Case(MvuContract, _tight(_layer("10 01", "bipolar", None)), cycles=18, quick=True, faults=8),
    "mvu-vectors-24": Case(MvuContract, _mvu(_layer("10 01", "bipolar", [[2], [1]]), 1, 1, vectors=2), cycles=24),
    # K = 3, N = 3: padded lanes and padded neurons.
    "mvu-vectors-padded": Case(
        MvuContract, _mvu(_layer("101 011 000", "bipolar", None), 2, 2, "block", "generic", vectors=2), cycles=20
    ),
    "mvu-vectors-serial": Case(
        MvuContract, _mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 2, planes="serial", vectors=2), cycles=18
    ),
    "mvu-three-vectors": Case(
        MvuContract, _mvu(_layer("100 010 111", "bipolar", [[2], [1], [3]]), 1, 1, vectors=3), cycles=22
    ),
}
