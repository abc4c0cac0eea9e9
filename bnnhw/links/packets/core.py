"""The accelerator behind packets: bytes in, bytes out."""

from __future__ import annotations

import struct

from amaranth.hdl import Module
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.buffer import FrameBuffer
from bnnhw.links.packets.frame import RECEIVED_BYTE, PacketReceiver, PacketTransmitter
from bnnhw.links.packets.packet import INFO_FORMAT, TAGS_IN_FLIGHT, VERSION, ErrorCode, PacketType, check_frame_size
from bnnhw.links.packets.reply import ReplyEncoder, score_size
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter

__all__ = ["PacketCore"]


class PacketCore(wiring.Component):
    """An accelerator that is talked to in packets; see :mod:`bnnhw.links.packets.packet`.

    A frame is stored until its CRC is known, and only a good one enters the accelerator. While it
    computes, the next one is received. A packet that is damaged, cut short, of an unknown type or of a
    wrong length is dropped and reported, and the next packet is received as usual.

    Input words: received bytes. Output words: bytes to send, a packet's one after the other, ``8 // crc_bits`` cycles
    each. II per frame: the greatest of ``(frame_bytes + 9) * 8 // crc_bits + 1`` (the packet in),
    ``(11 + score_bytes) * 8 // crc_bits`` and two cycles between packets (the packet out), ``frame_bytes + 1`` and the
    accelerator's. Latency: that of the accelerator, and of the packets. Stalls: takes a byte in ``8 // crc_bits``
    cycles, and never waits for a consumer; a frame that begins while both banks are full is dropped and reported as an
    overrun. At most ``TAGS_IN_FLIGHT`` frames are inside the accelerator at once. Storage: two frames.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    classes : int
        Told to the host.
    identity : int
        32 bits by which the host knows the design.
    timeout : int, optional
        Longest silence inside a packet, in clock cycles; without one only ``end`` cuts a packet short.
    crc_bits : int
        Bits of the CRC per cycle, either way: as few as keep up with what carries the packets.

    Members
    -------
    received : In(stream of RECEIVED_BYTE)
    end : In(1)
        Strobe: what of a packet has not come will not come.
    send : Out(stream of unsigned(8))
    error : Out(1)
        The last packet was dropped.
    activity : Out(1)
        Toggles with every result.
    """

    def __init__(
        self,
        accelerator: FrameAccelerator,
        *,
        classes: int,
        identity: int,
        timeout: int | None = None,
        crc_bits: int = 1,
    ) -> None:
        self.accelerator = accelerator
        self.frame_bytes = check_frame_size(accelerator.frame_bits)
        self.timeout = timeout
        self.crc_bits = crc_bits
        layout = accelerator.output.payload.shape()
        self.score_bytes = score_size(layout)
        self.info = struct.pack(INFO_FORMAT, VERSION, identity, self.frame_bytes, classes, self.score_bytes)
        self._layout = layout
        super().__init__(
            {
                "received": In(stream.Signature(RECEIVED_BYTE)),
                "end": In(1),
                "send": Out(stream.Signature(8)),
                "error": Out(1),
                "activity": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator = self.accelerator
        m.submodules.accelerator = accelerator
        lengths = {PacketType.INFO_REQUEST: 0, PacketType.FRAME: self.frame_bytes + 1}
        m.submodules.receiver = receiver = PacketReceiver(lengths, self.timeout, self.crc_bits)
        m.submodules.judge = judge = _Judge()
        m.submodules.buffer = buffer = FrameBuffer(self.frame_bytes)
        m.submodules.converter = converter = WidthConverter(
            WidthUnit(8, accelerator.input_width, accelerator.frame_bits)
        )
        m.submodules.tags = tags = fifo.SyncFIFO(width=8, depth=TAGS_IN_FLIGHT)
        m.submodules.encoder = encoder = ReplyEncoder(self._layout, self.info)
        m.submodules.transmitter = transmitter = PacketTransmitter(self.crc_bits)

        wiring.connect(m, wiring.flipped(self.received), receiver.input)
        wiring.connect(m, buffer.output, converter.input)
        wiring.connect(m, converter.output, accelerator.input)
        wiring.connect(m, accelerator.output, encoder.result)
        wiring.connect(m, encoder.header, transmitter.header)
        wiring.connect(m, encoder.payload, transmitter.payload)
        wiring.connect(m, transmitter.output, wiring.flipped(self.send))
        m.d.comb += [
            receiver.end.eq(self.end),
            buffer.write.eq(receiver.payload_valid),
            buffer.index.eq(receiver.payload_index),
            buffer.data.eq(receiver.payload_data),
            judge.done.eq(receiver.done),
            judge.kind.eq(receiver.kind),
            judge.receiver_error.eq(receiver.error),
            judge.overrun.eq(buffer.overrun),
            judge.result.eq(encoder.result.valid & encoder.result.ready),
            buffer.commit.eq(judge.commit),
            encoder.info_request.eq(judge.info_request),
            encoder.error.eq(judge.error),
            encoder.error_code.eq(judge.error_code),
            encoder.error_kind.eq(judge.error_kind),
            self.error.eq(judge.error_seen),
            self.activity.eq(judge.activity),
            tags.w_data.eq(buffer.tags.payload),
            tags.w_en.eq(buffer.tags.valid),
            buffer.tags.ready.eq(tags.w_rdy),
            encoder.tags.payload.eq(tags.r_data),
            encoder.tags.valid.eq(tags.r_rdy),
            tags.r_en.eq(encoder.tags.ready),
        ]
        return m


class _Judge(wiring.Component):
    """What to do with a packet that has ended.

    Latency: one cycle. Stalls: never. Storage: the last error, the two lamps.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "done": In(1),
                "kind": In(8),
                "receiver_error": In(8),
                "overrun": In(1),
                "result": In(1),
                "commit": Out(1),
                "info_request": Out(1),
                "error": Out(1),
                "error_code": Out(8),
                "error_kind": Out(8),
                "error_seen": Out(1),
                "activity": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += [self.commit.eq(0), self.info_request.eq(0), self.error.eq(0)]
        with m.If(self.done):
            m.d.sync += [self.error_code.eq(self.receiver_error), self.error_kind.eq(self.kind)]
            with m.If(self.receiver_error != 0):
                m.d.sync += [self.error.eq(1), self.error_seen.eq(1)]
            with m.Elif(self.kind == PacketType.INFO_REQUEST):
                m.d.sync += [self.info_request.eq(1), self.error_seen.eq(0)]
            with m.Elif(self.overrun):
                m.d.sync += [self.error.eq(1), self.error_seen.eq(1), self.error_code.eq(ErrorCode.OVERRUN)]
            with m.Else():
                m.d.sync += [self.commit.eq(1), self.error_seen.eq(0)]
        with m.If(self.result):
            m.d.sync += self.activity.eq(~self.activity)
        return m
