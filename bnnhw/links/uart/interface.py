"""What stands at the pins of an accelerator behind a serial port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.dataflow import Graph
from bnnhw.dataflow.frame import Frame
from bnnhw.folding import predict
from bnnhw.links.interface import Beats, Bench, Field, Interface
from bnnhw.links.uart.packet import CRC_BYTES, HEADER_BYTES, PacketType, encode_packet
from bnnhw.templates import render

__all__ = ["UartInterface", "interface"]

FRAMES = 3
"""Frames of a testbench: a line is slow."""

RESULT_HEAD = (("tag", 8), ("index", 16))
"""What stands before the score in the payload of a RESULT, and its bits."""


@dataclass(frozen=True, kw_only=True)
class UartInterface(Interface):
    """Packets of bytes on two lines (:mod:`bnnhw.links.uart.packet`).

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
        name = f"{bench.top}_tb"
        frames, results = bench.frames[:FRAMES], bench.results[:FRAMES]
        sent, replies = b"", b""
        for tag, (frame, result) in enumerate(zip(frames, results, strict=True)):
            sent += encode_packet(PacketType.FRAME, bytes([tag]) + frame.to_bytes(self.frame.count, "little"))
            payload = self.packed((tag, *result)).to_bytes(self.result.count, "little")
            replies += encode_packet(PacketType.RESULT, payload)
        text = render(
            "bnnhw.links.uart",
            "uart_tb.v.j2",
            bench=bench,
            interface=self,
            name=name,
            frames=len(frames),
            packet_bytes=len(sent) // len(frames),
            reply_bytes=len(replies) // len(frames),
            limit=self.cycles_per_frame * 4 + self.latency_cycles + 1000,
        )
        lines = {f"{name}_frames.hex": sent, f"{name}_results.hex": replies}
        return {f"{name}.v": text} | {file: "".join(f"{b:02x}\n" for b in data) for file, data in lines.items()}

    def values(self, index: int, scores: Any) -> tuple[int, ...]:
        # The tag is the host's; a testbench knows it.
        return index, max(scores)


def interface(graph: Graph, baud: int, divisor: int, score_bytes: int) -> UartInterface:
    """That of :class:`~bnnhw.links.uart.gateware.UartLink`.

    Cycles per frame are those of the slower line or of the accelerator; the latency is that of the frame's packet, the
    accelerator and the reply, but for the few cycles between them.
    """
    frame = Frame.of(graph)
    fields: list[Field] = []
    offset = 0
    for name, bits in (*RESULT_HEAD, ("score", 8 * score_bytes)):
        fields.append(Field(name, offset, bits, name == "score"))
        offset += bits
    beats, result = Beats(frame.bits, 8), Beats(offset, 8)
    around = HEADER_BYTES + CRC_BYTES
    packet, reply = 10 * divisor * (around + 1 + beats.count), 10 * divisor * (around + result.count)
    core = predict(graph)
    return UartInterface(
        frame=beats,
        result=result,
        fields=tuple(fields),
        cycles_per_frame=max(packet, reply, core.cycles_per_frame),
        latency_cycles=packet + core.latency_cycles + reply,
        baud=baud,
        divisor=divisor,
    )
