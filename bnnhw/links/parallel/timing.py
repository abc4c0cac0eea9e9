"""When things happen on a parallel port: for the hardware, for what is said of its rate, and for the far end."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ASK_CYCLES", "QUIET_NS", "READY_NS", "STROBE_NS", "Timing"]

STROBE_NS = 60
"""How long ``rd_n`` and ``wr_n`` are low. FTDI's FIFOs want 30 ns and have a byte on the lines within 14 ns; slow pins
of an FPGA take about 15 ns each way. An FT245R wants 50 ns."""

QUIET_NS = 40
"""How long after a strobe the flags are not looked at. FTDI's FIFOs raise theirs within 14 ns, an FT245R within 25."""

READY_NS = 63
"""How long after a strobe the flag is low again where there is more: of FTDI's FIFOs the 14 ns within which it rises,
and the 49 ns for which it is high at least."""

SYNCHRONIZER = 2
"""Registers between a flag and what looks at it."""

ASK_CYCLES = 16
"""Cycles without another byte to send, after which the far end is asked to send on what it has."""


@dataclass(frozen=True)
class Timing:
    """A port's times as cycles of the clock.

    Parameters
    ----------
    strobe : int
        For which ``rd_n`` or ``wr_n`` is low.
    quiet : int
        After which a flag may be looked at.
    ready : int
        After which it is low again, in the far end's best case.
    """

    strobe: int
    quiet: int
    ready: int

    @classmethod
    def of(cls, clock_mhz: float, strobe_ns: int, quiet_ns: int, ready_ns: int) -> Timing:
        """That of a clock: whole cycles, no fewer than the times take."""
        return cls(*(max(1, math.ceil(ns * clock_mhz / 1000 - 1e-9)) for ns in (strobe_ns, quiet_ns, ready_ns)))

    @property
    def wait(self) -> int:
        """Cycles from the end of a strobe to the beginning of the next: the flag, and its synchronizer."""
        return max(self.quiet, self.ready) + SYNCHRONIZER

    @property
    def read(self) -> int:
        """Cycles of a byte to the board."""
        return self.strobe + self.wait

    @property
    def write(self) -> int:
        """Cycles of a byte from it: it is on the lines one cycle before the strobe."""
        return 1 + self.strobe + self.wait

    @property
    def pair(self) -> int:
        """Cycles of a byte each way where both wait: one side's flag comes while the other side has the lines."""
        return max(2 * (self.strobe + self.quiet + SYNCHRONIZER) + 1, self.write)

    def both(self, there: int, back: int) -> int:
        """Cycles of so many bytes to the board and so many from it, as far as both wait at once."""
        pairs = min(there, back)
        return pairs * self.pair + (there - pairs) * self.read + (back - pairs) * self.write
