"""What the board says: answers, errors and its own description, one packet at a time."""

from __future__ import annotations

import struct

from amaranth.hdl import Cat, Const, Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.packets.frame import PACKET_HEADER
from bnnhw.links.packets.packet import INFO_FORMAT, PacketType, score_bytes

__all__ = ["ReplyEncoder", "score_size"]

_ERROR_BYTES = 2


def score_size(result_layout: data.StructLayout) -> int:
    """Bytes of a score on the wire, where it is two's complement whether or not it can be negative."""
    shape = Shape.cast(result_layout["score"].shape)
    return score_bytes(shape.width, signed=shape.signed)


class ReplyEncoder(wiring.Component):
    """Turns answers and events into reply packets.

    An answer waits for its stream; an event, which is a strobe, is remembered until its reply has gone
    out. Of the same event a second one before that is lost: the host waits for a reply before it
    provokes another. Errors go before descriptions, descriptions before answers.

    Input words: one answer, its payload. II: ``length + 10`` cycles of the transmitter's. Latency:
    the header is offered two cycles after an input, when no other reply is under way. Stalls: waits for
    the transmitter. Storage: the longest payload, one pending error, one pending description.

    Parameters
    ----------
    kind : int
        Type of the packet of an answer.
    reply_bytes : int
        Bytes of its payload.
    info : bytes
        Payload of an INFO reply.
    loads : bool
        Whether the host is told of images.

    Members
    -------
    reply : In(stream of unsigned(8 * reply_bytes))
        The first byte of the payload in the least significant bits.
    error, error_code, error_kind : In(1), In(8), In(8)
        Strobe: a packet was dropped, why, and its type.
    info_request : In(1)
        Strobe.
    loaded, load_state : In(1), In(8)
        Strobe: what became of an image, or of a part of it; where the host is told.
    header : Out(stream of PACKET_HEADER)
    payload : Out(stream of unsigned(8))
    """

    def __init__(self, kind: int, reply_bytes: int, info: bytes, *, loads: bool = False) -> None:
        if len(info) != struct.calcsize(INFO_FORMAT):
            raise ValueError(f"info must have {struct.calcsize(INFO_FORMAT)} bytes, not {len(info)}")
        self.info = info
        self.loads = loads
        self.kind = kind
        self.reply_bytes = reply_bytes
        super().__init__(
            {
                "reply": In(stream.Signature(8 * reply_bytes)),
                "error": In(1),
                "error_code": In(8),
                "error_kind": In(8),
                "info_request": In(1),
                **({"loaded": In(1), "load_state": In(8)} if loads else {}),
                "header": Out(stream.Signature(PACKET_HEADER)),
                "payload": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = 8 * max(len(self.info), self.reply_bytes, _ERROR_BYTES)
        shift = Signal(width)
        kind = Signal(8)
        length = Signal(range(width // 8 + 1))
        busy = Signal()
        error_pending = Signal()
        info_pending = Signal()
        error_reply = Signal(8 * _ERROR_BYTES)
        load_pending, load_state = Signal(), Signal(8)

        m.d.comb += [
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
        if self.loads:
            with m.Elif(load_pending):
                m.d.sync += [
                    busy.eq(1),
                    load_pending.eq(0),
                    kind.eq(PacketType.LOADED),
                    length.eq(1),
                    shift.eq(load_state),
                ]
        with m.Elif(self.reply.valid):
            m.d.comb += self.reply.ready.eq(1)
            m.d.sync += [busy.eq(1), kind.eq(self.kind), length.eq(self.reply_bytes), shift.eq(self.reply.payload)]
        # Below the arbiter, so that an event in the cycle its predecessor leaves is not lost.
        with m.If(self.info_request):
            m.d.sync += info_pending.eq(1)
        if self.loads:
            with m.If(self.loaded):
                m.d.sync += [load_pending.eq(1), load_state.eq(self.load_state)]
        with m.If(self.error):
            m.d.sync += [error_pending.eq(1), error_reply.eq(Cat(self.error_code, self.error_kind))]
        return m
