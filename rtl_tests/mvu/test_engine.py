"""The engine of matrix-vector units: what it refuses, and which foldings it offers to compare."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import technology
from bnnhw.errors import FoldingError
from bnnhw.ir import Layer
from bnnhw.units.mvu.engine import FEWEST_FOLDS, MAX_SIMD, MAX_VECTORS
from bnnhw.units.mvu.model import MvuUnit
from tests.layers import MapNetwork

ENGINE = ENGINES.named("folded")
DENSE = MapNetwork((12, 1, 1)).dense(10, (1, 1)).layers[0]
WIDE = MapNetwork((600, 1, 1)).dense(2, (1, 1)).layers[0]
BYTES = MapNetwork((12, 1, 1), "uint3").dense(10, (1, 1)).layers[0]
CONV = MapNetwork((4, 5, 5)).conv(6, (3, 3), (1, 1)).layers[0]
DEPTHWISE = MapNetwork((3, 5, 5)).conv(12, (3, 3), (1, 1), depthwise=True).layers[0]


def offered(layer: Layer) -> tuple[set[int], set[int], set[str]]:
    """PEs, SIMDs and memories; each of them with each other, once."""
    candidates = list(ENGINE.candidates(layer))
    found = ({c.pe for c in candidates}, {c.simd for c in candidates}, {c.memory for c in candidates})
    assert len(set(candidates)) == len(candidates) == len(found[0]) * len(found[1]) * len(found[2])
    assert {(c.engine, c.planes) for c in candidates} == {("folded", "parallel")}
    for candidate in candidates:
        ENGINE.check(layer, candidate)
    return found


def test_candidates_of_a_dense_layer() -> None:
    """For each number of folds the least that covers all."""
    assert offered(DENSE) == ({1, 2, 3, 4, 5, 10}, {1, 2, 3, 4, 6, 12}, {"lut", "block"})


def test_no_popcount_is_wider_than_is_worth_it() -> None:
    simds = offered(WIDE)[1]
    assert MAX_SIMD == 256
    assert max(simds) == 200 and {150, 120, 100} <= simds
    exact = MapNetwork((512, 1, 1)).dense(2, (1, 1)).layers[0]
    assert max(offered(exact)[1]) == 256
    long = MapNetwork((64, 5, 5)).conv(6, (3, 3), (1, 1)).layers[0]
    assert max(offered(long)[1]) == 3 * 64


def test_candidates_of_a_convolution() -> None:
    """Parts of a position's channels, or so many positions that divide the kernel."""
    assert offered(CONV) == ({1, 2, 3, 6}, {1, 2, 4, 12, 36}, {"lut", "block"})


def test_candidates_of_several_thresholds() -> None:
    """Thresholds in block RAM too, where there are so many neuron folds that they fill some of it."""
    layer = MapNetwork((4, 1, 1)).dense(2 * FEWEST_FOLDS, (1, 1), "uint2").layers[0]
    kept = {(c.pe, c.thresholds) for c in ENGINE.candidates(layer)}
    assert {pe for pe, thresholds in kept if thresholds == "block"} == {1, 2}
    assert {pe for pe, thresholds in kept if thresholds == "lut"} == {1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 32}
    for output in ("bipolar", None):
        layer = MapNetwork((4, 1, 1)).dense(2 * FEWEST_FOLDS, (1, 1), output).layers[0]
        assert {c.thresholds for c in ENGINE.candidates(layer)} == {"lut"}


def test_candidates_of_a_depthwise_convolution() -> None:
    """Parts of a channel's four neurons, or whole channels."""
    assert offered(DEPTHWISE) == ({1, 2, 4, 8, 12}, {1}, {"lut", "block"})


@pytest.mark.parametrize(
    "layer, folding, message",
    [
        (DENSE, (11, 1), "layer dense0: PE must be at most 10, not 11; nearest without padding: 10"),
        (DENSE, (1, 13), "layer dense0: SIMD must be at most 12, not 13; nearest without padding: 12"),
        (DEPTHWISE, (3, 1), "layer conv0: PE of a depthwise convolution must be a divisor or a multiple of its 4 "
                            "neurons per channel, not 3; nearest: 2 or 4"),
        (DEPTHWISE, (4, 3), "layer conv0: SIMD of a depthwise convolution must be 1, not 3"),
    ],
)  # fmt: skip
def test_refused(layer: Layer, folding: tuple[int, int], message: str) -> None:
    with pytest.raises(FoldingError, match=rf"^{re.escape(message)}$"):
        ENGINE.check(layer, LayerFolding(*folding))


def test_what_is_allowed() -> None:
    """All neurons and all synapses; in a layer that is not depthwise any number in between."""
    for folding in ((10, 12), (1, 1), (7, 5)):
        ENGINE.check(DENSE, LayerFolding(*folding))
    ENGINE.check(DEPTHWISE, LayerFolding(12, 1))


def test_unit() -> None:
    """The matrix of the layer, once per position; depthwise as the layer is."""
    for layer, folding, multiplier, vectors in ((DENSE, (5, 4), 0, 1), (CONV, (2, 4), 0, 9), (DEPTHWISE, (4, 1), 4, 9)):
        made = ENGINE.unit(layer, LayerFolding(*folding), technology("ecp5"))
        assert layer.matrix is not None
        assert made == MvuUnit(layer.matrix, LayerFolding(*folding), technology("ecp5"), multiplier, vectors)


@pytest.mark.parametrize(
    "layer, folding, message",
    [
        # Four neuron folds, or four synapse folds, the fewer of either; times the planes that follow each other.
        (DENSE, LayerFolding(3, 2, vectors=5), "at most 4 with PE 3 and SIMD 2, whose words could not come and go in "
                                               "time otherwise, not 5"),
        (DENSE, LayerFolding(1, 6, vectors=3), "at most 2 with PE 1 and SIMD 6, whose words could not come and go in "
                                               "time otherwise, not 3"),
        (BYTES, LayerFolding(10, 4, planes="serial", vectors=4), "at most 3 with PE 10 and SIMD 4, whose words could "
                                                                 "not come and go in time otherwise, not 4"),
        (DEPTHWISE, LayerFolding(4, 1, vectors=2), "of a depthwise convolution must be 1, not 2"),
    ],
)  # fmt: skip
def test_vectors_refused(layer: Layer, folding: LayerFolding, message: str) -> None:
    assert layer.matrix is not None
    name = layer.matrix.name
    message = f"layer {name}: vectors {'must be ' if message.startswith('at most') else ''}{message}"
    with pytest.raises(FoldingError, match=rf"^{re.escape(message)}$"):
        ENGINE.check(layer, folding)
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}$"):
        ENGINE.unit(layer, folding, technology("ecp5"))
    legal = replace(folding, vectors=1 if layer.depth_multiplier else folding.vectors - 1)
    ENGINE.check(layer, legal)
    assert ENGINE.unit(layer, legal, technology("ecp5")).folding == legal


def test_in_words() -> None:
    assert ENGINE.describe(LayerFolding(2, 3, vectors=4)) == "PE 2, SIMD 3, 4 vectors, weights in block memory"
    thresholds = LayerFolding(2, 3, "lut", planes="serial", thresholds="block")
    assert ENGINE.describe(thresholds) == (
        "PE 2, SIMD 3, weights in lut memory, thresholds in block memory, bit-serial"
    )


def test_only_folded_layers_share_weight_words() -> None:
    for engine, most in (("folded", MAX_VECTORS), ("spatial", 1), ("lookup", 1)):
        memory = "block" if engine == "folded" else "constant"
        LayerFolding(1, 1, memory, engine, vectors=most)
        message = f"folding: vectors must be at most {most} with the engine {engine}, not {most + 1}"
        with pytest.raises(FoldingError, match=rf"^{message}$"):
            LayerFolding(1, 1, memory, engine, vectors=most + 1)


def test_less_of_a_matrix_takes_fewer_vectors() -> None:
    """What is left of a layer has fewer folds."""
    less = MapNetwork((5, 1, 1)).dense(3, (1, 1)).layers[0].matrix
    assert less is not None
    assert LayerFolding(4, 2, vectors=4).fitted(less) == LayerFolding(3, 2, vectors=1)
    assert LayerFolding(2, 2, vectors=3).fitted(less) == LayerFolding(2, 2, vectors=2)
    assert LayerFolding(1, 2, vectors=2).fitted(less) == LayerFolding(1, 2, vectors=2)
