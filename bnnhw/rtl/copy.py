"""A register that synthesis doesn't merge with its equals."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Copy"]


class Copy(wiring.Component):
    """One of several registers of one value, each of which feeds some of the value's readers.

    A register that feeds everything makes the longest wire of a wide unit. Equal registers are merged by synthesis, so
    each of them is an instance of a module of its own, which stays apart until it is mapped
    (:func:`~bnnhw.rtl.emit.repeated_modules`).

    Free running, II = 1, latency 1. Storage: ``width`` registers.

    Parameters
    ----------
    width : int
    init : int
        The value at power-up, and after a reset.
    reset_less : bool
        Whether a reset leaves the value.

    Members
    -------
    d : In(width)
    q : Out(width)
    """

    clocked = True

    def __init__(self, width: int, *, init: int = 0, reset_less: bool = False) -> None:
        self._width = width
        self._init = init
        self._reset_less = reset_less
        super().__init__({"d": In(width), "q": Out(width)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_copy_{self._width}_{self._init}{'' if self._reset_less else '_reset'}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        register = Signal(self._width, init=self._init, reset_less=self._reset_less)
        m.d.sync += register.eq(self.d)
        m.d.comb += self.q.eq(register)
        return m
