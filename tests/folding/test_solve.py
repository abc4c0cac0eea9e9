"""The solver: what it chooses fits, nothing faster does, and a slower demand is cheaper."""

from __future__ import annotations

import dataclasses

import pytest

from bnnhw.boards import get
from bnnhw.errors import CheckError
from bnnhw.folding import solve
from bnnhw.folding.chain import chain
from bnnhw.folding.counter import technology
from bnnhw.folding.cycles import predict
from bnnhw.folding.resources import LINK, Resources, blocks_needed, estimate, layer_resources
from bnnhw.folding.units import MvuUnit
from bnnhw.ir import Network
from tests.build.networks import random_network

BOARDS = [get("icebreaker"), get("ulx3s-12f")]


@pytest.fixture(scope="module")
def network() -> Network:
    return random_network((64, 48, 10))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_fastest_fits(network: Network, board: solve.Device) -> None:
    folded = solve.fastest(network, board)
    cost = estimate(folded, board.family) + LINK
    assert solve.logic_cells(cost, board.family) <= solve.CELL_SHARE * board.lut4
    assert cost.bram <= board.block_rams


def test_modest_stays_small_where_it_can(network: Network) -> None:
    board = get("ulx3s-85f")
    folded = solve.modest(network, board)
    assert solve.logic_cells(estimate(folded, board.family) + LINK, board.family) <= solve.MODEST_CELLS
    fastest = solve.fastest(network, board)
    assert predict(fastest, board.family).cycles_per_frame < predict(folded, board.family).cycles_per_frame
    # A network that can't be that small gets the whole device.
    large = random_network([4096, 512, 10])
    assert solve.modest(large, board) == solve.fastest(large, board)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_nothing_cheapest_is_faster_and_fits(network: Network, board: solve.Device) -> None:
    least = predict(solve.fastest(network, board), board.family).cycles_per_frame
    assert solve.cheapest(network, board, least) is not None
    assert all(solve.cheapest(network, board, cycles) is None for cycles in range(least // 2, least))


def test_more_cycles_cost_less(network: Network) -> None:
    """Of the layers; the converters between them are not chosen."""
    board, tech = get("icebreaker"), technology("ice40")
    costs = []
    for cycles in (200, 400, 800, 1600, 3200):
        folded = solve.cheapest(network, board, cycles)
        assert folded is not None
        assert predict(folded, tech).cycles_per_frame <= cycles
        cost = Resources.total(
            layer_resources(stage.unit, tech) for stage in chain(folded, tech).stages if isinstance(stage.unit, MvuUnit)
        )
        costs.append(solve.logic_cells(cost, "ice40") / (solve.CELL_SHARE * board.lut4) + cost.bram / board.block_rams)
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_a_network_that_can_not_fit_says_how_much_too_big_it_is(network: Network) -> None:
    small = dataclasses.replace(get("icebreaker"), lut4=300, block_rams=2)
    pattern = (
        r"the network does not fit icebreaker even at its smallest: about \d+ logic cells of 300, \d+ block RAMs of 2"
    )
    with pytest.raises(CheckError, match=rf"^{pattern}$"):
        solve.fastest(network, small)


@pytest.mark.parametrize(
    ("family", "depth", "width", "blocks"),
    [
        ("ice40", 256, 16, 1),
        ("ice40", 257, 16, 2),
        ("ice40", 2048, 2, 1),
        ("ice40", 4096, 2, 2),
        ("ecp5", 512, 36, 1),
        ("ecp5", 513, 36, 2),
        ("ecp5", 16384, 1, 1),
        ("ecp5", 4096, 5, 2),
    ],
)
def test_blocks_needed(family: str, depth: int, width: int, blocks: int) -> None:
    assert blocks_needed(depth, width, technology(family)) == blocks


def test_no_cycles_no_folding(network: Network) -> None:
    assert solve.cheapest(network, get("icebreaker"), 0) is None
