"""The accelerator behind packets: bytes in, bytes out."""

from __future__ import annotations

import struct
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.counting import CountService
from bnnhw.links.packets.frame import RECEIVED_BYTE, PacketReceiver, PacketTransmitter
from bnnhw.links.packets.packet import INFO_FORMAT, LOAD_BYTES, VERSION, ErrorCode, PacketType, check_frame_size
from bnnhw.links.packets.reply import ReplyEncoder, score_size
from bnnhw.links.packets.service import FrameService, Service
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.weights import LoadSetting
from bnnhw.links.weights.control import WeightControl
from bnnhw.links.weights.flash import flash_members, pass_flash

__all__ = ["PacketCore"]


class PacketCore(wiring.Component):
    """An accelerator that is talked to in packets; see :mod:`bnnhw.links.packets.packet`.

    What is done for packets is a service: :class:`~bnnhw.links.packets.service.FrameService` takes frames from them,
    :class:`~bnnhw.links.packets.counting.CountService` has frames of its own. A packet that is damaged, cut short, of
    an unknown type or of a wrong length is dropped and reported, and the next packet is received as usual.

    Input words: received bytes. Output words: bytes to send, a packet's one after the other, ``8 // crc_bits`` cycles
    each. II per frame: the greatest of ``(frame_bytes + 9) * 8 // crc_bits + 1`` (the packet in),
    ``(11 + score_bytes) * 8 // crc_bits`` and two cycles between packets (the packet out), ``frame_bytes + 1`` and the
    accelerator's. Latency: that of the accelerator, and of the packets. Stalls: takes a byte in ``8 // crc_bits``
    cycles, and never waits for a consumer; what the service has no room for is dropped and reported as an overrun.
    Storage: the service's.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    store : StoredFrames, optional
        The frames, where none come over the link.
    classes : int
        Told to the host.
    identity : int
        32 bits by which the host knows the design.
    timeout : int, optional
        Longest silence inside a packet, in clock cycles; without one only ``end`` cuts a packet short.
    crc_bits : int
        Bits of the CRC per cycle, either way: as few as keep up with what carries the packets.
    load : LoadSetting, optional
        What fills the accelerator's memories, where some are filled at run time.

    Members
    -------
    received : In(stream of RECEIVED_BYTE)
    end : In(1)
        Strobe: what of a packet has not come will not come.
    send : Out(stream of unsigned(8))
    error : Out(1)
        The last packet was dropped, or there are no weights.
    flash : Out(FlashSignature)
        Where weights are read from a flash.
    activity : Out(1)
        Toggles with every result.
    """

    def __init__(
        self,
        accelerator: FrameAccelerator,
        *,
        classes: int,
        identity: int,
        store: StoredFrames | None = None,
        timeout: int | None = None,
        crc_bits: int = 1,
        load: LoadSetting | None = None,
    ) -> None:
        self.accelerator: Any = accelerator
        self.weights = None if load is None else WeightControl(load, identity, crc_bits)
        self.packets = load is not None and load.packets
        self.frame_bytes = check_frame_size(accelerator.frame_bits)
        self.service: Service = FrameService(accelerator) if store is None else CountService(accelerator, store)
        self.timeout = timeout
        self.crc_bits = crc_bits
        self.score_bytes = score_size(accelerator.output.payload.shape())
        self.info = struct.pack(INFO_FORMAT, VERSION, identity, self.frame_bytes, classes, self.score_bytes)
        super().__init__(
            {
                "received": In(stream.Signature(RECEIVED_BYTE)),
                "end": In(1),
                "send": Out(stream.Signature(8)),
                "error": Out(1),
                "activity": Out(1),
                **flash_members(load),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.service = service = self.service
        lengths = {PacketType.INFO_REQUEST: 0, service.request: service.request_bytes}
        lengths |= {PacketType.LOAD_BEGIN: 0, PacketType.LOAD: LOAD_BYTES} if self.packets else {}
        m.submodules.receiver = receiver = PacketReceiver(lengths, self.timeout, self.crc_bits)
        m.submodules.judge = judge = _Judge(service.request, loads=self.packets)
        m.submodules.encoder = encoder = ReplyEncoder(
            service.answer, service.answer_bytes, self.info, loads=self.packets
        )
        m.submodules.transmitter = transmitter = PacketTransmitter(self.crc_bits)

        wiring.connect(m, wiring.flipped(self.received), receiver.input)
        wiring.connect(m, service.reply, encoder.reply)
        wiring.connect(m, encoder.header, transmitter.header)
        wiring.connect(m, encoder.payload, transmitter.payload)
        wiring.connect(m, transmitter.output, wiring.flipped(self.send))
        m.d.comb += [
            receiver.end.eq(self.end),
            service.write.eq(receiver.payload_valid),
            service.index.eq(receiver.payload_index),
            service.data.eq(receiver.payload_data),
            service.commit.eq(judge.commit),
            judge.done.eq(receiver.done),
            judge.kind.eq(receiver.kind),
            judge.receiver_error.eq(receiver.error),
            judge.overrun.eq(service.overrun),
            judge.result.eq(encoder.reply.valid & encoder.reply.ready),
            encoder.info_request.eq(judge.info_request),
            encoder.error.eq(judge.error),
            encoder.error_code.eq(judge.error_code),
            encoder.error_kind.eq(judge.error_kind),
            self.error.eq(judge.error_seen),
            self.activity.eq(judge.activity),
        ]
        if (weights := self.weights) is not None:
            m.submodules.weights = weights
            wiring.connect(m, weights.load, self.accelerator.load)
            pass_flash(m, weights, self)
            m.d.comb += [
                weights.accepted.eq(judge.commit),
                weights.answered.eq(judge.result),
                weights.begin.eq(judge.begin),
                weights.write.eq(receiver.payload_valid & (receiver.kind == PacketType.LOAD)),
                weights.data.eq(receiver.payload_data),
                weights.chunk.eq(judge.chunk),
                weights.dropped.eq(judge.dropped),
                judge.refuse.eq(weights.refuse),
                judge.busy.eq(weights.busy),
                self.error.eq(judge.error_seen | (weights.refuse != 0)),
            ]
            if self.packets:
                m.d.comb += [encoder.loaded.eq(weights.told), encoder.load_state.eq(weights.state)]
        return m


class _Judge(wiring.Component):
    """What to do with a packet that has ended.

    Latency: one cycle. Stalls: never. Storage: the last error, the two lamps.
    """

    def __init__(self, request: int, *, loads: bool) -> None:
        self._request = request
        self._loads = loads
        super().__init__(
            {
                "refuse": In(8),
                "busy": In(1),
                "begin": Out(1),
                "chunk": Out(1),
                "dropped": Out(1),
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
        m.d.sync += [self.begin.eq(0), self.chunk.eq(0), self.dropped.eq(0)]
        with m.If(self.done):
            m.d.sync += [self.error_code.eq(self.receiver_error), self.error_kind.eq(self.kind)]
            with m.If(self.receiver_error != 0):
                m.d.sync += [self.error.eq(1), self.error_seen.eq(1), self.dropped.eq(1)]
            with m.Elif((self.kind == self._request) & (self.refuse != 0)):
                m.d.sync += [self.error.eq(1), self.error_seen.eq(1), self.error_code.eq(self.refuse)]
            if self._loads:
                with m.Elif((self.kind == PacketType.LOAD_BEGIN) & self.busy):
                    m.d.sync += [self.error.eq(1), self.error_seen.eq(1), self.error_code.eq(ErrorCode.LOADING)]
                with m.Elif(self.kind == PacketType.LOAD_BEGIN):
                    m.d.sync += [self.begin.eq(1), self.error_seen.eq(0)]
                with m.Elif(self.kind == PacketType.LOAD):
                    m.d.sync += [self.chunk.eq(1), self.error_seen.eq(0)]
            with m.Elif(self.kind == PacketType.INFO_REQUEST):
                m.d.sync += [self.info_request.eq(1), self.error_seen.eq(0)]
            with m.Elif(self.overrun):
                m.d.sync += [self.error.eq(1), self.error_seen.eq(1), self.error_code.eq(ErrorCode.OVERRUN)]
            with m.Else():
                m.d.sync += [self.commit.eq(1), self.error_seen.eq(0)]
        with m.If(self.result):
            m.d.sync += self.activity.eq(~self.activity)
        return m
