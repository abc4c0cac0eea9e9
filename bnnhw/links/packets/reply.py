"""What the board says: results, errors and its own description, one packet at a time."""

from __future__ import annotations

import struct

from amaranth.hdl import Cat, Const, Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.packets.frame import PACKET_HEADER
from bnnhw.links.packets.packet import INFO_FORMAT, PacketType, score_bytes

__all__ = ["ReplyEncoder", "score_size"]

_INDEX_BITS = 16
_ERROR_BYTES = 2


def score_size(result_layout: data.StructLayout) -> int:
    """Bytes of a score on the wire, where it is two's complement whether or not it can be negative."""
    shape = Shape.cast(result_layout["score"].shape)
    return score_bytes(shape.width, signed=shape.signed)


class ReplyEncoder(wiring.Component):
    """Turns results and events into reply packets.

    A result waits for its stream; an event, which is a strobe, is remembered until its reply has gone
    out. Of the same event a second one before that is lost: the host waits for a reply before it
    provokes another. Errors go before descriptions, descriptions before results.

    Input words: one result and one tag per frame. II: ``length + 10`` cycles of the transmitter's. Latency:
    the header is offered two cycles after an input, when no other reply is under way. Stalls: waits for
    the transmitter. Storage: the longest payload, one pending error, one pending description.

    Parameters
    ----------
    result_layout : data.StructLayout
        The accelerator's output word, fields ``index`` and ``score``.
    info : bytes
        Payload of an INFO reply.

    Members
    -------
    result : In(stream of result_layout)
    tags : In(stream of unsigned(8))
        The tag of each result, in the same order.
    error, error_code, error_kind : In(1), In(8), In(8)
        Strobe: a packet was dropped, why, and its type.
    info_request : In(1)
        Strobe.
    header : Out(stream of PACKET_HEADER)
    payload : Out(stream of unsigned(8))
    """

    def __init__(self, result_layout: data.StructLayout, info: bytes) -> None:
        if len(info) != struct.calcsize(INFO_FORMAT):
            raise ValueError(f"info must have {struct.calcsize(INFO_FORMAT)} bytes, not {len(info)}")
        self.info = info
        self.index_width = result_layout["index"].width
        self.score_bytes = score_size(result_layout)
        if self.index_width > _INDEX_BITS:
            raise ValueError(f"index must have at most {_INDEX_BITS} bits, not {self.index_width}")
        super().__init__(
            {
                "result": In(stream.Signature(result_layout)),
                "tags": In(stream.Signature(8)),
                "error": In(1),
                "error_code": In(8),
                "error_kind": In(8),
                "info_request": In(1),
                "header": Out(stream.Signature(PACKET_HEADER)),
                "payload": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        result_bytes = 1 + _INDEX_BITS // 8 + self.score_bytes
        width = 8 * max(len(self.info), result_bytes, _ERROR_BYTES)
        shift = Signal(width)
        kind = Signal(8)
        length = Signal(range(width // 8 + 1))
        busy = Signal()
        error_pending = Signal()
        info_pending = Signal()
        error_reply = Signal(8 * _ERROR_BYTES)
        index = Signal(_INDEX_BITS)
        # Widening a signed value repeats its sign, widening an unsigned one puts zeros before it.
        score = Signal(8 * self.score_bytes)

        m.d.comb += [
            index.eq(self.result.payload.index),
            score.eq(self.result.payload.score),
            self.header.valid.eq(busy),
            self.header.payload.kind.eq(kind),
            self.header.payload.length.eq(length),
            self.payload.valid.eq(busy),
            self.payload.payload.eq(shift[:8]),
        ]
        with m.If(self.payload.valid & self.payload.ready):
            m.d.sync += shift.eq(shift >> 8)
        with m.If(busy), m.If(self.header.ready):
            m.d.sync += busy.eq(0)
        with m.Elif(error_pending):
            m.d.sync += [
                busy.eq(1),
                error_pending.eq(0),
                kind.eq(PacketType.ERROR),
                length.eq(_ERROR_BYTES),
                shift.eq(error_reply),
            ]
        with m.Elif(info_pending):
            m.d.sync += [
                busy.eq(1),
                info_pending.eq(0),
                kind.eq(PacketType.INFO),
                length.eq(len(self.info)),
                shift.eq(Const(int.from_bytes(self.info, "little"), width)),
            ]
        with m.Elif(self.result.valid & self.tags.valid):
            m.d.comb += [self.result.ready.eq(1), self.tags.ready.eq(1)]
            m.d.sync += [
                busy.eq(1),
                kind.eq(PacketType.RESULT),
                length.eq(result_bytes),
                shift.eq(Cat(self.tags.payload, index, score)),
            ]
        # Below the arbiter, so that an event in the cycle its predecessor leaves is not lost.
        with m.If(self.info_request):
            m.d.sync += info_pending.eq(1)
        with m.If(self.error):
            m.d.sync += [error_pending.eq(1), error_reply.eq(Cat(self.error_code, self.error_kind))]
        return m
