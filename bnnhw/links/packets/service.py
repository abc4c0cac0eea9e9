"""What a board does for packets: here, what it does with those that bring frames."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.buffer import FrameBuffer
from bnnhw.links.packets.packet import TAGS_IN_FLIGHT, PacketType, check_frame_size
from bnnhw.links.packets.reply import score_size
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter

__all__ = ["FrameService", "Service", "service_signature"]

_INDEX_BITS = 16


class Service(Protocol):
    """What :class:`~bnnhw.links.packets.core.PacketCore` asks of a service, which is a component too.

    Its members are those of :func:`service_signature`.

    Attributes
    ----------
    request, answer : PacketType
        The packets it takes, and those it makes.
    request_bytes, answer_bytes : int
        Of their payloads.
    """

    request: ClassVar[PacketType]
    answer: ClassVar[PacketType]
    request_bytes: int
    answer_bytes: int
    write: Any
    index: Any
    data: Any
    commit: Any
    overrun: Any
    reply: Any

    def elaborate(self, platform: Any) -> Any: ...


def service_signature(answer_bytes: int) -> dict[str, Any]:
    """Members of a service.

    - ``write, index, data``: byte ``index`` of a payload; a strobe. Bytes past its end are ignored.
    - ``commit``: strobe, the payload that was written is good.
    - ``overrun``: there was no room for it, and ``commit`` does nothing.
    - ``reply``: payloads of answers.
    """
    return {
        "write": In(1),
        "index": In(16),
        "data": In(8),
        "commit": In(1),
        "overrun": Out(1),
        "reply": Out(stream.Signature(8 * answer_bytes)),
    }


class FrameService(wiring.Component):
    """Frames in packets through the accelerator, each result behind its frame's tag.

    A frame is stored until its CRC is known, and only a good one enters the accelerator. While it
    computes, the next one is received.

    Input words: a tag and a frame, written byte by byte. Output words: the payload of a RESULT. II: the greater of
    ``frame_bytes + 1`` and the accelerator's. Latency: three cycles, those of the width converter and the
    accelerator's. Stalls: a frame that begins while both banks are full is not stored, and ``overrun`` says so. At most
    ``TAGS_IN_FLIGHT`` frames are inside the accelerator at once. Storage: two frames.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.

    Members
    -------
    Those of :func:`service_signature`.
    """

    request = PacketType.FRAME
    answer = PacketType.RESULT

    def __init__(self, accelerator: FrameAccelerator) -> None:
        self.accelerator = accelerator
        self.frame_bytes = check_frame_size(accelerator.frame_bits)
        self.request_bytes = 1 + self.frame_bytes
        layout = accelerator.output.payload.shape()
        if layout["index"].width > _INDEX_BITS:
            raise ValueError(f"index must have at most {_INDEX_BITS} bits, not {layout['index'].width}")
        self.score_bytes = score_size(layout)
        self.answer_bytes = 1 + _INDEX_BITS // 8 + self.score_bytes
        super().__init__(service_signature(self.answer_bytes))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator = self.accelerator
        m.submodules.accelerator = accelerator
        m.submodules.buffer = buffer = FrameBuffer(self.frame_bytes)
        m.submodules.converter = converter = WidthConverter(
            WidthUnit(8, accelerator.input_width, accelerator.frame_bits)
        )
        m.submodules.tags = tags = fifo.SyncFIFO(width=8, depth=TAGS_IN_FLIGHT)
        wiring.connect(m, buffer.output, converter.input)
        wiring.connect(m, converter.output, accelerator.input)
        result = accelerator.output
        index = Signal(_INDEX_BITS)
        # Widening a signed value repeats its sign, widening an unsigned one puts zeros before it.
        score = Signal(8 * self.score_bytes)
        taken = Signal()
        m.d.comb += [
            buffer.write.eq(self.write),
            buffer.index.eq(self.index),
            buffer.data.eq(self.data),
            buffer.commit.eq(self.commit),
            self.overrun.eq(buffer.overrun),
            tags.w_data.eq(buffer.tags.payload),
            tags.w_en.eq(buffer.tags.valid),
            buffer.tags.ready.eq(tags.w_rdy),
            index.eq(result.payload.index),
            score.eq(result.payload.score),
            self.reply.payload.eq(Cat(tags.r_data, index, score)),
            self.reply.valid.eq(result.valid & tags.r_rdy),
            taken.eq(self.reply.valid & self.reply.ready),
            result.ready.eq(taken),
            tags.r_en.eq(taken),
        ]
        return m
