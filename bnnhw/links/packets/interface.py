"""What stands at the pins of an accelerator behind packets, whatever carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.dataflow import Graph
from bnnhw.dataflow.frame import Frame
from bnnhw.links.interface import Beats, Bench, Field, Interface
from bnnhw.links.packets.packet import CRC_BYTES, HEADER_BYTES, PacketType, encode_packet
from bnnhw.links.packets.reply import score_size
from bnnhw.rtl.result import result_layout
from bnnhw.templates import render

__all__ = ["PacketInterface", "Packets"]

FRAMES = 3
"""Frames of a testbench: a line is slow."""

RESULT_HEAD = (("tag", 8), ("index", 16))
"""What stands before the score in the payload of a RESULT, and its bits."""


@dataclass(frozen=True)
class Packets:
    """How frames and results of a graph lie in packets.

    Parameters
    ----------
    frame, result : Beats
        A frame, and the payload of its result, in bytes.
    fields : tuple of Field
        Of a result.
    """

    frame: Beats
    result: Beats
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, graph: Graph) -> Packets:
        """Those of a graph."""
        fields: list[Field] = []
        offset = 0
        for name, bits in (*RESULT_HEAD, ("score", 8 * score_size(result_layout(graph.result)))):
            fields.append(Field(name, offset, bits, name == "score"))
            offset += bits
        return cls(Beats(Frame.of(graph).bits, 8), Beats(offset, 8), tuple(fields))

    @property
    def packet_bytes(self) -> int:
        """Of a frame's packet, its tag included."""
        return HEADER_BYTES + 1 + self.frame.count + CRC_BYTES

    @property
    def reply_bytes(self) -> int:
        """Of a result's packet."""
        return HEADER_BYTES + self.result.count + CRC_BYTES


@dataclass(frozen=True, kw_only=True)
class PacketInterface(Interface):
    """Packets of bytes (:mod:`bnnhw.links.packets.packet`)."""

    def bytes_of(self, bench: Bench) -> tuple[int, bytes, bytes]:
        """How many frames of a bench are sent, their packets, and the packets of their results."""
        sent, replies = b"", b""
        pairs = list(zip(bench.frames, bench.results, strict=True))[:FRAMES]
        for tag, (frame, result) in enumerate(pairs):
            sent += encode_packet(PacketType.FRAME, bytes([tag]) + frame.to_bytes(self.frame.count, "little"))
            payload = self.packed((tag, *result)).to_bytes(self.result.count, "little")
            replies += encode_packet(PacketType.RESULT, payload)
        return len(pairs), sent, replies

    def render_bench(self, package: str, template: str, bench: Bench, **more: Any) -> dict[str, str]:
        """Files of a testbench: a template that is told of frames and bytes, and the bytes beside it."""
        name = f"{bench.top}_tb"
        frames, sent, replies = self.bytes_of(bench)
        text = render(
            package,
            template,
            bench=bench,
            interface=self,
            name=name,
            frames=frames,
            packet_bytes=len(sent) // frames,
            reply_bytes=len(replies) // frames,
            limit=self.cycles_per_frame * 4 + self.latency_cycles + 1000,
            **more,
        )
        lines = {f"{name}_frames.hex": sent, f"{name}_results.hex": replies}
        return {f"{name}.v": text} | {file: "".join(f"{b:02x}\n" for b in data) for file, data in lines.items()}

    def values(self, index: int, scores: Any) -> tuple[int, ...]:
        # The tag is the host's; a testbench knows it.
        return index, max(scores)
