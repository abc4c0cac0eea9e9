"""The model of spatial matrix units: streams, cycles, cost, and what the engine refuses."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import technology
from bnnhw.errors import FoldingError
from bnnhw.ir import BitMatrix, Dense, Layer, WeightPlane
from bnnhw.rtl.popcount_plan import plan
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.spatial.structure import synapses
from tests.layers import MapNetwork, random_layer

ENGINE = ENGINES.named("spatial")
DENSE = MapNetwork((12, 1, 1)).dense(10, (1, 1)).layers[0]
CONV = MapNetwork((4, 5, 5)).conv(6, (3, 3), (1, 1)).layers[0]
DEPTHWISE = MapNetwork((3, 5, 5)).conv(12, (3, 3), (1, 1), depthwise=True).layers[0]


def unit(neurons: int, synapses: int, family: str, *types: str | None) -> SpatialUnit:
    return SpatialUnit(random_layer(np.random.default_rng(0), neurons, synapses, *types), technology(family))


def test_streams() -> None:
    """All elements of a vector in a word, all neurons in one."""
    made = SpatialUnit(random_layer(np.random.default_rng(0), 5, 12, "uint2", "uint3"), technology("ice40"), 4)
    assert made.inputs == (StreamFormat(12, 2, 12, 48),)
    assert made.outputs == (StreamFormat(5, 3, 5, 20),)
    assert (made.repeats, made.interval) == (4, 4)


@pytest.mark.parametrize("output, compare", [("bipolar", 1), ("uint2", 2), (None, 1)])
def test_timing(output: str | None, compare: int) -> None:
    """A popcount, one cycle to compare or to add what is constant, one more to count levels, one in the queue.

    There is none where enables have global nets.
    """
    for family, queue in (("ice40", 0), ("ecp5", 1)):
        made = unit(1, 60, family, "bipolar", output)
        stages = plan(60, technology(family), True).latency + compare
        assert (made.timing.stages, made.timing.latency, made.timing.interval) == (stages, stages + queue, 1)


def test_large_units_run_free() -> None:
    """Past 8,192 registers the queue has a place for every word inside; without stalls the cycles are the same."""
    small, large = unit(10, 20, "ecp5"), unit(80, 500, "ecp5")
    free = SpatialUnit(small.matrix, small.technology, runs_free=True)
    assert (small.free, large.free, free.free) == (False, True, True)
    assert (small.queue, free.queue) == (2, free.stages + 2)
    assert small.places == free.places == free.stages + 2
    assert small.timing.latency == free.timing.latency
    # Enables of iCE40 have global nets.
    assert not unit(80, 500, "ice40").free
    # An input that is due later waits beside each of its users, not once for all of them.
    tech = small.technology
    assert free.datapath_inventory().resources(tech).ff > small.datapath_inventory().resources(tech).ff
    assert free.resources(tech).lut4 > small.resources(tech).lut4


@pytest.mark.parametrize(
    "family, lanes, luts", [("ice40", 7, 8), ("ice40", 15, 21), ("ecp5", 15, 22), ("ecp5", 63, 108)]
)
def test_plans_of_constant_weights(family: str, lanes: int, luts: int) -> None:
    """Full adders of two tables; two counts of 7 and a lane on a chain of 5 cells, on ECP5 6; and so on."""
    assert plan(lanes, technology(family), True).luts == luts


def test_candidates() -> None:
    """All of the matrix, or nothing."""
    assert list(ENGINE.candidates(DENSE)) == [LayerFolding(10, 12, "constant", "spatial")]
    assert list(ENGINE.candidates(CONV)) == [LayerFolding(6, 36, "constant", "spatial")]
    assert list(ENGINE.candidates(DEPTHWISE)) == []


def test_candidates_of_sparse_layers() -> None:
    """Weights of zero don't count: 400 x 400 is too much, unless most of it is zero."""
    ones = np.ones((400, 400), np.uint8)
    wide = MapNetwork((400, 1, 1)).dense(400, (1, 1)).layers[0]
    assert isinstance(wide, Dense)
    kept = np.zeros_like(ones)
    kept[:, :10] = 1
    planes = tuple(WeightPlane(1, BitMatrix.from_bits(bits)) for bits in (ones, 1 - ones))
    sparse = tuple(WeightPlane(1, BitMatrix.from_bits(bits)) for bits in (ones, kept))
    assert synapses(replace(wide, weights=planes)) == 0
    assert synapses(replace(wide, weights=sparse)) == 4000
    assert list(ENGINE.candidates(wide)) == []
    assert list(ENGINE.candidates(replace(wide, weights=sparse))) == [LayerFolding(400, 400, "constant", "spatial")]


@pytest.mark.parametrize(
    "layer, folding, message",
    [
        (DENSE, (5, 12), "layer dense0: PE must be 10 with the engine spatial, not 5"),
        (DENSE, (10, 6), "layer dense0: SIMD must be 12 with the engine spatial, not 6"),
        (DEPTHWISE, (12, 9), "layer conv0: a depthwise convolution must have the engine folded, not spatial"),
    ],
)
def test_refused(layer: Layer, folding: tuple[int, int], message: str) -> None:
    with pytest.raises(FoldingError, match=rf"^{re.escape(message)}$"):
        ENGINE.check(layer, LayerFolding(*folding, "constant", "spatial"))


@pytest.mark.parametrize(
    "words, message",
    [
        ({"memory": "lut"}, "folding: memory must be one of constant, not 'lut'"),
        ({"memory": "constant", "planes": "serial"}, "folding: planes must be one of parallel, not 'serial'"),
    ],
)
def test_words_of_other_engines(words: dict[str, str], message: str) -> None:
    with pytest.raises(FoldingError, match=rf"^{re.escape(message)}$"):
        LayerFolding(10, 12, engine="spatial", **words)
