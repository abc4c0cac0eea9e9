"""Clock and reset of iCE40 boards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from bnnhw.boards.pll_clock import PllClock
from bnnhw.errors import RequestError

__all__ = ["Ice40Clock", "Ice40Pll", "solve"]

# Limits of the SB_PLL40, MHz: "iCE40 sysCLOCK PLL Design and User Guide" (FPGA-TN-02052), electrical limits of the
# data sheets of the LP/HX and UltraPlus families, which agree.
_PFD = (10.0, 133.0)
_VCO = (533.0, 1066.0)
_OUTPUT = (16.0, 275.0)

# Upper bound of the phase detector's frequency for each FILTER_RANGE, MHz: the values Lattice's own tool chooses,
# as in Project IceStorm's icepll.
_FILTER_RANGES = ((17.0, 1), (26.0, 2), (44.0, 3), (66.0, 4), (101.0, 5), (math.inf, 6))

_POWER_UP_US = 15.0
"""How long memories may read wrong after configuration: about 3 us were seen, with nothing published, and
the icestorm project found it; five times that allows for process, voltage and temperature, as Amaranth's
own iCE40 platform does."""


@dataclass(frozen=True)
class Ice40Pll:
    """Settings of an SB_PLL40 with simple feedback: ``f = reference * (divf + 1) / ((divr + 1) * 2**divq)``."""

    divr: int
    divf: int
    divq: int
    filter_range: int
    vco_mhz: float
    output_mhz: float


def solve(reference_mhz: float, output_mhz: float) -> Ice40Pll:
    """The settings whose output is nearest to what is asked for, the lower on a tie.

    Raises
    ------
    RequestError
        When the output is out of the PLL's range.
    """
    low, high = _OUTPUT
    if not low <= output_mhz <= high:
        raise RequestError(f"clock must be {reference_mhz:g} MHz or in {low:g}..{high:g} MHz, not {output_mhz:g}")
    candidates = []
    for divr in range(16):
        detector = reference_mhz / (divr + 1)
        if not _PFD[0] <= detector <= _PFD[1]:
            continue
        filter_range = next(value for bound, value in _FILTER_RANGES if detector < bound)
        for divf in range(128):
            vco = detector * (divf + 1)
            if not _VCO[0] <= vco <= _VCO[1]:
                continue
            for divq in range(1, 7):
                output = vco / (1 << divq)
                if low <= output <= high:
                    candidates.append(Ice40Pll(divr, divf, divq, filter_range, vco, output))
    if not candidates:
        raise RequestError(f"clock: no PLL setting turns {reference_mhz:g} MHz into {output_mhz:g} MHz")
    # A slow reference divider last: the detector's frequency should be high, its jitter is multiplied.
    return min(candidates, key=lambda c: (abs(c.output_mhz - output_mhz), c.output_mhz, c.divr))


class Ice40Clock(PllClock[Ice40Pll]):
    """The reset is held until the PLL has locked and, on top of it, for the time in which block RAMs may still read
    wrong after configuration.
    """

    solve = staticmethod(solve)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port = platform.request(self.resource, dir="-")
        clock = Signal()
        locked = Signal()
        if self.pll is None:
            m.submodules.oscillator = oscillator = io.Buffer("i", port)
            m.d.comb += [clock.eq(oscillator.i), locked.eq(1)]
        else:
            pll_lock = Signal()
            # The oscillator's pin is the PLL's own pad: taken in through it, no other use of the pin is possible.
            m.submodules.pll = Instance(
                "SB_PLL40_PAD",
                p_FEEDBACK_PATH="SIMPLE",
                p_DIVR=Const(self.pll.divr, 4),
                p_DIVF=Const(self.pll.divf, 7),
                p_DIVQ=Const(self.pll.divq, 3),
                p_FILTER_RANGE=Const(self.pll.filter_range, 3),
                i_PACKAGEPIN=port.io,
                i_RESETB=Const(1),
                i_BYPASS=Const(0),
                o_PLLOUTGLOBAL=clock,
                o_LOCK=pll_lock,
            )
            m.submodules.lock = FFSynchronizer(pll_lock, locked, o_domain="por")
        # Registers of iCE40 power up at 0, so this domain needs no reset of its own.
        m.domains += ClockDomain("por", reset_less=True, local=True)
        m.d.comb += ClockSignal("por").eq(clock)
        cycles = math.ceil(_POWER_UP_US * self.clock_mhz)
        timer = Signal(range(cycles + 1))
        ready = Signal()
        with m.If(~locked):
            m.d.por += [timer.eq(0), ready.eq(0)]
        with m.Elif(timer == cycles):
            m.d.por += ready.eq(1)
        with m.Else():
            m.d.por += timer.eq(timer + 1)
        m.d.comb += [ClockSignal("sync").eq(clock), ResetSignal("sync").eq(~ready)]
        if self.pll is not None:
            platform.add_clock_constraint(clock, self.clock_mhz * 1e6)
        return m
