"""The choice of one folding per layer against all there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bnnhw.boards import get
from bnnhw.dataflow.engine import ENGINES
from bnnhw.devices import Family
from bnnhw.folding import solve
from bnnhw.folding.choices import NEARLY, Choices, Room, choose, spent
from bnnhw.folding.predict import predict
from bnnhw.ir import Dense, Network
from tests.layers import MapNetwork, random_layer


def _rows(layer: Dense, family: Family) -> list[tuple[int, float, int]]:
    """Cycles, logic cells and block RAMs of every folding that the engines name."""
    engines = [ENGINES.named(name) for name in ENGINES]
    units = [engine.unit(layer, f, family.technology) for engine in engines for f in engine.candidates(layer)]
    costs = [unit.resources(family.technology) for unit in units]
    return [(unit.interval, cost.cells, cost.bram) for unit, cost in zip(units, costs, strict=True)]


def test_choice_is_the_best_of_all() -> None:
    """Against every combination of all foldings, those that are no choice included."""
    family, rng = get("icebreaker").family, np.random.default_rng(0)
    layers = [random_layer(rng, neurons, synapses) for neurons, synapses in ((4, 32), (4, 16), (2, 24))]
    choices = [Choices(layer, family, tuple(ENGINES)) for layer in layers]
    cycles, cells, blocks = (
        np.array(list(itertools.product(*column)))
        for column in zip(*(zip(*_rows(layer, family), strict=True) for layer in layers), strict=True)
    )
    slowest, cells, blocks = cycles.max(1), cells.sum(1), blocks.sum(1)
    device = Room(3000, 20)
    found = set()
    for limit, room_cells, room_blocks in itertools.product((20, 60, 200, 400), (180, 240, 330, 3000), (0, 2, 5, 20)):
        room = Room(room_cells, room_blocks)
        fits = (slowest <= limit) & (cells <= room.cells) & (blocks <= room.blocks)
        picks = choose(choices, limit, room, device)
        found.add(picks is None)
        assert (picks is None) == (not fits.any())
        if picks is not None:
            whole = spent(choices, picks)
            assert room.holds(whole)
            assert all(choice.cycles[pick] <= limit for choice, pick in zip(choices, picks, strict=True))
            best = (cells[fits] / device.cells + blocks[fits] / device.blocks).min()
            assert whole.cells / device.cells + whole.blocks / device.blocks == pytest.approx(best, rel=1e-12)
    assert found == {True, False}


def test_choices_are_what_no_folding_beats() -> None:
    """No folding clearly beats one that is kept, and each that is not is matched or beaten by one that is."""
    family = get("ulx3s-12f").family
    layer = random_layer(np.random.default_rng(1), 24, 96)
    kept = Choices(layer, family, tuple(ENGINES))
    rows = list(zip(kept.cycles.tolist(), kept.cells.tolist(), kept.blocks.tolist(), strict=True))
    every = _rows(layer, family)
    assert len(rows) < len(every) / 3
    for one, other in itertools.permutations(rows, 2):
        assert not (one[0] <= other[0] and one[1] + NEARLY <= other[1] and one[2] <= other[2])
    for row in every:
        assert any(all(a <= b for a, b in zip(one, row, strict=True)) for one in rows)
    assert rows == sorted(rows)


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
