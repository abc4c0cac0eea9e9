"""A serial port: packets of frames and results, at the board's clock divided to a baud rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bnnhw.errors import RequestError
from bnnhw.links.host import Port
from bnnhw.links.link import FrameAccelerator, Setting
from bnnhw.links.packets.link import PacketLink, silence_cycles

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.dataflow import Graph
    from bnnhw.dataflow.frame import Frame
    from bnnhw.links.interface import Interface

__all__ = ["LINK", "Uart"]

BAUD = 1_000_000
"""Default baud rate: the FTDI chips of the boards divide their 3 MHz to it exactly, as do clocks of whole MHz."""


@dataclass(frozen=True)
class Uart(PacketLink):
    """Packets of :mod:`bnnhw.links.packets.packet` at a baud rate."""

    name = "uart"
    summary = "a serial port"
    module = "uart_link"
    why_board = "its clock decides the divisor of the serial port"
    pins: ClassVar[Mapping[str, str]] = {"rx": "i", "tx": "o"}
    adapter = "no serial port of its own: a USB serial adapter of 3.3 V at the pins rx and tx"

    baud: int = BAUD

    def check_clock(self, clock_mhz: float) -> None:
        from bnnhw.links.uart.uart import MIN_DIVISOR, baud_divisor, divisors_near

        if self.baud < 1:
            raise RequestError(f"baud rate must be positive, not {self.baud}")
        try:
            baud_divisor(clock_mhz, self.baud)
        except RequestError:
            exact, near = clock_mhz * 1e6 / self.baud, divisors_near(clock_mhz, self.baud)
            wanted = f"for the {self.baud} baud of the serial link, not {clock_mhz:g}"
            rates = " or ".join(f"{clock_mhz * 1e6 / divisor:.0f}" for divisor in near)
            makes = f"{clock_mhz:g} MHz makes {rates} baud"
            if round(exact) < MIN_DIVISOR:
                lowest = MIN_DIVISOR * self.baud / 1e6
                raise RequestError(f"clock must be at least {lowest:g} MHz {wanted}; {makes} at most") from None
            clocks = " or ".join(f"{divisor * self.baud / 1e6:g}" for divisor in near)
            raise RequestError(f"clock must be within 2 % of {clocks} MHz {wanted}; {makes}") from None

    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        from bnnhw.links.uart.gateware import UartLink
        from bnnhw.links.uart.uart import baud_divisor

        assert setting.clock_mhz is not None, "the clock of a board decides the divisor of its serial port"
        return UartLink(
            accelerator,
            classes=setting.classes,
            divisor=baud_divisor(setting.clock_mhz, self.baud),
            timeout=silence_cycles(setting.clock_mhz),
            identity=setting.identity,
            store=setting.store,
            load=setting.load,
        )

    def interface(self, graph: Graph, setting: Setting) -> Interface:
        from bnnhw.links.uart.interface import interface
        from bnnhw.links.uart.uart import baud_divisor

        assert setting.clock_mhz is not None, "the clock of a board decides the divisor of its serial port"
        return interface(graph, self.baud, baud_divisor(setting.clock_mhz, self.baud))

    def frames_per_s(self, frame: Frame, clock_mhz: float) -> float:
        """Ten bits per byte of the longer of two packets: that of a frame and that of its result."""
        del clock_mhz
        return self.baud / (10 * max(self.packets_of(frame)))

    @property
    def settings(self) -> dict[str, int]:
        return {"baud": self.baud}

    def made(self, clock_mhz: float) -> dict[str, float]:
        from bnnhw.links.uart.uart import baud_divisor

        divisor = baud_divisor(clock_mhz, self.baud)
        made = clock_mhz * 1e6 / divisor
        return {"cycles_per_bit": divisor, "baud_made": made, "baud_error": made / self.baud - 1}

    def note(self, clock_mhz: float) -> str:
        made = self.made(clock_mhz)
        return (
            f"{self.baud:,} baud: {made['cycles_per_bit']} cycles per bit make {made['baud_made']:,.0f}, "
            f"{100 * made['baud_error']:.2f} % off"
        )

    def open_port(self, name: str) -> Port:
        from bnnhw.links.packets.serial_port import open_serial

        return open_serial(name, self.baud)

    def far_end(self) -> str:
        from bnnhw.templates import render

        return render("bnnhw.links.uart", "far_end.cpp.j2", baud=self.baud)


LINK = Uart()
