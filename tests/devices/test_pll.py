"""The families' PLLs against the formulas and the limits of their data sheets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.devices import ecp5, gowin, ice40


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


@given(st.floats(3.125, 600))
def test_gowin_pll(wanted: float) -> None:
    """UG286: f = reference * FBDIV / IDIV; DS100: VCO 400 to 1200 MHz, detector 3 to 400, outputs 3.125 to 600 MHz."""
    pll = gowin.solve(27.0, wanted)
    detector = 27.0 / pll.input_divider
    assert pll.output_mhz == detector * pll.feedback_divider
    assert 400 <= pll.vco_mhz == pll.output_mhz * pll.output_divider <= 1200
    assert 3 <= detector <= 400 and 3.125 <= pll.output_mhz <= 600
    assert 1 <= pll.input_divider <= 64 and 1 <= pll.feedback_divider <= 64
    # Multiples of a ninth of the oscillator are always there: the detector's least is 3 MHz. Above 192 MHz they lack.
    assert abs(pll.output_mhz - wanted) <= (1.5 if wanted <= 192 else 27.0)


@pytest.mark.parametrize("mhz", [13.5, 27 * 1.5, 54, 81, 108])
def test_gowin_multiples_are_exact(mhz: float) -> None:
    assert gowin.solve(27.0, mhz).output_mhz == mhz
