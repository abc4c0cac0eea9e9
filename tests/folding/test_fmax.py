"""The clock that is estimated for a folding, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw.boards import get
from bnnhw.devices.speeds import speed
from bnnhw.flow.clock import aligned, clock_words
from bnnhw.flow.fold import cost, fmax_estimate, fold_json
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane
from tests.cli.conftest import make_network
from tests.layers import MapNetwork

FOLDED = FoldedNetwork(make_network(), (LayerFolding(5, 8), LayerFolding(2, 5, "lut")))


def test_it_is_the_table_s() -> None:
    board = get("icebreaker")
    part = speed("ice40-u")
    assert part is not None
    bits = max(stream.width for node in FOLDED.graph(board.family.technology).nodes for stream in node.unit.inputs)
    due = part.fmax_mhz(cost(FOLDED, board).cells, bits, memory=True, aligned=True)
    assert due is not None
    assert fmax_estimate(FOLDED, "icebreaker") == fmax_estimate(FOLDED, board) == round(due, 1)
    assert fold_json(FOLDED, board)["fmax_estimate_mhz"] == round(due, 1)


def test_it_is_of_a_grade() -> None:
    slow, fast = (fmax_estimate(FOLDED, name) for name in ("ulx3s-12f", "orangecrab-r0-2-25f"))
    assert slow is not None and fast is not None and slow < fast


def test_long_frames_wait_in_block_ram() -> None:
    """On an ECP5 those are read late in the cycle: the same network with a larger map is slower by far."""
    small, large = (
        MapNetwork((1, side, side)).conv(2, (2, 2), (1, 1), stride=(2, 2)).dense(2, (1, 1), None) for side in (8, 40)
    )
    assert isinstance(small, MapNetwork) and isinstance(large, MapNetwork)
    quick, slow = (fmax_estimate(one.folded(), "ulx3s-12f") for one in (small, large))
    assert quick is not None and slow is not None and slow < 0.8 * quick


@pytest.mark.parametrize(
    "side, simd, whole",
    [(8, 8, True), (8, 16, True), (8, 4, True), (8, 2, True), (6, 6, False), (6, 12, False), (6, 9, False)],
)
def test_words_of_whole_bytes(side: int, simd: int, whole: bool) -> None:
    """Of a layer whose input is bits, SIMD of them in a word."""
    weights = (WeightPlane(1, BitMatrix.from_bits(np.random.default_rng(0).integers(0, 2, (4, side * side)))),)
    bit = DataType("bipolar", 1)
    network = Network(InputSpec((side * side,), bit), (Dense("only", bit, weights, None), Output.plain("output", 4)))
    graph = FoldedNetwork(network, (LayerFolding(2, simd),)).graph(get("ulx3s-12f").family.technology)
    assert (graph.input.width, aligned(graph)) == (simd, whole)


def test_a_part_that_nobody_measured() -> None:
    board = get("icebreaker")
    unknown = replace(board, part=replace(board.part, speed=""))
    assert fmax_estimate(FOLDED, unknown) is None
    assert fold_json(FOLDED, unknown)["fmax_estimate_mhz"] is None


@pytest.mark.parametrize(
    "estimated, words",
    [
        (91.6, "about 92 MHz expected, 80 asked for"),
        (71.6, "about 72 MHz expected, below the 80 asked for: it may miss timing"),
        (None, "no clock of this device was ever measured: whether 80 MHz are reached, only a build says"),
    ],
)
def test_words(estimated: float | None, words: str) -> None:
    assert clock_words(estimated, 80.0) == words
