"""The top of a board design: wiring only."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import io

from bnnhw.links.pins import lamp_ports, request

__all__ = ["UartTop"]


class UartTop(Elaboratable):
    """Clock generator, serial pins and lamps around a :class:`~bnnhw.links.uart.gateware.UartLink`.

    The link is an instance of a module that was emitted on its own, so that what was simulated and what is
    synthesized are the same text.

    Parameters
    ----------
    leds : tuple of (str, int) or (str, int, str)
        The error lamp and the activity lamp, as far as there are such (:class:`~bnnhw.boards.Board`).
    clock : Elaboratable
        The board's clock generator.
    module : str
        Name of the module that holds the link and the accelerator.
    """

    def __init__(
        self, leds: tuple[tuple[str, int] | tuple[str, int, str], ...], clock: Elaboratable, module: str
    ) -> None:
        self.leds = leds
        self.clock = clock
        self.module = module

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.clock = self.clock
        # Handshake lines of the serial port are requested with it and left alone.
        uart = request(platform, "uart", 0)
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        lamps: dict[str, Any] = {}
        for name, port in zip(("error", "activity"), lamp_ports(platform, self.leds), strict=False):
            m.submodules[f"{name}_led"] = lamp = io.Buffer("o", port)
            lamps[f"o_{name}"] = lamp.o
        m.submodules.link = Instance(
            self.module, i_clk=ClockSignal(), i_rst=ResetSignal(), i_rx=rx.i, o_tx=tx.o, **lamps
        )
        return m
