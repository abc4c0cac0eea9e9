"""A serial port: one start bit, eight data bits least significant first, one stop bit, no parity."""

from __future__ import annotations

import math

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from bnnhw.errors import RequestError
from bnnhw.links.packets.frame import RECEIVED_BYTE

__all__ = ["MIN_DIVISOR", "UartRx", "UartTx", "baud_divisor", "divisors_near"]

MIN_DIVISOR = 8
"""Fewest clock cycles per bit: below it, one cycle of sampling jitter is more than an eighth of a bit."""

MAX_BAUD_ERROR = 0.02
"""Largest relative error of the divided clock. Over the ten bits of a byte the two ends may drift apart by
half a bit, 5 %; 2 % leaves the rest to the far end and to the slopes."""


def baud_divisor(clock_mhz: float, baud: int) -> int:
    """Clock cycles per bit for a baud rate.

    Raises
    ------
    RequestError
        When the clock can't be divided to within 2 % of the baud rate, or to fewer than 8 cycles per bit.
    """
    if baud < 1:
        raise RequestError(f"baud rate must be positive, not {baud}")
    exact = clock_mhz * 1e6 / baud
    divisor = round(exact)
    if divisor < MIN_DIVISOR:
        raise RequestError(
            f"baud rate must be at most {int(clock_mhz * 1e6 / MIN_DIVISOR)} at {clock_mhz:g} MHz, not {baud}"
        )
    if abs(divisor / exact - 1) > MAX_BAUD_ERROR:
        nearest = " or ".join(f"{clock_mhz * 1e6 / divisor:.0f}" for divisor in divisors_near(clock_mhz, baud))
        raise RequestError(f"baud rate must be within 2 % of {nearest} at {clock_mhz:g} MHz, not {baud}")
    return divisor


def divisors_near(clock_mhz: float, baud: int) -> list[int]:
    """The divisors next to the exact one, on both sides as far as there are such: the nearest rates that work."""
    exact = clock_mhz * 1e6 / baud
    return sorted({max(MIN_DIVISOR, divisor) for divisor in (math.floor(exact), math.ceil(exact))})


class UartTx(wiring.Component):
    """Sends bytes on a line.

    Input word: one byte. II: ``10 * divisor`` cycles. Latency: the start bit begins one cycle after the
    byte is accepted. Stalls: ``input.ready`` is low while a byte is on the line. Storage: 10 bits.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit, see :func:`baud_divisor`.

    Members
    -------
    input : In(stream of unsigned(8))
    tx : Out(1)
        The line, 1 when idle.
    """

    def __init__(self, divisor: int) -> None:
        if divisor < 1:
            raise ValueError(f"divisor must be positive, not {divisor!r}")
        self.divisor = divisor
        super().__init__({"input": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        frame = Signal(10, init=0x3FF)
        bits_left = Signal(range(11))
        timer = Signal(range(self.divisor))

        m.d.comb += [self.tx.eq(frame[0]), self.input.ready.eq(bits_left == 0)]
        with m.If(bits_left == 0), m.If(self.input.valid):
            m.d.sync += [
                frame.eq(Cat(0, self.input.payload, 1)),
                bits_left.eq(10),
                timer.eq(self.divisor - 1),
            ]
        with m.Elif(timer == 0):
            m.d.sync += [frame.eq(Cat(frame[1:], 1)), bits_left.eq(bits_left - 1), timer.eq(self.divisor - 1)]
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
        return m


class UartRx(wiring.Component):
    """Receives bytes from a line.

    Output word: :data:`RECEIVED_BYTE`. II: the line's, ``10 * divisor`` cycles. Latency: a byte is offered
    ``3 + divisor // 2 + 9 * divisor`` cycles after its start bit begins, two of them in the synchronizer: it
    is sampled in the middle of its bits, the stop bit included. Stalls: a line can't wait; a byte that is
    offered and not taken before the next one ends is kept, the next one is lost, and ``overrun`` is high
    for a cycle. A start bit that is high again at its middle is taken for a glitch and ignored. After a
    missing stop bit the line must be high once before another start bit counts. Storage: one byte on the
    line, one byte offered.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit.

    Members
    -------
    rx : In(1)
        The line, asynchronous to the clock.
    output : Out(stream of RECEIVED_BYTE)
    overrun : Out(1)
        Strobe: a byte was lost.
    """

    def __init__(self, divisor: int) -> None:
        if divisor < 2:
            raise ValueError(f"divisor must be at least 2, not {divisor!r}")
        self.divisor = divisor
        super().__init__({"rx": In(1, init=1), "output": Out(stream.Signature(RECEIVED_BYTE)), "overrun": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        timer = Signal(range(self.divisor))
        shift = Signal(8)
        bits_left = Signal(range(9))

        with m.If(self.output.valid & self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.FSM():
            with m.State("IDLE"), m.If(~line):
                m.d.sync += timer.eq(self.divisor // 2 - 1)
                m.next = "START"
            with m.State("START"), m.If(timer == 0):
                m.d.sync += [timer.eq(self.divisor - 1), bits_left.eq(8)]
                m.next = "IDLE"
                with m.If(~line):
                    m.next = "DATA"
            with m.State("DATA"), m.If(timer == 0):
                m.d.sync += [
                    timer.eq(self.divisor - 1),
                    shift.eq(Cat(shift[1:], line)),
                    bits_left.eq(bits_left - 1),
                ]
                with m.If(bits_left == 1):
                    m.next = "STOP"
            with m.State("STOP"), m.If(timer == 0):
                with m.If(self.output.valid & ~self.output.ready):
                    m.d.comb += self.overrun.eq(1)
                with m.Else():
                    m.d.sync += [
                        self.output.payload.data.eq(shift),
                        self.output.payload.framing_error.eq(~line),
                        self.output.valid.eq(1),
                    ]
                m.next = "BREAK"
                with m.If(line):
                    m.next = "IDLE"
            with m.State("BREAK"), m.If(line):
                m.next = "IDLE"
        return m
