"""Clock and reset of ECP5 boards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from bnnhw.boards.pll_clock import PllClock
from bnnhw.errors import RequestError

__all__ = ["Ecp5Clock", "Ecp5Pll", "solve"]

# Limits of the EHXPLLL, MHz: "ECP5 and ECP5-5G Family Data Sheet" (FPGA-DS-02012), sysCLOCK PLL timing. Inputs from
# 8 MHz; the data sheet wants at least 10 MHz at the phase detector.
_PFD = (10.0, 400.0)
_VCO = (400.0, 800.0)
_OUTPUT = (3.125, 400.0)
_MAX_DIVIDER = 128


@dataclass(frozen=True)
class Ecp5Pll:
    """Settings of an EHXPLLL that feeds its output CLKOP back and gives its clock on CLKOS.

    ``vco = reference / input * feedback * loop`` and ``f = vco / output``, all four dividers 1 to 128. The
    second output costs nothing and reaches frequencies that are no multiple of the detector's.
    """

    input_divider: int
    feedback_divider: int
    loop_divider: int
    output_divider: int
    vco_mhz: float
    output_mhz: float


def _loop(detector_mhz: float, multiplier: int) -> tuple[int, int] | None:
    """Feedback and CLKOP dividers whose product is ``multiplier``, CLKOP as fast as its range allows."""
    for loop in range(1, _MAX_DIVIDER + 1):
        feedback, rest = divmod(multiplier, loop)
        if rest == 0 and feedback <= _MAX_DIVIDER and _OUTPUT[0] <= detector_mhz * feedback <= _OUTPUT[1]:
            return feedback, loop
    return None


def solve(reference_mhz: float, output_mhz: float) -> Ecp5Pll:
    """The settings whose output is nearest to what is asked for, the lower on a tie.

    Raises
    ------
    RequestError
        When the output is out of the PLL's range.
    """
    low, high = _OUTPUT
    if not low <= output_mhz <= high:
        raise RequestError(f"clock must be in {low:g}..{high:g} MHz, not {output_mhz:g}")
    candidates = []
    for input_divider in range(1, _MAX_DIVIDER + 1):
        detector = reference_mhz / input_divider
        if not _PFD[0] <= detector <= _PFD[1]:
            continue
        for multiplier in range(math.ceil(_VCO[0] / detector), math.floor(_VCO[1] / detector) + 1):
            dividers = _loop(detector, multiplier)
            if dividers is None:
                continue
            vco = detector * multiplier
            for output_divider in range(1, _MAX_DIVIDER + 1):
                output = vco / output_divider
                if low <= output <= high:
                    candidates.append(Ecp5Pll(input_divider, *dividers, output_divider, vco, output))
    if not candidates:
        raise RequestError(f"clock: no PLL setting turns {reference_mhz:g} MHz into {output_mhz:g} MHz")
    middle = (_VCO[0] + _VCO[1]) / 2
    # Among equals: a fast detector, whose jitter is multiplied less, then a VCO far from both ends of its range.
    return min(
        candidates,
        key=lambda c: (abs(c.output_mhz - output_mhz), c.output_mhz, c.input_divider, abs(c.vco_mhz - middle)),
    )


class Ecp5Clock(PllClock[Ecp5Pll]):
    """The reset is asserted until the PLL has locked, and released with the clock."""

    solve = staticmethod(solve)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port = platform.request(self.resource, dir="-")
        m.submodules.oscillator = oscillator = io.Buffer("i", port)
        clock = Signal()
        locked = Signal()
        if self.pll is None:
            m.d.comb += [clock.eq(oscillator.i), locked.eq(1)]
        else:
            feedback = Signal()
            m.submodules.pll = Instance(
                "EHXPLLL",
                a_FREQUENCY_PIN_CLKI=f"{self.reference_mhz:g}",
                a_FREQUENCY_PIN_CLKOP=f"{self.pll.vco_mhz / self.pll.loop_divider:g}",
                a_FREQUENCY_PIN_CLKOS=f"{self.clock_mhz:g}",
                # Charge pump and loop filter, as Lattice's tool sets them for every ratio within these limits.
                a_ICP_CURRENT="12",
                a_LPF_RESISTOR="8",
                a_MFG_ENABLE_FILTEROPAMP="1",
                a_MFG_GMCREF_SEL="2",
                p_PLLRST_ENA="DISABLED",
                p_INTFB_WAKE="DISABLED",
                p_STDBY_ENABLE="DISABLED",
                p_DPHASE_SOURCE="DISABLED",
                p_OUTDIVIDER_MUXA="DIVA",
                p_OUTDIVIDER_MUXB="DIVB",
                p_OUTDIVIDER_MUXC="DIVC",
                p_OUTDIVIDER_MUXD="DIVD",
                p_CLKI_DIV=self.pll.input_divider,
                p_CLKFB_DIV=self.pll.feedback_divider,
                p_CLKOP_ENABLE="ENABLED",
                p_CLKOP_DIV=self.pll.loop_divider,
                # The phase that counts as zero, by the vendor's convention: the divider less one.
                p_CLKOP_CPHASE=self.pll.loop_divider - 1,
                p_CLKOP_FPHASE=0,
                p_CLKOS_ENABLE="ENABLED",
                p_CLKOS_DIV=self.pll.output_divider,
                p_CLKOS_CPHASE=self.pll.output_divider - 1,
                p_CLKOS_FPHASE=0,
                p_FEEDBK_PATH="CLKOP",
                i_RST=Const(0),
                i_STDBY=Const(0),
                i_CLKI=oscillator.i,
                i_CLKFB=feedback,
                i_PHASESEL0=Const(0),
                i_PHASESEL1=Const(0),
                i_PHASEDIR=Const(1),
                i_PHASESTEP=Const(1),
                i_PHASELOADREG=Const(1),
                i_PLLWAKESYNC=Const(0),
                i_ENCLKOP=Const(0),
                i_ENCLKOS=Const(0),
                o_CLKOP=feedback,
                o_CLKOS=clock,
                o_LOCK=locked,
            )
        m.d.comb += ClockSignal("sync").eq(clock)
        m.submodules.reset = ResetSynchronizer(~locked, domain="sync")
        if self.pll is not None:
            platform.add_clock_constraint(clock, self.clock_mhz * 1e6)
        return m
