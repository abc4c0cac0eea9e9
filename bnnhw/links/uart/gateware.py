"""The accelerator behind a serial port."""

from __future__ import annotations

import struct

from amaranth.hdl import Module
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.uart.buffer import FrameBuffer
from bnnhw.links.uart.frame import PacketReceiver, PacketTransmitter
from bnnhw.links.uart.packet import INFO_FORMAT, TAGS_IN_FLIGHT, VERSION, ErrorCode, PacketType, check_frame_size
from bnnhw.links.uart.reply import ReplyEncoder, score_size
from bnnhw.links.uart.uart import UartRx, UartTx
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter

__all__ = ["UartLink"]


class UartLink(wiring.Component):
    """An accelerator with a serial port on both of its ends; see :mod:`bnnhw.links.uart.packet`.

    A frame is stored until its CRC is known, and only a good one enters the accelerator. While it
    computes, the next one is received. A packet that is damaged, cut short, of an unknown type or of a
    wrong length is dropped and reported, and the next packet is received as usual; after one that was
    cut short, "next" means one sent after ``timeout`` cycles of silence, or after its error reply.

    Input: packets on ``rx``. Output: packets on ``tx``. II per frame: the greatest of
    ``10 * divisor * (frame_bytes + 9)`` (the line in), ``10 * divisor * (11 + score_bytes)`` (the line
    out), ``frame_bytes + 1`` and the accelerator's. Latency: that of the accelerator, and of the lines.
    Stalls: the line in can't wait; a frame that begins while both banks are full is dropped and reported as an
    overrun. At most ``TAGS_IN_FLIGHT`` frames are inside the accelerator at once. Storage: two frames.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    classes : int
        Told to the host.
    divisor : int
        Clock cycles per bit of the line.
    timeout : int
        Longest silence inside a packet, in clock cycles.
    identity : int
        32 bits by which the host knows the design.

    Members
    -------
    rx, tx : In(1), Out(1)
    error : Out(1)
        The last packet was dropped.
    activity : Out(1)
        Toggles with every result.
    """

    def __init__(
        self, accelerator: FrameAccelerator, *, classes: int, divisor: int, timeout: int, identity: int
    ) -> None:
        self.accelerator = accelerator
        self.frame_bytes = check_frame_size(accelerator.frame_bits)
        self.divisor = divisor
        self.timeout = timeout
        layout = accelerator.output.payload.shape()
        self.score_bytes = score_size(layout)
        self.info = struct.pack(INFO_FORMAT, VERSION, identity, self.frame_bytes, classes, self.score_bytes)
        self._layout = layout
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "error": Out(1), "activity": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator = self.accelerator
        m.submodules.accelerator = accelerator
        m.submodules.uart_rx = uart_rx = UartRx(self.divisor)
        m.submodules.uart_tx = uart_tx = UartTx(self.divisor)
        lengths = {PacketType.INFO_REQUEST: 0, PacketType.FRAME: self.frame_bytes + 1}
        m.submodules.receiver = receiver = PacketReceiver(lengths, self.timeout)
        m.submodules.judge = judge = _Judge()
        m.submodules.buffer = buffer = FrameBuffer(self.frame_bytes)
        m.submodules.converter = converter = WidthConverter(
            WidthUnit(8, accelerator.input_width, accelerator.frame_bits)
        )
        m.submodules.tags = tags = fifo.SyncFIFO(width=8, depth=TAGS_IN_FLIGHT)
        m.submodules.encoder = encoder = ReplyEncoder(self._layout, self.info)
        m.submodules.transmitter = transmitter = PacketTransmitter()

        wiring.connect(m, uart_rx.output, receiver.input)
        wiring.connect(m, buffer.output, converter.input)
        wiring.connect(m, converter.output, accelerator.input)
        wiring.connect(m, accelerator.output, encoder.result)
        wiring.connect(m, encoder.header, transmitter.header)
        wiring.connect(m, encoder.payload, transmitter.payload)
        wiring.connect(m, transmitter.output, uart_tx.input)
        m.d.comb += [
            uart_rx.rx.eq(self.rx),
            self.tx.eq(uart_tx.tx),
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
