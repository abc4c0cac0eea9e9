"""A wire through which synthesis doesn't look."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Seam"]


class Seam(wiring.Component):
    """A wire between two units, on either side of which logic is mapped by itself.

    Whether a word moves is worked out at both ends of a stream, from the same two signals. Synthesis makes one look-up
    table of that, which then sits near one end, and what it feeds at the other is reached across the device and back:
    in CNV-W1A1 on an 85F that was 13.5 of 17.5 ns. Behind a module of its own, which stays apart until it is mapped
    (:func:`~bnnhw.rtl.emit.repeated_modules`), each end has its look-up table.

    No registers, latency 0. Storage: none.

    Members
    -------
    d : In(1)
    q : Out(1)
    """

    clocked = False
    module_name = "bnnhw_seam"

    def __init__(self) -> None:
        super().__init__({"d": In(1), "q": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += self.q.eq(self.d)
        return m
