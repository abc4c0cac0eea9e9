"""Packets to bytes and back: see :mod:`bnnhw.links.packets.packet` for their layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.packets.crc import SerialCrc
from bnnhw.links.packets.packet import CRC_BYTES, SYNC, ErrorCode

__all__ = ["PACKET_HEADER", "RECEIVED_BYTE", "PacketReceiver", "PacketTransmitter"]

RECEIVED_BYTE = data.StructLayout({"data": 8, "framing_error": 1})
"""A byte, and whether its line says that it is damaged: that of a serial port, by a missing stop bit."""

PACKET_HEADER = data.StructLayout({"kind": 8, "length": 16})
"""Type and payload length of a packet."""


class PacketReceiver(wiring.Component):
    """Takes packets apart and says of each whether it is good.

    Every packet that begins with a sync byte ends in exactly one ``done`` strobe: after its CRC, or in mid-packet
    with ``end``, or after the line has been silent for ``timeout`` cycles. The payload is passed on as it
    arrives, before the CRC is known: who stores it must not use it before ``done``. Bytes between
    packets are ignored.

    Input word: one received byte. II: ``8 // crc_bits`` cycles, one more for the last of a packet; one cycle between
    packets. Latency: a byte is accepted in the last of its cycles; ``done`` comes two cycles after the last byte is
    accepted. Stalls: never waits for a consumer. Storage: one header and the CRC.

    Parameters
    ----------
    lengths : mapping of int to int
        The types that are accepted and the payload length each must have, in bytes.
    timeout : int, optional
        Longest silence inside a packet, in clock cycles; any, when not given.
    crc_bits : int
        Bits of the CRC per cycle: as few as keep up with the line.

    Members
    -------
    input : In(stream of RECEIVED_BYTE)
    end : In(1)
        Strobe: no more of this packet comes. A byte that comes in the same cycle is taken first, and ``end`` ignored.
    payload_valid, payload_index, payload_data : Out(1), Out(16), Out(8)
        One payload byte and its place in the payload; ``payload_valid`` is a strobe.
    done : Out(1)
        Strobe: a packet has ended; ``kind`` and ``error`` are valid with it.
    kind : Out(8)
        Type of the packet; 0 when it broke off before its type.
    error : Out(8)
        0 for a good packet, else an :class:`~bnnhw.links.packets.packet.ErrorCode`. The first that
        applies of: truncated, framing, CRC, type, length.
    """

    def __init__(self, lengths: Mapping[int, int], timeout: int | None = None, crc_bits: int = 1) -> None:
        if not lengths:
            raise ValueError("lengths must name at least one type")
        if timeout is not None and timeout < 1:
            raise ValueError(f"timeout must be positive, not {timeout!r}")
        self.lengths = dict(lengths)
        self.timeout = timeout
        self.crc_bits = crc_bits
        super().__init__(
            {
                "input": In(stream.Signature(RECEIVED_BYTE)),
                "end": In(1),
                "payload_valid": Out(1),
                "payload_index": Out(16),
                "payload_data": Out(8),
                "done": Out(1),
                "kind": Out(8),
                "error": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc(self.crc_bits)
        received = self.input.payload
        accepted = Signal()
        # The bits of a byte that the CRC takes in this cycle; the byte is accepted with its last.
        part = Signal(range(crc.steps))
        wrong = Signal()
        kind = Signal(8)
        length = Signal(16)
        bytes_left = Signal(16)
        index = Signal(16)
        damaged = Signal()
        crc_left = Signal(range(CRC_BYTES))
        inside = Signal()
        over = Signal()
        # Registered: type and length are there long before the CRC, and the comparison is a long path.
        known = Signal()
        right_length = Signal()

        m.d.comb += [
            accepted.eq(self.input.valid & self.input.ready),
            self.input.ready.eq(part == crc.steps - 1),
            crc.data.eq(received.data.word_select(part, self.crc_bits)),
            crc.step.eq(self.input.valid),
            self.payload_data.eq(received.data),
            self.payload_index.eq(index),
            self.kind.eq(kind),
        ]
        m.d.sync += [known.eq(0), right_length.eq(0), self.done.eq(0)]
        with m.Switch(kind):
            for value, expected in sorted(self.lengths.items()):
                with m.Case(value):
                    m.d.sync += [known.eq(1), right_length.eq(length == expected)]

        with m.If(accepted & received.framing_error):
            m.d.sync += damaged.eq(1)
        with m.If(self.input.valid & crc.drain & crc.differs):
            m.d.sync += wrong.eq(1)

        @contextmanager
        def byte_state(name: str) -> Iterator[None]:
            with m.State(name):
                m.d.comb += inside.eq(1)
                with m.If(self.input.valid):
                    m.d.sync += part.eq(part + 1)
                with m.If(accepted):
                    yield
                with m.Elif(~self.input.valid & over):
                    m.next = "TRUNCATED"

        with m.FSM() as fsm:
            m.d.comb += crc.drain.eq(fsm.ongoing("CRC"))
            with m.State("HUNT"):
                m.d.comb += [crc.start.eq(1), self.input.ready.eq(1)]
                m.d.sync += [damaged.eq(0), wrong.eq(0)]
                with m.If(accepted & ~received.framing_error & (received.data == SYNC)):
                    m.d.sync += kind.eq(0)
                    m.next = "TYPE"
            with byte_state("TYPE"):
                m.d.sync += kind.eq(received.data)
                m.next = "LENGTH_LOW"
            with byte_state("LENGTH_LOW"):
                m.d.sync += length[:8].eq(received.data)
                m.next = "LENGTH_HIGH"
            with byte_state("LENGTH_HIGH"):
                full = Cat(length[:8], received.data)
                m.d.sync += [length[8:].eq(received.data), bytes_left.eq(full), index.eq(0)]
                m.d.sync += crc_left.eq(CRC_BYTES - 1)
                m.next = "PAYLOAD"
                with m.If(full == 0):
                    m.next = "CRC"
            with byte_state("PAYLOAD"):
                m.d.comb += self.payload_valid.eq(1)
                m.d.sync += [bytes_left.eq(bytes_left - 1), index.eq(index + 1)]
                with m.If(bytes_left == 1):
                    m.next = "CRC"
            with byte_state("CRC"):
                m.d.sync += crc_left.eq(crc_left - 1)
                with m.If(crc_left == 0):
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.comb += self.input.ready.eq(0)
                m.d.sync += [self.done.eq(1), self.error.eq(0)]
                m.next = "HUNT"
                with m.If(damaged):
                    m.d.sync += self.error.eq(ErrorCode.FRAMING)
                with m.Elif(wrong):
                    m.d.sync += self.error.eq(ErrorCode.BAD_CRC)
                with m.Elif(~known):
                    m.d.sync += self.error.eq(ErrorCode.BAD_TYPE)
                with m.Elif(~right_length):
                    m.d.sync += self.error.eq(ErrorCode.BAD_LENGTH)
            with m.State("TRUNCATED"):
                m.d.comb += self.input.ready.eq(0)
                m.d.sync += [self.done.eq(1), self.error.eq(ErrorCode.TRUNCATED)]
                m.next = "HUNT"

        m.d.comb += over.eq(self.end)
        if self.timeout is not None:
            silence = Signal(range(self.timeout + 1))
            m.d.comb += over.eq(self.end | (silence == self.timeout - 1))
            with m.If(inside & ~self.input.valid):
                m.d.sync += silence.eq(silence + 1)
            with m.Else():
                m.d.sync += silence.eq(0)
        return m


class PacketTransmitter(wiring.Component):
    """Puts packets together.

    Input words: a header, then as many payload bytes as its length says. Output word: one byte. II:
    ``(length + 8) * 8 // crc_bits`` cycles at full speed. Latency: the sync byte is offered in the cycle the header
    is; payload bytes and the header are taken when the CRC has all bits of the byte that was sent, the header with the
    packet's last byte. Stalls: waits for the payload and for the output, bytes hold until taken. Storage: the CRC and
    counts.

    Parameters
    ----------
    crc_bits : int
        Bits of the CRC per cycle: as few as keep up with the line.

    Members
    -------
    header : In(stream of PACKET_HEADER)
    payload : In(stream of unsigned(8))
    output : Out(stream of unsigned(8))
    """

    def __init__(self, crc_bits: int = 1) -> None:
        self.crc_bits = crc_bits
        super().__init__(
            {
                "header": In(stream.Signature(PACKET_HEADER)),
                "payload": In(stream.Signature(8)),
                "output": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc(self.crc_bits)
        header = self.header.payload
        count = Signal(16)
        crc_sent = Signal(range(CRC_BYTES))
        # The bits of a byte that the CRC takes in this cycle; the byte is on its way since the first of them.
        part = Signal(range(crc.steps))
        offered = Signal()
        sent = Signal()
        m.d.comb += [
            self.output.valid.eq(offered & (part == 0)),
            crc.data.eq(self.output.payload.word_select(part, self.crc_bits)),
            crc.step.eq((self.output.valid & self.output.ready) | (part != 0)),
            sent.eq(crc.step & (part == crc.steps - 1)),
        ]
        with m.If(crc.step):
            m.d.sync += part.eq(part + 1)
        with m.FSM():
            with m.State("SYNC"):
                m.d.comb += [offered.eq(self.header.valid), self.output.payload.eq(SYNC), crc.start.eq(1)]
                with m.If(sent):
                    m.next = "TYPE"
            with m.State("TYPE"):
                m.d.comb += [offered.eq(1), self.output.payload.eq(header.kind)]
                with m.If(sent):
                    m.next = "LENGTH_LOW"
            with m.State("LENGTH_LOW"):
                m.d.comb += [offered.eq(1), self.output.payload.eq(header.length[:8])]
                with m.If(sent):
                    m.next = "LENGTH_HIGH"
            with m.State("LENGTH_HIGH"):
                m.d.comb += [offered.eq(1), self.output.payload.eq(header.length[8:])]
                m.d.sync += count.eq(header.length)
                with m.If(sent):
                    m.next = "PAYLOAD"
                    with m.If(header.length == 0):
                        m.next = "CRC"
            with m.State("PAYLOAD"):
                m.d.comb += [
                    offered.eq(self.payload.valid),
                    self.output.payload.eq(self.payload.payload),
                    self.payload.ready.eq(sent),
                ]
                with m.If(sent):
                    m.d.sync += count.eq(count - 1)
                    with m.If(count == 1):
                        m.next = "CRC"
            with m.State("CRC"):
                m.d.comb += [offered.eq(1), self.output.payload.eq(crc.crc), crc.drain.eq(1)]
                with m.If(sent):
                    m.d.sync += crc_sent.eq(crc_sent + 1)
                    with m.If(crc_sent == CRC_BYTES - 1):
                        m.d.comb += self.header.ready.eq(1)
                        m.next = "SYNC"
        return m
