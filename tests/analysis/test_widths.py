"""Suggested widths: within the budget, never more than helps, greedy as documented."""

from __future__ import annotations

import pytest

from bnnhw.analysis import Measurement, Sensitivity, activation_sites, suggest, with_widths
from bnnhw.boards import get
from bnnhw.devices import technology
from bnnhw.errors import CheckError
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import Network
from bnnhw.links import board_link
from tests.cli.conftest import make_network

BOARD = get("icebreaker")
LINK = board_link(BOARD).reserve(64, BOARD.family.technology)
NOISE = {"input": 0.001, "dense0": 0.04, "dense1": 0.16}


def network() -> Network:
    return make_network((64, 12, 8, 10))


def folded() -> FoldedNetwork:
    return FoldedNetwork(network(), (LayerFolding(4, 8, "lut"), LayerFolding(2, 4, "lut"), LayerFolding(1, 2, "lut")))


def measured(noise: dict[str, float]) -> Sensitivity:
    sites = tuple(Measurement(site, 0.0, 0.0, noise[site.name]) for site in activation_sites(network()))
    return Sensitivity(100, 0.9, 0.05, 0, sites)


def lut4(widths: dict[str, int]) -> int:
    other = FoldedNetwork(with_widths(network(), widths), folded().foldings)
    return (other.graph(technology("ice40")).resources() + LINK).lut4


def worth(name: str, bits: int) -> float:
    """What the next bit takes from the noise, by hand: a bit quarters it."""
    here = NOISE[name] * 4.0 ** ({"input": 4}.get(name, 1) - bits)
    return here * 3 / 4


def test_plenty_of_room() -> None:
    found = suggest(measured(NOISE), folded(), BOARD, 1_000_000, reserve=LINK)
    # The input never gets wider than it is.
    assert {s.name: s.suggested_bits for s in found.sites} == {"input": 4, "dense0": 8, "dense1": 8}
    assert {s.name: s.bits for s in found.sites} == {"input": 4, "dense0": 1, "dense1": 1}
    assert found.estimate == folded().graph(technology("ice40")).resources() + LINK
    assert found.suggested_estimate.lut4 == lut4({"input": 4, "dense0": 8, "dense1": 8})
    assert found.noise == pytest.approx(0.201)
    assert found.suggested_noise == pytest.approx(0.001 + 0.2 / 4**7)


def test_bits_that_do_not_help_are_not_bought() -> None:
    found = suggest(measured(NOISE | {"dense0": 0.0}), folded(), BOARD, 1_000_000, reserve=LINK)
    assert {s.name: s.suggested_bits for s in found.sites} == {"input": 4, "dense0": 1, "dense1": 8}


def test_first_bit_is_the_one_worth_most_for_its_cost() -> None:
    start = dict.fromkeys(NOISE, 1)
    least = lut4(start)
    # A second bit of the input happens to make this network's converters simpler: it counts as one LUT4.
    costs = {name: max(1, lut4(start | {name: 2}) - least) for name in NOISE}
    best = max(NOISE, key=lambda name: worth(name, 1) / costs[name])
    found = suggest(measured(NOISE), folded(), BOARD, least + costs[best], reserve=LINK)
    given = {s.name: s.suggested_bits for s in found.sites}
    assert given[best] >= 2
    assert lut4(given) <= least + costs[best]


@pytest.mark.parametrize("room", [0, 30, 100, 300, 1000, 3000])
def test_as_many_bits_as_fit(room: int) -> None:
    budget = lut4(dict.fromkeys(NOISE, 1)) + room
    found = suggest(measured(NOISE), folded(), BOARD, budget, reserve=LINK)
    given = {s.name: s.suggested_bits for s in found.sites}
    assert found.suggested_estimate.lut4 == lut4(given) <= budget
    most = {"input": 4, "dense0": 8, "dense1": 8}
    assert all(lut4(given | {name: bits + 1}) > budget for name, bits in given.items() if bits < most[name])


def test_price_of_a_bit_more() -> None:
    found = suggest(measured(NOISE), folded(), BOARD, 1_000_000, reserve=LINK)
    here = lut4({})
    assert {s.name: s.lut4_per_bit for s in found.sites} == {
        "input": lut4({"input": 5}) - here,
        "dense0": lut4({"dense0": 2}) - here,
        "dense1": lut4({"dense1": 2}) - here,
    }


def test_one_bit_is_too_much() -> None:
    least = lut4(dict.fromkeys(NOISE, 1))
    message = (
        rf"^the network needs about {least} LUT4 and 1 block RAMs with one bit everywhere, and may have {least - 1} "
        r"LUT4 and 30 block RAMs of icebreaker$"
    )
    with pytest.raises(CheckError, match=message):
        suggest(measured(NOISE), folded(), BOARD, least - 1, reserve=LINK)


def test_progress_reaches_its_end() -> None:
    told: list[tuple[int, int]] = []
    suggest(
        measured(NOISE), folded(), BOARD, 2000, progress=lambda done, total: told.append((done, total)), reserve=LINK
    )
    assert told[0] == (0, 17) and told[-1] == (17, 17)
    assert told == sorted(told)
