"""What stands at the pins of an accelerator behind a serial port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.dataflow import Graph
from bnnhw.folding import predict
from bnnhw.links.interface import Bench
from bnnhw.links.packets.interface import PacketInterface, Packets
from bnnhw.links.packets.packet import PacketType

__all__ = ["UartInterface", "interface"]


@dataclass(frozen=True, kw_only=True)
class UartInterface(PacketInterface):
    """Packets of bytes on two lines (:mod:`bnnhw.links.packets.packet`).

    Parameters
    ----------
    baud : int
    divisor : int
        Clock cycles per bit.
    """

    protocol = "uart"

    baud: int
    divisor: int

    def _describe_input(self) -> dict[str, Any]:
        return {
            "ports": {"line": "rx"},
            "packet": {"type": PacketType.FRAME.value, "payload": ["tag", "frame"]},
            "baud": self.baud,
            "cycles_per_bit": self.divisor,
        }

    def _describe_output(self) -> dict[str, Any]:
        return {"ports": {"line": "tx"}, "packet": {"type": PacketType.RESULT.value}}

    def testbench(self, bench: Bench) -> dict[str, str]:
        return self.render_bench("bnnhw.links.uart", "uart_tb.v.j2", bench)


def interface(graph: Graph, baud: int, divisor: int) -> UartInterface:
    """That of :class:`~bnnhw.links.uart.gateware.UartLink`.

    Cycles per frame are those of the slower line or of the accelerator; the latency is that of the frame's packet, the
    accelerator and the reply, but for the few cycles between them.
    """
    packets, core = Packets.of(graph), predict(graph)
    packet, reply = 10 * divisor * packets.packet_bytes, 10 * divisor * packets.reply_bytes
    return UartInterface(
        frame=packets.frame,
        result=packets.result,
        fields=packets.fields,
        cycles_per_frame=max(packet, reply, core.cycles_per_frame),
        latency_cycles=packet + core.latency_cycles + reply,
        baud=baud,
        divisor=divisor,
    )
