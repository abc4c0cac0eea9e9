"""An SPI slave: packets of frames and results in the master's own clock, at twice the system clock and below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bnnhw.errors import RequestError
from bnnhw.links.host import Host, Listened, Port
from bnnhw.links.link import FrameAccelerator, Setting
from bnnhw.links.packets.link import PacketLink

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.dataflow import Graph
    from bnnhw.dataflow.frame import Frame
    from bnnhw.links.interface import Interface

__all__ = ["LINK", "Spi"]

SCK_HZ = 20_000_000
"""Default clock of the master: an FT2232H makes 30 MHz at most, an RP2040 more."""

PMOD = {"cs_n": 1, "mosi": 2, "miso": 3, "sck": 4}
"""Pins of a Pmod connector: type 2 (SPI) of Digilent's Pmod Interface Specification."""


@dataclass(frozen=True)
class Spi(PacketLink):
    """Packets of :mod:`bnnhw.links.packets.packet` to and from an SPI master, mode 0."""

    name = "spi"
    summary = "an SPI slave"
    module = "spi_link"
    why_board = "its clock decides how fast SCK may be"
    pins: ClassVar[Mapping[str, str]] = {"sck": "i", "cs_n": "i", "mosi": "i", "miso": "o"}
    enables: ClassVar[Mapping[str, str]] = {"miso": "selected"}
    adapter = "an SPI master of 3.3 V at the pins of the link"

    sck_hz: int = SCK_HZ

    @property
    def pin_clocks(self) -> Mapping[str, float]:
        return {"sck": float(self.sck_hz)}

    def usual_pins(self, connectors: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
        for name, pins in connectors.items():
            if name.startswith("pmod") and all(str(pin) in pins for pin in PMOD.values()):
                yield {signal: f"{name}:{PMOD[signal]}" for signal in self.pins}

    def check_clock(self, clock_mhz: float) -> None:
        from bnnhw.links.spi.rate import CYCLES_PER_BYTE, max_sck_hz

        if self.sck_hz < 1:
            raise RequestError(f"SCK must be positive, not {self.sck_hz}")
        if self.sck_hz > max_sck_hz(clock_mhz):
            lowest = self.sck_hz * CYCLES_PER_BYTE / 8e6
            raise RequestError(
                f"clock must be at least {lowest:g} MHz for the {self.sck_hz} Hz of SCK, not {clock_mhz:g}"
            )

    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        from bnnhw.links.spi.gateware import SpiLink

        return SpiLink(
            accelerator,
            classes=setting.classes,
            identity=setting.identity,
            store=setting.store,
            load=setting.load,
        )

    def interface(self, graph: Graph, setting: Setting) -> Interface:
        from bnnhw.links.spi.interface import interface

        assert setting.clock_mhz is not None, "the clock of a board decides what SCK is to it"
        return interface(graph, self.sck_hz, setting.clock_mhz)

    def frames_per_s(self, frame: Frame, clock_mhz: float) -> float:
        """Eight bits per byte of the longer of two packets: that of a frame and that of its result."""
        del clock_mhz
        return self.sck_hz / (8 * max(self.packets_of(frame)))

    @property
    def settings(self) -> dict[str, int]:
        return {"sck_hz": self.sck_hz}

    def open_port(self, name: str) -> Port:
        from bnnhw.links.spi.port import open_port

        return open_port(name, self.sck_hz)

    def host(self, port: Port, clock: Callable[[], float] | None = None) -> Host:
        from bnnhw.links.spi.host import open_host

        return open_host(port, clock)

    def terminal(self, port: Listened) -> Listened:
        from bnnhw.links.spi.bridge import Bridge

        return Bridge(port)

    def far_end(self) -> str:
        from bnnhw.templates import render

        return render("bnnhw.links.spi", "far_end.cpp.j2", sck_hz=self.sck_hz)


LINK = Spi()
