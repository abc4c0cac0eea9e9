"""A parallel port of 8 lines: packets of frames and results through a FIFO beside the board, FTDI's or another's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bnnhw.errors import RequestError
from bnnhw.links.host import Port
from bnnhw.links.link import FrameAccelerator, Setting
from bnnhw.links.packets.link import PacketLink, silence_cycles
from bnnhw.links.parallel.timing import QUIET_NS, READY_NS, STROBE_NS, Timing

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.dataflow import Graph
    from bnnhw.dataflow.frame import Frame
    from bnnhw.links.interface import Interface

__all__ = ["LINK", "Parallel"]

DATA = 8
"""Lines of data."""

CONTROL = {"rxf_n": 1, "txe_n": 2, "rd_n": 3, "wr_n": 4, "siwu_n": 7}
"""Pins of a second Pmod connector beside the one that has the data: in the order of FTDI's ACBUS0 to ACBUS4."""


@dataclass(frozen=True)
class Parallel(PacketLink):
    """Packets of :mod:`bnnhw.links.packets.packet` through a FIFO with FTDI's asynchronous handshake (FT245).

    Parameters
    ----------
    strobe_ns : int
        How long ``rd_n`` and ``wr_n`` are low: the far end has a byte on the lines, or has taken one, within it.
    quiet_ns : int
        How long after a strobe the far end may take to raise its flag.
    ready_ns : int
        How long after a strobe it lowers it again; no time to keep, but what the rate is told for.
    """

    name = "parallel"
    summary = "a parallel port of 8 lines"
    module = "parallel_link"
    why_board = "its clock decides how long a strobe is"
    pins: ClassVar[Mapping[str, str]] = {
        "d": "io",
        "rxf_n": "i",
        "txe_n": "i",
        "rd_n": "o",
        "wr_n": "o",
        "siwu_n": "o",
    }
    widths: ClassVar[Mapping[str, int]] = {"d": DATA}
    enables: ClassVar[Mapping[str, str]] = {"d": "driven"}
    adapter = "an FT232H, an FT2232H in FIFO mode or a microcontroller, of 3.3 V, at the pins of the link"

    strobe_ns: int = STROBE_NS
    quiet_ns: int = QUIET_NS
    ready_ns: int = READY_NS

    def usual_pins(self, connectors: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
        pmods = {name: list(pins) for name, pins in connectors.items() if name.startswith("pmod")}
        for data, pins in pmods.items():
            for control, others in pmods.items():
                if control != data and len(pins) == DATA and all(str(pin) in others for pin in CONTROL.values()):
                    yield {"d": data} | {signal: f"{control}:{pin}" for signal, pin in CONTROL.items()}

    def timing(self, clock_mhz: float) -> Timing:
        """Its times as cycles of a clock."""
        return Timing.of(clock_mhz, self.strobe_ns, self.quiet_ns, self.ready_ns)

    def check_clock(self, clock_mhz: float) -> None:
        """Any clock will do: times are made of whole cycles."""
        for name, value in self.settings.items():
            if value < 1:
                raise RequestError(f"{name} must be positive, not {value}")

    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        from bnnhw.links.parallel.gateware import ParallelLink

        assert setting.clock_mhz is not None, "the clock of a board decides how long a strobe is"
        return ParallelLink(
            accelerator,
            classes=setting.classes,
            timing=self.timing(setting.clock_mhz),
            timeout=silence_cycles(setting.clock_mhz),
            identity=setting.identity,
            store=setting.store,
            load=setting.load,
        )

    def interface(self, graph: Graph, setting: Setting) -> Interface:
        from bnnhw.links.parallel.interface import interface

        assert setting.clock_mhz is not None, "the clock of a board decides how long a strobe is"
        return interface(graph, self.timing(setting.clock_mhz))

    def frames_per_s(self, frame: Frame, clock_mhz: float) -> float:
        """Bytes in and bytes out have the same lines: the cycles of both packets."""
        return clock_mhz * 1e6 / self.timing(clock_mhz).both(*self.packets_of(frame))

    @property
    def settings(self) -> dict[str, int]:
        return {"strobe_ns": self.strobe_ns, "quiet_ns": self.quiet_ns, "ready_ns": self.ready_ns}

    def made(self, clock_mhz: float) -> dict[str, float]:
        timing = self.timing(clock_mhz)
        return {"cycles_per_byte_in": timing.read, "cycles_per_byte_out": timing.write}

    def note(self, clock_mhz: float) -> str:
        timing = self.timing(clock_mhz)
        rates = " in, ".join(f"{clock_mhz / cycles:.2f} MB/s" for cycles in (timing.read, timing.write))
        return f"parallel port: {timing.read} and {timing.write} cycles per byte make {rates} out at most"

    def open_port(self, name: str) -> Port:
        from bnnhw.links.parallel.port import open_port

        return open_port(name)

    def far_end(self) -> str:
        from bnnhw.templates import render

        return render("bnnhw.links.parallel", "far_end.cpp.j2", ready_ns=self.ready_ns)


LINK = Parallel()
