"""What stands at the pins of an accelerator behind an SPI slave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bnnhw.dataflow import Graph
from bnnhw.folding import predict
from bnnhw.links.interface import Bench
from bnnhw.links.packets.interface import PacketInterface, Packets
from bnnhw.links.packets.packet import PacketType
from bnnhw.links.spi.rate import GAP_CYCLES, IDLE

__all__ = ["SpiInterface", "interface"]


@dataclass(frozen=True, kw_only=True)
class SpiInterface(PacketInterface):
    """Packets of bytes to and from an SPI master (:mod:`bnnhw.links.packets.packet`).

    Parameters
    ----------
    sck_hz : int
    sck_cycles : float
        Clock cycles per period of SCK.
    """

    protocol = "spi"

    sck_hz: int
    sck_cycles: float

    def _describe_input(self) -> dict[str, Any]:
        return {
            "ports": {"clock": "sck", "select": "cs_n", "line": "mosi"},
            "packet": {"type": PacketType.FRAME.value, "payload": ["tag", "frame"]},
            "mode": 0,
            "bit_order": "most significant first",
            "sck_hz": self.sck_hz,
            "gap_cycles": GAP_CYCLES,
        }

    def _describe_output(self) -> dict[str, Any]:
        return {
            "ports": {"line": "miso", "enable": "selected"},
            "packet": {"type": PacketType.RESULT.value},
            "idle": IDLE,
        }

    def testbench(self, bench: Bench) -> dict[str, str]:
        return self.render_bench("bnnhw.links.spi", "spi_tb.v.j2", bench, idle=IDLE, gap=GAP_CYCLES)


def interface(graph: Graph, sck_hz: int, clock_mhz: float) -> SpiInterface:
    """That of :class:`~bnnhw.links.spi.gateware.SpiLink`.

    Cycles per frame are those of the longer packet or of the accelerator; the latency is that of the frame's packet,
    the accelerator and the reply, but for the few cycles between them.
    """
    packets, core = Packets.of(graph), predict(graph)
    sck_cycles = clock_mhz * 1e6 / sck_hz
    packet, reply = (math.ceil(8 * n * sck_cycles) for n in (packets.packet_bytes, packets.reply_bytes))
    return SpiInterface(
        frame=packets.frame,
        result=packets.result,
        fields=packets.fields,
        cycles_per_frame=max(packet, reply, core.cycles_per_frame),
        latency_cycles=packet + core.latency_cycles + reply,
        sck_hz=sck_hz,
        sck_cycles=sck_cycles,
    )
