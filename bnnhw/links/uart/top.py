"""The top of a board design: wiring only."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import io

__all__ = ["UartTop"]


class UartTop(Elaboratable):
    """Clock generator, serial pins and lamps around a :class:`~bnnhw.links.uart.gateware.UartLink`.

    The link is an instance of a module that was emitted on its own, so that what was simulated and what is
    synthesized are the same text.

    Parameters
    ----------
    leds : tuple of (str, int)
        Resources of the error lamp and of the activity lamp.
    clock : Elaboratable
        The board's clock generator.
    module : str
        Name of the module that holds the link and the accelerator.
    """

    def __init__(self, leds: tuple[tuple[str, int], tuple[str, int]], clock: Elaboratable, module: str) -> None:
        self.leds = leds
        self.clock = clock
        self.module = module

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.clock = self.clock
        uart = platform.request("uart", 0, dir={"rx": "-", "tx": "-"} | _unused(platform))
        error_led, activity_led = (platform.request(*led, dir="-") for led in self.leds)
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.submodules.error_led = error = io.Buffer("o", error_led)
        m.submodules.activity_led = activity = io.Buffer("o", activity_led)
        m.submodules.link = Instance(
            self.module,
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
