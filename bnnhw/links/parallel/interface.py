"""What stands at the pins of an accelerator behind a parallel port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.dataflow import Graph
from bnnhw.folding import predict
from bnnhw.links.interface import Bench
from bnnhw.links.packets.interface import PacketInterface, Packets
from bnnhw.links.packets.packet import PacketType
from bnnhw.links.parallel.timing import Timing

__all__ = ["ParallelInterface", "interface"]


@dataclass(frozen=True, kw_only=True)
class ParallelInterface(PacketInterface):
    """Packets of bytes (:mod:`bnnhw.links.packets.packet`) from a FIFO and to it.

    Parameters
    ----------
    timing : Timing
    """

    protocol = "parallel"

    timing: Timing

    def _describe_input(self) -> dict[str, Any]:
        return {
            "ports": {"flag": "rxf_n", "strobe": "rd_n", "data": "d_i"},
            "packet": {"type": PacketType.FRAME.value, "payload": ["tag", "frame"]},
            "handshake": "FT245, asynchronous",
            "strobe_cycles": self.timing.strobe,
            "quiet_cycles": self.timing.quiet,
            "cycles_per_byte": self.timing.read,
        }

    def _describe_output(self) -> dict[str, Any]:
        return {
            "ports": {"flag": "txe_n", "strobe": "wr_n", "data": "d_o", "enable": "driven", "send_on": "siwu_n"},
            "packet": {"type": PacketType.RESULT.value},
            "cycles_per_byte": self.timing.write,
        }

    def testbench(self, bench: Bench) -> dict[str, str]:
        return self.render_bench("bnnhw.links.parallel", "parallel_tb.v.j2", bench)


def interface(graph: Graph, timing: Timing) -> ParallelInterface:
    """That of :class:`~bnnhw.links.parallel.gateware.ParallelLink`.

    Cycles per frame are those of both packets, which have the same lines, or of the accelerator; the latency is that of
    the frame's packet, the accelerator and the reply, but for the few cycles between them.
    """
    packets, core = Packets.of(graph), predict(graph)
    packet, reply = timing.read * packets.packet_bytes, timing.write * packets.reply_bytes
    return ParallelInterface(
        frame=packets.frame,
        result=packets.result,
        fields=packets.fields,
        cycles_per_frame=max(timing.both(packets.packet_bytes, packets.reply_bytes), core.cycles_per_frame),
        latency_cycles=packet + core.latency_cycles + reply,
        timing=timing,
    )
