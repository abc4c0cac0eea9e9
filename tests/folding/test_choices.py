"""The choice of one folding per layer against all there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bnnhw.boards import get
from bnnhw.folding import solve
from bnnhw.folding.choices import Choices, Room, choose, spent
from bnnhw.folding.predict import predict
from bnnhw.ir import Network
from tests.layers import MapNetwork, random_layer


def _best(choices: list[Choices], cycles: int, room: Room, device: Room) -> float | None:
    """The least share of the device that any combination takes which is quick enough and fits."""
    shares = []
    for picks in itertools.product(*(range(len(choice.cycles)) for choice in choices)):
        whole = spent(choices, picks)
        if room.holds(whole) and all(c.cycles[p] <= cycles for c, p in zip(choices, picks, strict=True)):
            shares.append(whole.cells / device.cells + whole.blocks / device.blocks)
    return min(shares, default=None)


def test_choice_is_the_best_of_all() -> None:
    family, rng = get("icebreaker").family, np.random.default_rng(0)
    choices = [
        Choices(random_layer(rng, neurons, synapses), family) for neurons, synapses in ((4, 32), (4, 16), (2, 24))
    ]
    device = Room(3000, 20)
    found = set()
    for cycles, cells, blocks in itertools.product((20, 60, 200, 400), (180, 240, 330, 3000), (0, 2, 5, 9, 20)):
        room = Room(cells, blocks)
        picks, best = choose(choices, cycles, room, device), _best(choices, cycles, room, device)
        found.add(best is None)
        assert (picks is None) == (best is None)
        if picks is not None and best is not None:
            whole = spent(choices, picks)
            assert room.holds(whole)
            assert whole.cells / device.cells + whole.blocks / device.blocks == pytest.approx(best, rel=1e-12)
    assert found == {True, False}


def test_nothing_kept_is_beaten() -> None:
    """No folding beats one that is kept, and each that is not is beaten by one that is."""
    family = get("ulx3s-12f").family
    kept = Choices(random_layer(np.random.default_rng(1), 24, 96), family)
    rows = list(zip(kept.cycles, kept.cells, kept.blocks, strict=True))
    for one, other in itertools.permutations(rows, 2):
        assert not all(a <= b for a, b in zip(one, other, strict=True))
    assert list(kept.cycles) == sorted(kept.cycles)


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


def test_a_device_that_is_nearly_full() -> None:
    """CNV W2A2 takes 3.09 of the 3.83 Mbit of an ECP5-85F: a folding by hand has 74,000 cycles per frame.

    Layers chosen one by one, each its cheapest, overrun the block RAMs at every speed but the lowest.
    """
    network, board = _cnv("int2", (1, 1)), get("ulx3s-85f")
    folded = solve.fastest(network, board)
    graph = folded.graph(board.family.technology)
    assert predict(graph).cycles_per_frame <= 74_000
    cost = graph.resources()
    assert cost.bram <= board.block_rams
    assert solve.logic_cells(cost, board.family) <= solve.CELL_SHARE * board.lut4
