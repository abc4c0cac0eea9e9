"""Counters that do not limit the clock, however wide: their upper parts follow a few cycles later."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Countdown", "SplitCounter"]

PART = 8
"""Bits that are counted in one cycle."""


class SplitCounter(wiring.Component):
    """Counts strobes, in parts of 8 bits: a part counts in the cycle after the one below it went round.

    II = 1. Latency: what ``value`` shows is right ``ceil(bits / 8)`` cycles after the last strobe. Stalls: none.
    Storage: ``bits``, and a carry between two parts.

    Parameters
    ----------
    bits : int

    Members
    -------
    clear, step : In(1), In(1)
        Strobes; nothing is counted in a cycle with ``clear``, which must not come before the last count is right.
    value : Out(bits)
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__({"clear": In(1), "step": In(1), "value": Out(bits)})

    @property
    def settling(self) -> int:
        """Cycles after which the last strobe is in the value."""
        return -(-self.bits // PART)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts: list[Signal] = []
        carry = self.step
        for start in range(0, self.bits, PART):
            part = Signal(min(PART, self.bits - start), name=f"part_{start}")
            with m.If(self.clear):
                m.d.sync += part.eq(0)
            with m.Elif(carry):
                m.d.sync += part.eq(part + 1)
            if start + PART < self.bits:
                over = Signal(name=f"carry_{start + PART}")
                m.d.sync += over.eq(carry & part.all() & ~self.clear)
                carry = over
            parts.append(part)
        m.d.comb += self.value.eq(Cat(*parts))
        return m


class Countdown(wiring.Component):
    """Counts strobes down, round at zero; the upper part follows the lower 8 bits.

    II = 1. Latency: ``zero`` may be relied on :attr:`SETTLING` cycles after ``load``, and from then on in every cycle;
    a first ``step`` may come two cycles after it. Stalls: none. Storage: ``bits``, and two marks.

    Parameters
    ----------
    bits : int
        More than 8.

    Members
    -------
    load, value : In(1), In(bits)
        Strobe: begin with this number.
    step : In(1)
        Strobe.
    zero : Out(1)
    """

    SETTLING = 6

    def __init__(self, bits: int) -> None:
        if bits <= PART:
            raise ValueError(f"bits must be more than {PART}, not {bits}")
        self.bits = bits
        super().__init__({"load": In(1), "value": In(bits), "step": In(1), "zero": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low, high = Signal(PART), Signal(self.bits - PART)
        # High until it is known that the upper part is 0.
        more = Signal(init=1)
        borrow = Signal()
        m.d.comb += self.zero.eq((low == 0) & ~more)
        m.d.sync += borrow.eq(0)
        with m.If(self.load):
            m.d.sync += [Cat(low, high).eq(self.value), more.eq(1)]
        with m.Else():
            # Registered: the comparison of the upper part has 255 strobes until it counts.
            m.d.sync += more.eq((high != 0) | borrow | (self.step & (low == 0)))
            with m.If(self.step):
                m.d.sync += [low.eq(low - 1), borrow.eq(low == 0)]
            with m.If(borrow):
                m.d.sync += high.eq(high - 1)
        return m
