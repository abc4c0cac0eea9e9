"""Boards: their figures, and the clocks they reach."""

from __future__ import annotations

import re

import pytest

from bnnhw import boards
from bnnhw.errors import RequestError

NAMES = ["icebreaker", "tang-nano-9k", "ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f"]


def test_names() -> None:
    assert list(boards.BOARDS) == NAMES
    assert [boards.get(name).name for name in NAMES] == NAMES


def test_unknown_board() -> None:
    message = f"board must be one of {', '.join(NAMES)}, not 'de10'"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        boards.get("de10")


def test_figures() -> None:
    """As in the data sheets: 120 kb of block RAM in the UP5K, 468 kb in the GW1N-9, 3744 kb in the 85F."""
    icebreaker, largest = boards.get("icebreaker"), boards.get("ulx3s-85f")
    assert (icebreaker.lut4, icebreaker.bram_bits, icebreaker.spram_bits) == (5280, 120 * 1024, 1024 * 1024)
    tang = boards.get("tang-nano-9k")
    assert (tang.lut4, tang.ff, tang.bram_bits) == (8640, 6480, 468 * 1024)
    assert (largest.lut4, largest.bram_bits, largest.family.name) == (83_640, 3744 * 1024, "ecp5")


def test_bridges() -> None:
    """As in the data sheets: 12 Mbaud of an FT2232H, 3 Mbaud of an FT231X; what no data sheet says is not known."""
    bridges = {name: boards.get(name).bridge_baud for name in NAMES}
    assert bridges == {"icebreaker": 12_000_000, "tang-nano-9k": None} | dict.fromkeys(NAMES[2:], 3_000_000)


@pytest.mark.parametrize("name", NAMES)
def test_default_clock_is_reachable(name: str) -> None:
    board = boards.get(name)
    assert board.reachable_mhz(board.clock_mhz) == board.clock_mhz
    assert board.reachable_mhz(board.oscillator_mhz) == board.oscillator_mhz


@pytest.mark.parametrize(
    ("name", "mhz", "message"),
    [
        ("icebreaker", 15, "clock must be 12 MHz or in 16..275 MHz, not 15"),
        ("icebreaker", 300, "clock must be 12 MHz or in 16..275 MHz, not 300"),
        ("tang-nano-9k", 3, "clock must be in 3.125..600 MHz, not 3"),
        ("ulx3s-85f", 401, "clock must be in 3.125..400 MHz, not 401"),
    ],
)
def test_clock_out_of_reach(name: str, mhz: float, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        boards.get(name).reachable_mhz(mhz)
