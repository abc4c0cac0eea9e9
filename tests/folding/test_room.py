"""What there is to spend, and that nothing is spent in vain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw import lowering
from bnnhw.boards import get
from bnnhw.dataflow import Graph
from bnnhw.errors import CheckError
from bnnhw.flow.choose import fold
from bnnhw.flow.fold import cost, fold_json
from bnnhw.folding import solve
from bnnhw.folding.choices import Room
from bnnhw.folding.predict import Prediction, predict
from bnnhw.folding.solve import Solver
from tests.layers import MapNetwork


@pytest.mark.parametrize(
    "blocks, due", [(8, [0.25 + 0.5, 1.0, 0.125]), (1, [0.25 + 4.0, 1.0, 1.0]), (0, [0.25 + 4.0, 1.0, 1.0])]
)
def test_share(blocks: int, due: list[float]) -> None:
    """Of the cells, and of the block RAMs, added; without any block RAM one is as dear as a whole device."""
    room = Room(400.0, blocks)
    assert room.share(np.array([100.0, 400.0, 0.0]), np.array([4, 0, 1])).tolist() == due


def test_room() -> None:
    room = Room(400.0, 8)
    assert room - Room(150.0, 3) == Room(250.0, 5)
    assert room.holds(Room(400.0, 8)) and room.holds(Room(0.0, 0))
    assert not room.holds(Room(400.5, 8)) and not room.holds(Room(400.0, 9))


def test_no_faster_than_a_window_lets_it_be() -> None:
    """A map of 12 x 10 of which a quarter is seen: its words take 120 cycles to come, however much is spent."""
    network = MapNetwork((2, 12, 10)).conv(8, (2, 2), (1, 1), stride=(4, 4)).dense(4, (1, 1), None)
    assert isinstance(network, MapNetwork)
    board = get("icebreaker")
    solver = Solver(network.folded().network, board)
    fastest, cheapest = solver.fastest(), solver.cheapest(120)
    assert predict(fastest.graph(board.family.technology)).cycles_per_frame == 120
    assert cheapest is not None
    assert fastest.foldings == cheapest.foldings


def test_a_cycle_too_slow_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units that wait for each other take longer than each does: then quicker ones are chosen, by what was missing."""
    network = MapNetwork((16, 1, 1)).dense(12, (1, 1)).dense(4, (1, 1), None)
    assert isinstance(network, MapNetwork)
    waits = iter([1, 0])
    seen: list[int] = []

    def late(graph: Graph) -> Prediction:
        alone = predict(graph)
        seen.append(alone.cycles_per_frame)
        return replace(alone, cycles_per_frame=48 + next(waits))

    monkeypatch.setattr(solve, "predict", late)
    assert Solver(network.folded().network, get("icebreaker")).cheapest(48) is not None
    first, second = seen
    assert first <= 48 and second <= 47


def test_a_search_follows_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues of residual layers are guessed meanwhile: deriving their depths takes as long as all the rest."""
    network = MapNetwork((4, 6, 6), "int3")
    network.residual(lambda b: b.quantize().conv(4, (3, 3), (1, 1), padding=(1, 1, 1, 1), output=None))
    network.quantize().dense(3, (1, 1), None)
    folded = network.folded()

    def refuse(graph: Graph) -> None:
        raise AssertionError("frames are followed")

    monkeypatch.setattr(lowering, "settle", refuse)
    assert Solver(folded.network, get("ulx3s-12f")).fastest().foldings


def test_frames_that_wait_at_the_link_take_room() -> None:
    """Two colour images of 32 x 32 with 4 bits, in the link's block RAMs; the folding gets what they leave."""
    network = MapNetwork((3, 32, 32), "uint4").conv(8, (3, 3), (1, 1), stride=(3, 3)).dense(4, (1, 1), None)
    assert isinstance(network, MapNetwork)
    board = get("icebreaker")
    folded = fold(network.folded().network, board)
    whole = cost(folded, board)
    assert whole.bram - folded.graph(board.family.technology).resources().bram == 8
    assert fold_json(folded, board)["estimate"]["bram"] == whole.bram <= 30
    small = replace(board, part=replace(board.part, block_rams=8))
    with pytest.raises(CheckError, match=r"^the network does not fit icebreaker even at its smallest: .* of 8$"):
        fold(network.folded().network, small)
