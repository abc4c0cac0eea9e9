"""Without an engine asked for: folded where that does, whatever is faster where it does not."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from bnnhw.boards import Board, get
from bnnhw.dataflow.engine import ENGINES
from bnnhw.devices import technology
from bnnhw.errors import CheckError
from bnnhw.flow.choose import fold
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.engines import Preferring
from bnnhw.folding.predict import predict
from bnnhw.folding.solve import CELL_SHARE
from bnnhw.ir import Network
from tests.build.networks import random_network
from tests.layers import MapNetwork

BOARD = get("ulx3s-85f")
ECP5 = technology("ecp5")


@pytest.fixture(scope="module")
def network() -> Network:
    """At one cycle per frame about 2,600 cells from constants, and 9,000 folded."""
    return random_network((64, 48, 10))


def engines(folded: FoldedNetwork) -> set[str]:
    return {folding.engine for folding in folded.foldings}


def cycles(folded: FoldedNetwork) -> int:
    return predict(folded.graph(ECP5)).cycles_per_frame


def device(cells: int) -> Board:
    """A board of the ECP5 of which a choice may take so many logic cells."""
    return dataclasses.replace(BOARD, part=dataclasses.replace(BOARD.part, lut4=int(cells / CELL_SHARE) + 1))


@pytest.fixture(scope="module")
def tiny() -> Network:
    return random_network((12, 6, 3))


@pytest.fixture(scope="module")
def all_foldings(tiny: Network) -> list[tuple[bool, int, float, int]]:
    """Of every choice for a small network, lowered: whether all is folded, cycles, logic cells and block RAMs."""
    found: list[tuple[bool, int, float, int]] = []
    layers = Preferring(tiny, BOARD).fastest().layers
    every = [[one for name in ENGINES for one in ENGINES.named(name).candidates(layer)] for layer in layers]
    for foldings in itertools.product(*every):
        folded = FoldedNetwork(tiny, foldings)
        graph = folded.graph(ECP5, quick=True)
        cost, interval = graph.resources(), max(node.unit.interval for node in graph.nodes)
        found.append((engines(folded) == {"folded"}, interval, cost.cells, cost.bram))
    return found


SMALL = device(4900)


@pytest.mark.parametrize("cells", [100, 180, 240, 300, 400, 600])
def test_the_fastest_of_all_foldings(
    tiny: Network, all_foldings: list[tuple[bool, int, float, int]], cells: int
) -> None:
    """Of all engines; folded unless that is slower."""
    small = device(cells)
    never = 1 << 30
    least = dict.fromkeys((False, True), never)
    for alone, interval, taken, blocks in all_foldings:
        if taken <= CELL_SHARE * small.lut4 and blocks <= small.block_rams:
            least[alone] = min(least[alone], interval)
    if min(least.values()) == never:
        with pytest.raises(CheckError, match="even at its smallest"):
            Preferring(tiny, small).fastest()
        return
    found = Preferring(tiny, small).fastest()
    assert cycles(found) == min(least.values())
    assert (engines(found) == {"folded"}) == (least[True] <= least[False])


def test_a_network_that_fits_takes_a_frame_per_cycle(network: Network) -> None:
    found = fold(network, SMALL, fastest=True)
    assert (cycles(found), engines(found)) == (1, {"spatial"})


def test_what_folded_does_is_folded(network: Network) -> None:
    """By default, and for as many frames per second as it reaches; beyond them whatever reaches them."""
    hertz = SMALL.clock_mhz * 1e6
    assert fold(network, SMALL) == fold(network, SMALL, engine="folded")
    alone = cycles(fold(network, SMALL, fastest=True, engine="folded"))
    assert alone > 1
    for wanted in (alone, 2 * alone, 50):
        due = fold(network, SMALL, fps=hertz / wanted, engine="folded")
        assert fold(network, SMALL, fps=hertz / wanted) == due
    assert "spatial" in engines(fold(network, SMALL, fps=hertz / (alone - 1)))
    with pytest.raises(CheckError, match=r"^the fastest folding that fits ulx3s-85f gives "):
        fold(network, SMALL, fps=2 * hertz)


def test_more_weights_than_wires_are_found_for_stay_in_memory(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 * 48 + 48 * 10 of them: one more is not routed, unless the engine is asked for."""
    hertz = SMALL.clock_mhz * 1e6
    monkeypatch.setattr("bnnhw.folding.engines.ROUTED", 3552)
    assert cycles(fold(network, SMALL, fastest=True)) == 1
    monkeypatch.setattr("bnnhw.folding.engines.ROUTED", 3551)
    assert engines(fold(network, SMALL, fastest=True)) == {"folded"}
    assert cycles(fold(network, SMALL, fastest=True, engine="any")) == 1
    with pytest.raises(CheckError, match=r"^the fastest folding that fits ulx3s-85f gives "):
        fold(network, SMALL, fps=hertz)


def test_nothing_is_faster_than_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine folded is as fast as windows give vectors, no other is looked at."""
    made = MapNetwork((1, 6, 6)).conv(2, (2, 2), (1, 1)).dense(2, (1, 1), None).folded().network
    due = fold(made, BOARD, fastest=True, engine="folded")
    monkeypatch.delattr(Preferring, "_any")
    assert fold(made, BOARD, fastest=True) == due
    with pytest.raises(CheckError):
        fold(made, BOARD, fps=BOARD.clock_mhz * 1e6)
