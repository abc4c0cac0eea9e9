"""The flash that a device starts from, read by the design that it was started with."""

from __future__ import annotations

import math
from typing import Any

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.weights import LoadSetting

__all__ = ["FLASH_PINS", "FlashReader", "FlashSignature", "flash_members", "pass_flash"]

HALF_NS = 25.0
"""Shortest half of a period of the flash's clock: slower than its clock-to-output (8 ns of a W25Q128JV or N25Q032A) and
two pins of the slowest device take; 20 MHz, where the plain read command may have 50."""

WAKE_US = 50.0
"""After the command that ends the deep power-down in which configuration leaves a flash: 30 us by the N25Q032A's data
sheet, 3 us by the W25Q128JV's."""

WAKE = 0xAB
READ = 0x03

FLASH_PINS = {"cs": "o", "clk": "o", "copi": "o", "cipo": "i"}
"""Signals of a flash, by the names of Amaranth's resource, and their directions."""


class FlashSignature(wiring.Signature):
    """The pins of a flash; ``cs`` selects it while 1."""

    def __init__(self) -> None:
        super().__init__({name: Out(1) if way == "o" else In(1) for name, way in FLASH_PINS.items()})


def flash_members(load: LoadSetting | None) -> dict[str, wiring.Member]:
    """The pins of a flash as members of what reads weights from one, itself or inside."""
    return {} if load is None or load.offset is None else {"flash": Out(FlashSignature())}


def pass_flash(m: Module, inner: Any, outer: Any) -> None:
    """Connects such pins of a component inside to those of the one around it; members that a type checker can't see."""
    if "flash" in outer.signature.members:
        wiring.connect(m, inner.flash, wiring.flipped(outer.flash))


class FlashReader(wiring.Component):
    """Reads some bytes of a flash once, from the end of the reset on.

    The flash is woken, which takes :data:`WAKE_US`, and read by the command that every flash has, SPI mode 0, at half
    the clock or a part of it (:data:`HALF_NS`). Output: bytes, each with a strobe, 16 cycles apart at least; who takes
    them can't wait. Storage: a command and a byte.

    Parameters
    ----------
    offset, count : int
        The first byte, and how many.
    clock_mhz : float

    Members
    -------
    flash : Out(FlashSignature)
    valid, data : Out(1), Out(8)
    """

    def __init__(self, offset: int, count: int, clock_mhz: float) -> None:
        self._offset = offset
        self._count = count
        self._half = max(1, math.ceil(clock_mhz * HALF_NS / 1000))
        self._wake = math.ceil(clock_mhz * WAKE_US)
        super().__init__({"flash": Out(FlashSignature()), "valid": Out(1), "data": Out(8)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        pins = self.flash
        half = Signal(range(self._half))
        tick, rises, falls = Signal(), Signal(), Signal()
        selected, clock = Signal(), Signal()
        command = Signal(32, reset_less=True)
        bit = Signal(5)
        left = Signal(range(self._count + 1), init=self._count)
        timer = Signal(range(self._wake + 1))
        m.d.comb += [
            pins.cs.eq(selected),
            pins.clk.eq(clock),
            pins.copi.eq(command[-1]),
            tick.eq(selected & (half == self._half - 1)),
            rises.eq(tick & ~clock),
            falls.eq(tick & clock),
        ]
        with m.If(selected):
            m.d.sync += half.eq(Mux(tick, 0, half + 1))
        with m.If(tick):
            m.d.sync += clock.eq(~clock)
        with m.If(rises):
            m.d.sync += self.data.eq(Cat(pins.cipo, self.data[:-1]))
        with m.If(falls):
            m.d.sync += [bit.eq(bit + 1), command.eq(command << 1)]
        m.d.sync += self.valid.eq(0)
        with m.FSM():
            with m.State("START"):
                m.d.sync += [command.eq(WAKE << 24), selected.eq(1)]
                m.next = "WAKE"
            with m.State("WAKE"), m.If(falls & (bit == 7)):
                m.d.sync += [selected.eq(0), timer.eq(self._wake)]
                m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += [command.eq(Const(READ << 24 | self._offset, 32)), selected.eq(1), bit.eq(0)]
                    m.next = "COMMAND"
            with m.State("COMMAND"), m.If(falls & (bit == 31)):
                m.next = "READ"
            with m.State("READ"):
                with m.If(rises & (bit[:3] == 7)):
                    m.d.sync += [self.valid.eq(1), left.eq(left - 1)]
                with m.If(falls & (left == 0)):
                    m.d.sync += selected.eq(0)
                    m.next = "DONE"
            with m.State("DONE"):
                pass
        return m
