"""What a folding can be chosen for, against all foldings of a small network."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

import pytest

from bnnhw import boards
from bnnhw.boards import Board, get
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.dataflow.throughput import first_result, settle
from bnnhw.errors import CheckError, RequestError
from bnnhw.flow import aims
from bnnhw.flow.aims import Aim
from bnnhw.flow.choose import choose, choose_board, fold
from bnnhw.flow.fold import cost, link_reserve, predict
from bnnhw.folding import FoldedNetwork, solve
from bnnhw.folding.choices import Room
from bnnhw.folding.costs import Costs
from bnnhw.folding.solve import CELL_SHARE, Solver
from bnnhw.ir import Network
from tests.build.networks import random_network
from tests.layers import MapNetwork

BOARD = get("ulx3s-12f")
TECHNOLOGY = BOARD.family.technology


@dataclass(frozen=True)
class Every:
    """One of all foldings, lowered."""

    latency: int
    interval: int
    room: Room
    share: float


@pytest.fixture(scope="module")
def tiny() -> Network:
    return random_network((12, 6, 3))


@pytest.fixture(scope="module")
def every(tiny: Network) -> list[Every]:
    solver, engine = Solver(tiny, BOARD), ENGINES.named("folded")
    found: list[Every] = []
    layers = solver.folded([0, 0], solver.choices).layers
    for foldings in itertools.product(*(engine.candidates(layer) for layer in layers)):
        graph = FoldedNetwork(tiny, foldings).graph(TECHNOLOGY)
        room = Room.of(graph.resources())
        share = room.cells / solver.room.cells + room.blocks / solver.room.blocks
        interval = max(node.unit.interval for node in graph.nodes)
        found.append(Every(first_result(graph), interval, room, share))
    return found


def test_the_cheapest_in_time_of_all_foldings(tiny: Network, every: list[Every]) -> None:
    """Foldings that another beats in cycles and cells by 40 are not compared, whatever their latency: 2 % at most."""
    solver = Solver(tiny, BOARD)
    latencies = sorted({each.latency for each in every})
    exact = 0
    for latency in latencies:
        folded = solver.prompt(latency)
        assert folded is not None
        graph = folded.graph(TECHNOLOGY)
        assert first_result(graph) == settle(graph).latency <= latency
        room = Room.of(graph.resources())
        share = room.cells / solver.room.cells + room.blocks / solver.room.blocks
        least = min(each.share for each in every if each.latency <= latency)
        assert least <= share <= 1.02 * least
        exact += share == least
    assert exact >= 0.8 * len(latencies)
    assert solver.prompt(latencies[0] - 1) is None


@pytest.mark.parametrize("cycles", [1, 3, 6, 12, 24])
def test_what_is_beyond_takes_the_fewest_cells(tiny: Network, every: list[Every], cycles: int) -> None:
    """Of all within the cycles whose memories there are, within the 40 cells by which foldings are left out."""
    small = dataclasses.replace(BOARD, part=dataclasses.replace(BOARD.part, lut4=100, block_rams=2))
    found = Solver(tiny, small).beyond(cycles)
    assert found is not None and found.cycles <= cycles
    least = min(each.room.cells for each in every if each.interval <= cycles and each.room.blocks <= 2)
    assert least <= found.resources.cells <= least + 40
    assert found.short == ("cells",)


def test_nothing_is_beyond_a_cycle(tiny: Network) -> None:
    assert Solver(tiny, BOARD).beyond(0) is None


def test_memories_that_are_short() -> None:
    """Weights that can be replaced: in registers they would take 44,000 cells, so it is block RAM that is missing."""
    network = random_network((256, 64, 10))
    small = dataclasses.replace(BOARD, part=dataclasses.replace(BOARD.part, lut4=8000, block_rams=1))
    found = Solver(network, small, writable=True).beyond(600)
    assert found is not None and found.cycles <= 600
    assert found.short == ("bram",) and found.resources.bram > 1


def test_costs_are_those_of_units(tiny: Network) -> None:
    """Kept under what tells units apart: also of layers that are made anew for each graph, as windows' columns are."""
    network = MapNetwork((4, 6, 6)).conv(8, (3, 3), (1, 1)).dense(3, (1, 1), None)
    assert isinstance(network, MapNetwork)
    folded = [Solver(tiny, BOARD).fastest(), fold(network.folded().network, BOARD, fastest=True)]
    columns = dataclasses.replace(folded[1].foldings[0], columns=True)
    folded.append(FoldedNetwork(folded[1].network, (columns, *folded[1].foldings[1:])))
    other = LayerFolding(1, 1)
    folded.append(FoldedNetwork(folded[0].network, (other, *folded[0].foldings[1:])))
    costs = Costs(TECHNOLOGY)
    for _ in range(3):
        for each in folded:
            graph = each.graph(TECHNOLOGY)
            assert costs.graph(graph) == graph.resources()


def test_cycles_and_costs_of_layers_are_those_of_their_units(tiny: Network) -> None:
    costs = Costs(TECHNOLOGY)
    for _ in range(2):
        for layer, folding in fold(tiny, BOARD, fastest=True).pairs:
            for each in (folding, LayerFolding(1, 1)):
                unit = ENGINES.named(each.engine).unit(layer, each, TECHNOLOGY)
                assert costs.layer(layer, each) == (unit.interval, unit.resources(TECHNOLOGY))


def test_one_aim() -> None:
    with pytest.raises(RequestError, match="only one of"):
        Aim(fps=1, cells=2)


def test_cells_that_are_asked_for(tiny: Network) -> None:
    solver = Solver(tiny, BOARD, reserve=link_reserve(tiny, BOARD))
    least = int(min(solver.cost(solver.cheapest(cycles) or solver.fastest()).cells for cycles in (20, 40, 60, 100)))
    counts = []
    for cells in (least + 50, least + 400, least + 1600):
        folded = fold(tiny, BOARD, cells=cells)
        assert cost(folded, BOARD).cells <= cells
        counts.append(predict(folded, BOARD).cycles_per_frame)
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]
    with pytest.raises(CheckError, match=r"at most 100 logic cells: the smallest takes about \d+, "):
        fold(tiny, BOARD, cells=100)


def test_what_there_is_no_room_for_beside_block_rams(tiny: Network) -> None:
    """Cells that a device has, and does not route beside so many block RAMs."""
    solver = Solver(tiny, BOARD)
    fastest = solver.slowest(solver.fastest())
    solver.room = dataclasses.replace(solver.room, together=400.0, block_cells=100.0)
    folded = solver.fastest()
    taken = Room.of(folded.graph(TECHNOLOGY).resources())
    assert solver.slowest(folded) > fastest
    assert taken.cells + 100 * taken.blocks <= 400
    found = solver.beyond(solver.slowest(folded) - 1)
    assert found is not None and found.short == ("cells",)
    assert found.resources.cells > found.cells == 400 - 100 * found.resources.bram


def test_what_there_is_no_room_for(tiny: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is quicker than what was chosen, and too large for it."""
    small = dataclasses.replace(BOARD, part=dataclasses.replace(BOARD.part, lut4=1200))
    choice = choose(tiny, small, Aim(fastest=True), engine="folded")
    better = choice.better()
    assert better is not None
    assert better["cycles_per_frame"] < predict(choice.folded, small).cycles_per_frame
    assert better["short"] == ["cells"] and better["estimate"]["cells"] > CELL_SHARE * 1200
    assert f"{better['cycles_per_frame']} cycles per frame would take about" in better["text"]
    assert "logic cells of 960" in better["text"]
    # Of what is not to be had in as few cells as are quick to build, the device is the limit.
    monkeypatch.setattr(solve, "MODEST_CELLS", 300)
    monkeypatch.setattr(aims, "MODEST_CELLS", 300)
    choice = choose(tiny, small, engine="folded")
    assert (choice.better() or {})["text"].endswith("of 960")
    # Of one that is just quick enough there is nothing to say, and none is quicker than a cycle.
    assert choose(tiny, small, Aim(fps=1000), engine="folded").better() is None


def test_latency_at_the_clock_of_the_board(tiny: Network) -> None:
    folded = fold(tiny, BOARD, latency_us=0.5)
    assert predict(folded, BOARD).latency_cycles <= 0.5 * BOARD.clock_mhz
    with pytest.raises(CheckError, match=r"has a latency of \S+ us at 80 MHz, and none of 0.001 us was found"):
        fold(tiny, BOARD, latency_us=0.001)


def _boards(monkeypatch: pytest.MonkeyPatch, *sizes: int) -> list[Board]:
    """Boards of so many logic cells."""
    made = [
        dataclasses.replace(BOARD, name=f"of-{size}", part=dataclasses.replace(BOARD.part, name=f"D{size}", lut4=size))
        for size in sizes
    ]
    monkeypatch.setattr(boards, "BOARDS", {board.name: board for board in made})
    return made


def test_the_smallest_board_that_does_it(tiny: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _boards(monkeypatch, 800, 1150, 1500, 3000)
    for fps in (1_000, 5_000_000, 20_000_000):
        aim = Aim(fps=fps)
        choice = choose_board(tiny, aim, engine="folded")
        assert predict(choice.folded, choice.board).cycles_per_frame <= BOARD.clock_mhz * 1e6 / fps
        for board in made[: made.index(choice.board)]:
            with pytest.raises(CheckError):
                choose(tiny, board, aim, engine="folded")
    with pytest.raises(CheckError, match=r"^no board that comes with bnnhw is enough; of the largest: .*of-3000"):
        choose_board(tiny, Aim(fps=1e9), engine="folded")
