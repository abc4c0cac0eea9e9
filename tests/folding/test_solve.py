"""The solver: what it chooses fits, nothing faster does, and a slower demand is cheaper."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from bnnhw.boards import get
from bnnhw.dataflow import Resources
from bnnhw.dataflow.engine import ENGINES
from bnnhw.devices import blocks_needed, technology
from bnnhw.errors import CheckError
from bnnhw.folding import FoldedNetwork, solve
from bnnhw.folding.predict import predict
from bnnhw.folding.solve import Solver
from bnnhw.ir import Network
from bnnhw.links import board_link
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.mvu.model import MvuUnit
from tests.build.networks import random_network
from tests.layers import MapNetwork

BOARDS = [get("icebreaker"), get("ulx3s-12f")]
LINK = board_link(BOARDS[0]).reserve(64, BOARDS[0].family.technology)


@pytest.fixture(scope="module")
def network() -> Network:
    return random_network((64, 48, 10))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_fastest_fits(network: Network, board: solve.Device) -> None:
    folded = Solver(network, board, reserve=LINK).fastest()
    cost = folded.graph(board.family.technology).resources() + LINK
    assert cost.cells <= solve.CELL_SHARE * board.lut4
    assert cost.bram <= board.block_rams


def test_modest_stays_small_where_it_can(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    board = get("ulx3s-85f")
    solver = Solver(network, board, reserve=LINK)
    folded = solver.modest()
    assert (folded.graph(board.family.technology).resources() + LINK).cells <= solve.MODEST_CELLS
    fastest = solver.fastest()
    assert (
        predict(fastest.graph(board.family.technology)).cycles_per_frame
        < predict(folded.graph(board.family.technology)).cycles_per_frame
    )
    # A network that can't be that small gets the whole device.
    monkeypatch.setattr(solve, "MODEST_CELLS", 300)
    assert solver.modest() == fastest


@pytest.mark.parametrize("cells", [400, 500, 700, 1000])
def test_fastest_of_all_foldings(cells: int) -> None:
    """Against every folding of a small network, lowered, with the converters that it needs."""
    network, board = random_network((16, 9, 3)), get("ulx3s-12f")
    small = dataclasses.replace(board, part=dataclasses.replace(board.part, lut4=int(cells / solve.CELL_SHARE)))
    solver = Solver(network, small)
    folded = solver.fastest()
    engine = ENGINES.named("folded")
    least = None
    for foldings in itertools.product(*(engine.candidates(layer) for layer in folded.layers)):
        graph = FoldedNetwork(network, foldings).graph(board.family.technology)
        interval = max(node.unit.interval for node in graph.nodes)
        if least is None or interval < least:
            cost = graph.resources()
            if cost.cells <= solve.CELL_SHARE * small.lut4 and cost.bram <= small.block_rams:
                least = interval
    assert predict(folded.graph(board.family.technology)).cycles_per_frame == least
    assert Solver(network, small).fastest() == folded


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_nothing_cheapest_is_faster_and_fits(network: Network, board: solve.Device) -> None:
    solver = Solver(network, board, reserve=LINK)
    least = predict(solver.fastest().graph(board.family.technology)).cycles_per_frame
    assert solver.cheapest(least) is not None
    assert all(solver.cheapest(cycles) is None for cycles in range(least // 2, least))


def test_more_cycles_cost_less(network: Network) -> None:
    """Compared for the layers; the width converters between them are not chosen."""
    board, tech = get("icebreaker"), technology("ice40")
    costs = []
    solver = Solver(network, board, reserve=LINK)
    for cycles in (200, 400, 800, 1600, 3200):
        folded = solver.cheapest(cycles)
        assert folded is not None
        assert predict(folded.graph(tech)).cycles_per_frame <= cycles
        cost = Resources.total(
            node.unit.resources(tech) for node in folded.graph(tech).nodes if isinstance(node.unit, MvuUnit)
        )
        costs.append(cost.cells / (solve.CELL_SHARE * board.lut4) + cost.bram / board.block_rams)
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_a_network_that_can_not_fit_says_how_much_too_big_it_is(network: Network) -> None:
    board = get("icebreaker")
    small = dataclasses.replace(board, part=dataclasses.replace(board.part, lut4=300, block_rams=2))
    pattern = (
        r"the network does not fit icebreaker even at its smallest: about \d+ logic cells of 300, \d+ block RAMs of 2"
        r"(, \d+ of its 4 SPRAMs)?"
    )
    with pytest.raises(CheckError, match=rf"^{pattern}$"):
        Solver(network, small, reserve=LINK).fastest()


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
    assert Solver(network, get("icebreaker"), reserve=LINK).cheapest(0) is None


@pytest.fixture(scope="module")
def convolutional() -> Network:
    """Two convolutions, a depthwise one, a pool; what is folded how is the solver's matter."""
    branch = MapNetwork((3, 10, 9), "uint2").conv(16, (3, 3), (1, 1)).pool((2, 2), (2, 2))
    branch = branch.conv(16, (3, 3), (1, 1), depthwise=True, padding=(1, 1, 1, 1)).conv(12, (1, 1), (1, 1))
    network = branch.dense(5, (1, 1), None)
    assert isinstance(network, MapNetwork)
    return network.folded().network


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_maps(convolutional: Network, board: solve.Device) -> None:
    solver = Solver(convolutional, board, reserve=LINK)
    folded = solver.fastest()
    cost = folded.graph(board.family.technology).resources() + LINK
    assert cost.cells <= solve.CELL_SHARE * board.lut4
    assert cost.bram <= board.block_rams
    assert [folding.simd for layer, folding in folded.pairs if layer.name == "conv2"] == [1]
    # Columns of 3 taps at each of 8 x 9 places leave the first window unit a word per cycle.
    least = predict(folded.graph(board.family.technology)).cycles_per_frame
    assert least >= 8 * 9 * 3
    slower = solver.cheapest(4 * least)
    assert slower is not None
    assert predict(slower.graph(board.family.technology)).cycles_per_frame <= 4 * least
    assert (
        slower.graph(board.family.technology).resources().cells
        < folded.graph(board.family.technology).resources().cells
    )


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_several_neurons_a_channel(board: solve.Device) -> None:
    """A comparator for each of 6 levels of 5 channels: parts of a channel, then whole channels."""
    branch = MapNetwork((5, 6, 6), "uint8").conv(30, (1, 1), (1, 1), depthwise=True).conv(8, (3, 3), (1, 1))
    network = branch.dense(4, (1, 1), None)
    assert isinstance(network, MapNetwork)
    found = set()
    solver = Solver(network.folded().network, board, reserve=LINK)
    for cycles in (36, 72, 150, 200, 400, 1100):
        folded = solver.cheapest(max(cycles, 16 * 9))
        if folded is not None:
            found.add(folded.foldings[0].pe)
            assert predict(folded.graph(board.family.technology)).cycles_per_frame <= max(cycles, 16 * 9)
    assert found <= {1, 2, 3, 6, 12, 18, 30}
    assert len(found) > 1


def test_lanes_of_convolutions_are_parts_or_multiples_of_positions(convolutional: Network) -> None:
    for board in BOARDS:
        solver = Solver(convolutional, board, reserve=LINK)
        for cycles in (600, 2000, 9000):
            folded = solver.cheapest(cycles)
            if folded is None:
                continue
            for layer, folding in zip(folded.layers, folded.foldings, strict=True):
                if layer.window is not None:
                    channels = layer.window.channels
                    assert channels % folding.simd == 0 or folding.simd % channels == 0


def test_a_demand_is_met_by_what_works_together(convolutional: Network) -> None:
    """Every demand that any folding of the search meets is met, whatever the units lose between them."""
    board = get("ulx3s-12f")
    solver = Solver(convolutional, board, reserve=LINK)
    least = predict(solver.fastest().graph(board.family.technology)).cycles_per_frame
    for cycles in range(least, 3 * least, least // 4):
        folded = solver.cheapest(cycles)
        assert folded is not None
        assert predict(folded.graph(board.family.technology)).cycles_per_frame <= cycles


def test_quick_estimate(convolutional: Network) -> None:
    """Only the queues of residual layers are guessed: all that a body swallows at most, never more than a frame."""
    board = get("ulx3s-12f")
    folded = Solver(convolutional, board, reserve=LINK).fastest()
    assert folded.graph(technology("ecp5"), quick=True).resources() == folded.graph(technology("ecp5")).resources()
    branch = MapNetwork((4, 8, 8), "int4")
    branch.residual(lambda b: b.quantize().conv(4, (3, 3), (1, 1), padding=(1, 1, 1, 1), output=None)).quantize()
    network = branch.dense(3, (1, 1), None)
    assert isinstance(network, MapNetwork)
    folded = Solver(network.folded().network, board, reserve=LINK).fastest()
    depths = [
        node.unit.depth
        for units in (folded.graph(technology("ecp5")), folded.graph(technology("ecp5"), quick=True))
        for node in units.nodes
        if isinstance(node.unit, BufferUnit)
    ]
    derived, guessed = depths
    assert derived <= guessed <= 64


def test_weight_words_are_shared_where_they_bind() -> None:
    """A device of few block RAMs and cells for ROMs: several frames per word take fewer cycles than any one does.

    What one frame at a time reaches is not shared.
    """
    network, board = random_network((256, 128, 10)), get("ulx3s-12f")
    small = dataclasses.replace(board, part=dataclasses.replace(board.part, lut4=9000, block_rams=6))
    solver = Solver(network, small)
    alone = solver._within(solver.least, solver.room)
    assert alone is None
    fastest = solver.fastest()
    assert max(folding.vectors for folding in fastest.foldings) > 1
    cycles = predict(fastest.graph(board.family.technology)).cycles_per_frame
    cost = fastest.graph(board.family.technology).resources()
    assert cost.cells <= solve.CELL_SHARE * 9000 and cost.bram <= 6
    single = next(each for each in range(cycles, 10_000) if solver._within(each, solver.room) is not None)
    assert cycles < single
    for wanted, shared in ((cycles, True), (single, False)):
        found = solver.cheapest(wanted)
        assert found is not None
        assert predict(found.graph(board.family.technology)).cycles_per_frame <= wanted
        assert any(folding.vectors > 1 for folding in found.foldings) == shared


@pytest.mark.parametrize(("cells", "quicker"), [(6000, True), (12_000, False)])
def test_three_share_weight_words_where_a_frame_is_quicker_by_it(
    cells: int, quicker: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of as many cycles, what two or four reach stays as it is."""
    board, network = get("ulx3s-12f"), random_network((196, 256, 10))
    small = dataclasses.replace(board, part=dataclasses.replace(board.part, lut4=cells, block_rams=10))
    found = Solver(network, small).fastest()
    monkeypatch.setattr(solve, "VECTORS", solve.VECTORS[:1])
    solver = Solver(network, small)
    even = solver.fastest()
    assert any(folding.vectors == 3 for folding in found.foldings) == quicker
    assert (solver.slowest(found) < solver.slowest(even)) == quicker
    assert quicker or found.foldings == even.foldings
