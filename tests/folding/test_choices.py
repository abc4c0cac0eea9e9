"""The choice of one folding per layer against all there are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from math import inf

import numpy as np
import pytest

from bnnhw.boards import get
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import Family
from bnnhw.folding import solve
from bnnhw.folding.choices import NEARLY, Choices, Room, choose, spent
from bnnhw.folding.predict import predict
from bnnhw.ir import Dense, Network
from tests.layers import MapNetwork, random_layer


def _rows(layer: Dense, family: Family, names: Iterable[str] = ENGINES) -> list[tuple[int, float, int]]:
    """Cycles, logic cells and block RAMs of every folding that the engines name."""
    engines = [ENGINES.named(name) for name in names]
    units = [engine.unit(layer, f, family.technology) for engine in engines for f in engine.candidates(layer)]
    costs = [unit.resources(family.technology) for unit in units]
    return [(unit.interval, cost.cells, cost.bram) for unit, cost in zip(units, costs, strict=True)]


@pytest.mark.parametrize(
    "shapes, engines, cells, kept",
    [
        (((4, 32, "bipolar"), (4, 16, "bipolar"), (2, 24, "bipolar")), tuple(ENGINES), (180, 240, 330, 3000), {"lut"}),
        # Of several bits: thresholds in block RAM save what no weights there do.
        (((32, 8, "uint2"), (20, 8, "uint3")), ("folded",), (350, 400, 450, 500, 3000), {"lut", "block"}),
    ],
    ids=["weights", "thresholds"],
)
def test_choice_is_the_best_of_all(
    shapes: tuple[tuple[int, int, str], ...], engines: tuple[str, ...], cells: tuple[int, ...], kept: set[str]
) -> None:
    """Against every combination of all foldings, those that are no choice included."""
    family, rng = get("icebreaker").family, np.random.default_rng(0)
    layers = [random_layer(rng, neurons, synapses, output=output) for neurons, synapses, output in shapes]
    choices = [Choices(layer, family, engines) for layer in layers]
    cycles, taken, blocks = (
        np.array(list(itertools.product(*column)))
        for column in zip(*(zip(*_rows(layer, family, engines), strict=True) for layer in layers), strict=True)
    )
    slowest, taken, blocks = cycles.max(1), taken.sum(1), blocks.sum(1)
    device = Room(3000, 20)
    found, thresholds = set(), set()
    together = inf, 200.0, 500.0
    for limit, room_cells, room_blocks, both in itertools.product((20, 60, 200, 400), cells, (0, 2, 5, 20), together):
        room = Room(room_cells, room_blocks, together=both, block_cells=20.0)
        fits = (slowest <= limit) & (taken <= room.cells) & (blocks <= room.blocks) & (taken + 20 * blocks <= both)
        picks = choose(choices, limit, room, device)
        found.add(picks is None)
        assert (picks is None) == (not fits.any())
        if picks is not None:
            whole = spent(choices, picks)
            assert room.holds(whole)
            assert all(choice.cycles[pick] <= limit for choice, pick in zip(choices, picks, strict=True))
            thresholds |= {choice.foldings[pick].thresholds for choice, pick in zip(choices, picks, strict=True)}
            best = (taken[fits] / device.cells + blocks[fits] / device.blocks).min()
            assert whole.cells / device.cells + whole.blocks / device.blocks == pytest.approx(best, rel=1e-12)
    assert found == {True, False}
    assert thresholds == kept


def test_choices_are_what_no_folding_beats() -> None:
    """No folding clearly beats one that is kept, and each that is not is matched or beaten by one that is."""
    family = get("ulx3s-12f").family
    layer = random_layer(np.random.default_rng(1), 24, 96)
    kept = Choices(layer, family, tuple(ENGINES))
    rows = list(zip(kept.cycles.tolist(), kept.cells.tolist(), kept.blocks.tolist(), strict=True))
    every = _rows(layer, family)
    assert len(rows) < 0.4 * len(every)
    for one, other in itertools.permutations(rows, 2):
        assert not (one[0] <= other[0] and one[1] + NEARLY <= other[1] and one[2] <= other[2])
    for row in every:
        assert any(all(a <= b for a, b in zip(one, row, strict=True)) for one in rows)
    assert rows == sorted(rows)


def test_cells_and_block_rams_together() -> None:
    """What is left of both, and what fits beside so many block RAMs."""
    room = Room(800.0, 10, together=1200.0, block_cells=100.0)
    assert [float(room.cells_beside(blocks)) for blocks in (0, 4, 5, 10)] == [800, 800, 700, 200]
    assert room.holds(Room(700.0, 5)) and not room.holds(Room(701.0, 5))
    left = room - Room(100.0, 3)
    assert left == Room(700.0, 7, together=800.0, block_cells=100.0)
    assert left.holds(Room(600.0, 2)) and not left.holds(Room(601.0, 2))


@pytest.mark.parametrize(("name", "share"), [("ulx3s-85f", 1.6), ("icebreaker", inf)])
def test_a_device_that_is_full_of_both_is_not_routed(name: str, share: float) -> None:
    """Where weight words are shared, on the ECP5, as was measured; without that, and on the iCE40, it is."""
    board = get(name)
    network = MapNetwork((4, 1, 1), "uint2")
    network.dense(8, (1, 1), None)
    solver = solve.Solver(network.folded().network, board)
    assert solver.room_for(solver.choices, [0], solver.room) is solver.room
    (sharing,) = choices = [Choices(random_layer(np.random.default_rng(0), 8, 4), board.family)]
    sharing.foldings = [LayerFolding(2, 2, "block", vectors=2)]
    room = solver.room_for(choices, [0], solver.room)
    assert room.cells_beside(0) == pytest.approx(solve.CELL_SHARE * board.lut4)
    least = min(solve.CELL_SHARE, share - 1) * board.lut4
    assert float(room.cells_beside(board.block_rams)) == pytest.approx(least)


def test_device_without_block_rams() -> None:
    family = get("ulx3s-12f").family
    choices = [Choices(random_layer(np.random.default_rng(2), 6, 24), family)]
    device = Room(3000, 0)
    picks = choose(choices, 1000, device, device)
    assert picks is not None
    assert spent(choices, picks).blocks == 0


def _cnv(activations: str, coefficients: tuple[int, ...]) -> Network:
    """FINN's CNV with random weights: 1,542,848 of them per plane."""
    network = MapNetwork((3, 32, 32), "int8")
    for neurons, pooled in ((64, False), (64, True), (128, False), (128, True), (256, False), (256, False)):
        network.conv(neurons, (3, 3), (1, 1), output=activations, coefficients=coefficients)
        if pooled:
            network.pool((2, 2), (2, 2))
    for neurons, output in ((512, activations), (512, activations), (10, None)):
        network.dense(neurons, (1, 1), output, coefficients=coefficients)
    return network.folded().network


@pytest.mark.slow
def test_a_device_that_is_nearly_full() -> None:
    """CNV W2A2 takes 3.09 of the 3.83 Mbit of an ECP5-85F: a folding by hand has 74,000 cycles per frame.

    Layers chosen one by one, each its cheapest, overrun the block RAMs at every speed but the lowest.
    """
    network, board = _cnv("int2", (1, 1)), get("ulx3s-85f")
    folded = solve.Solver(network, board).fastest()
    graph = folded.graph(board.family.technology)
    assert predict(graph).cycles_per_frame <= 74_000
    cost = graph.resources()
    assert cost.bram <= board.block_rams
    assert cost.cells <= solve.CELL_SHARE * board.lut4
