"""Boards: their figures, and clocks checked against the formulas and limits of the PLLs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw import boards
from bnnhw.devices import ecp5, ice40
from bnnhw.errors import RequestError

NAMES = ["icebreaker", "ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f"]


def test_names() -> None:
    assert list(boards.BOARDS) == NAMES
    assert [boards.get(name).name for name in NAMES] == NAMES


def test_unknown_board() -> None:
    message = f"board must be one of {', '.join(NAMES)}, not 'de10'"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        boards.get("de10")


def test_figures() -> None:
    """As in the data sheets: 120 kb of block RAM in the UP5K, 3744 kb in the 85F."""
    icebreaker, largest = boards.get("icebreaker"), boards.get("ulx3s-85f")
    assert (icebreaker.lut4, icebreaker.bram_bits, icebreaker.spram_bits) == (5280, 120 * 1024, 1024 * 1024)
    assert (largest.lut4, largest.bram_bits, largest.family.name) == (83_640, 3744 * 1024, "ecp5")


@pytest.mark.parametrize("name", NAMES)
def test_default_clock_is_reachable(name: str) -> None:
    board = boards.get(name)
    assert board.reachable_mhz(board.clock_mhz) == board.clock_mhz
    assert board.reachable_mhz(board.oscillator_mhz) == board.oscillator_mhz


@given(st.floats(16, 275))
def test_ice40_pll(wanted: float) -> None:
    """FPGA-TN-02052: f = reference * (DIVF + 1) / ((DIVR + 1) * 2**DIVQ), and every limit holds."""
    pll = ice40.solve(12.0, wanted)
    assert pll.output_mhz == 12.0 * (pll.divf + 1) / ((pll.divr + 1) << pll.divq)
    assert 533 <= pll.vco_mhz == pll.output_mhz * (1 << pll.divq) <= 1066
    assert 10 <= 12.0 / (pll.divr + 1) <= 133
    assert 0 <= pll.divf <= 127 and 1 <= pll.divq <= 6 and pll.filter_range == 1
    # The steps of the output are one reference period of the VCO, divided.
    assert abs(pll.output_mhz - wanted) <= 12.0 / (1 << pll.divq) or wanted < 533 / 32


def test_ice40_pll_like_the_vendor() -> None:
    """What icepll -i 12 -o 36 prints: DIVR 0, DIVF 47, DIVQ 4, FILTER_RANGE 1, VCO 576 MHz."""
    assert ice40.solve(12.0, 36.0) == ice40.Ice40Pll(0, 47, 4, 1, 576.0, 36.0)


@given(st.floats(3.125, 400))
def test_ecp5_pll(wanted: float) -> None:
    """FPGA-DS-02012: VCO 400 to 800 MHz, detector from 10 MHz, outputs 3.125 to 400 MHz, the feedback's too."""
    pll = ecp5.solve(25.0, wanted)
    detector = 25.0 / pll.input_divider
    assert pll.vco_mhz == detector * pll.feedback_divider * pll.loop_divider
    assert pll.output_mhz == pll.vco_mhz / pll.output_divider
    assert 400 <= pll.vco_mhz <= 800 and 10 <= detector <= 400
    assert 3.125 <= pll.vco_mhz / pll.loop_divider <= 400
    assert all(1 <= d <= 128 for d in (pll.feedback_divider, pll.loop_divider, pll.output_divider))
    # The worst gap is near 400 MHz, between VCOs of 787.5 and 800 MHz halved.
    assert abs(pll.output_mhz - wanted) <= 0.016 * wanted


@pytest.mark.parametrize("mhz", [50, 75, 80, 90, 100, 110, 125, 150])
def test_ecp5_round_frequencies_are_exact(mhz: float) -> None:
    assert ecp5.solve(25.0, mhz).output_mhz == mhz


@pytest.mark.parametrize(
    ("name", "mhz", "message"),
    [
        ("icebreaker", 15, "clock must be 12 MHz or in 16..275 MHz, not 15"),
        ("icebreaker", 300, "clock must be 12 MHz or in 16..275 MHz, not 300"),
        ("ulx3s-85f", 401, "clock must be in 3.125..400 MHz, not 401"),
    ],
)
def test_clock_out_of_reach(name: str, mhz: float, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        boards.get(name).reachable_mhz(mhz)
