"""The top of a board design: wiring only."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import io

from bnnhw.boards.board import Board

__all__ = ["LINK_MODULE", "UartTop"]

LINK_MODULE = "uart_link"
"""Name of the module that holds the link and the accelerator, in the text it was emitted to."""


class UartTop(Elaboratable):
    """Clock generator, serial pins and lamps around a :class:`~bnnhw.hardware.link.link.UartLink`.

    The link is an instance of a module that was emitted on its own, so that what was simulated and what is
    synthesized are the same text.

    Parameters
    ----------
    board : Board
    clock : Elaboratable
        What ``board.clock(...)`` returned.
    """

    def __init__(self, board: Board, clock: Elaboratable) -> None:
        self.board = board
        self.clock = clock

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.clock = self.clock
        uart = platform.request("uart", 0, dir={"rx": "-", "tx": "-"} | _unused(platform))
        error_led, activity_led = (platform.request(*led, dir="-") for led in self.board.leds)
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.submodules.error_led = error = io.Buffer("o", error_led)
        m.submodules.activity_led = activity = io.Buffer("o", activity_led)
        m.submodules.link = Instance(
            LINK_MODULE,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_rx=rx.i,
            o_tx=tx.o,
            o_error=error.o,
            o_activity=activity.o,
        )
        return m


def _unused(platform: Any) -> dict[str, str]:
    """Handshake lines of the serial port: their pins are requested with it and left alone."""
    return {pin.name: "-" for pin in platform.lookup("uart", 0).ios if pin.name not in ("rx", "tx")}
