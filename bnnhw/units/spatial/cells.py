"""The look-up tables of constant lanes: full adders one behind the other, inverters inside."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RippleCell", "TripleCell", "full_adder", "turned"]


def full_adder(bits: Sequence[Value]) -> Value:
    """The count of one, two or three bits."""
    if len(bits) == 1:
        return bits[0]
    if len(bits) == 2:
        a, b = bits
        return Cat(a ^ b, a & b)
    a, b, c = bits
    return Cat(a ^ b ^ c, (a & b) | (c & (a ^ b)))


def turned(value: Value, inverted: bool) -> Value:
    """A value, or its complement."""
    return ~value if inverted else value


class TripleCell(wiring.Component):
    """Counts three bits, some of them inverted: two LUT4, without a register.

    A module of its own, as all cells here: mapped alone it becomes exactly what its plan counts
    (:mod:`bnnhw.rtl.popcount_plan`).

    Parameters
    ----------
    inverted : three of bool

    Members
    -------
    bits : In(3)
    count : Out(2)
    """

    clocked = False

    def __init__(self, inverted: Sequence[bool]) -> None:
        self._inverted = tuple(inverted)
        super().__init__({"bits": In(3), "count": Out(2)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_triple_{''.join(str(int(one)) for one in self._inverted)}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        bits = [turned(self.bits[i], inverted) for i, inverted in enumerate(self._inverted)]
        m.d.comb += self.count.eq(full_adder(bits))
        return m


class RippleCell(wiring.Component):
    """Adds two counts and a bit, each inverted or not, without a carry chain: two LUT4 per bit of the longer count.

    Without a register.

    Parameters
    ----------
    widths : (int, int)
        Bits of the counts, the longer one first.
    inverted : three of bool
        Of the counts and the bit.

    Members
    -------
    long, short : In
    bit : In(1)
    count : Out
    """

    clocked = False

    def __init__(self, widths: tuple[int, int], inverted: Sequence[bool]) -> None:
        self._widths = widths
        self._inverted = tuple(inverted)
        super().__init__({"long": In(widths[0]), "short": In(widths[1]), "bit": In(1), "count": Out(widths[0] + 1)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_ripple_{self._widths[0]}_{self._widths[1]}_{''.join(str(int(one)) for one in self._inverted)}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        long, short = turned(self.long, self._inverted[0]), turned(self.short, self._inverted[1])
        carry = turned(self.bit, self._inverted[2])
        digits: list[Value] = []
        for i in range(self._widths[0]):
            step = full_adder([long[i], *([short[i]] if i < self._widths[1] else []), carry])
            digits.append(step[0])
            carry = step[1]
        m.d.comb += self.count.eq(Cat(*digits, carry))
        return m
