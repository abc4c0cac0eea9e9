"""Frames wait here until their CRC is known."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.packets.packet import buffer_bytes

__all__ = ["FrameBuffer"]


class FrameBuffer(wiring.Component):
    """Two banks of block RAM: one is being written while the other is read.

    A frame is a tag byte and ``frame_bytes`` bytes, written in order. Its first byte claims the write
    bank, if that is free; ``commit`` hands the bank to the reader, and until then whatever was
    written is overwritten by the next frame.

    Input: strobes. Output words: one tag byte on ``tags``, then the frame on ``output``. II:
    ``frame_bytes + 1`` cycles. Latency: the tag is offered two cycles after ``commit``, the first byte
    three. Stalls: holds its outputs until taken; the writer is told by ``overrun``. Storage:
    :func:`~bnnhw.links.packets.packet.buffer_bytes` of memory.

    Parameters
    ----------
    frame_bytes : int
        Bytes per frame, the tag not counted.

    Members
    -------
    write, index, data : In(1), In(16), In(8)
        Byte ``index`` of a frame; bytes past the end of a frame are ignored.
    commit : In(1)
        Strobe: the frame that was written is good.
    overrun : Out(1)
        The last frame found no free bank: it was not stored, and ``commit`` does nothing.
    tags, output : Out(stream of unsigned(8))
    """

    def __init__(self, frame_bytes: int) -> None:
        if frame_bytes < 1:
            raise ValueError(f"frame_bytes must be positive, not {frame_bytes!r}")
        self.frame_bytes = frame_bytes
        super().__init__(
            {
                "write": In(1),
                "index": In(16),
                "data": In(8),
                "commit": In(1),
                "overrun": Out(1),
                "tags": Out(stream.Signature(8)),
                "output": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        last = self.frame_bytes
        offset_bits = last.bit_length()
        m.submodules.memory = ram = memory.Memory(shape=8, depth=buffer_bytes(last), init=[])
        writer, reader = ram.write_port(), ram.read_port()

        full = Signal(2)
        write_bank = Signal()
        read_bank = Signal()
        claimed = Signal()
        begins = Signal()
        position = Signal(range(last + 1))
        # What the memory's output register holds.
        valid = Signal()
        is_tag = Signal()
        is_last = Signal()
        taken = Signal()
        advance = Signal()

        m.d.comb += [
            begins.eq(self.write & (self.index == 0)),
            writer.addr.eq(Cat(self.index[:offset_bits], write_bank)),
            writer.data.eq(self.data),
            writer.en.eq(self.write & (self.index <= last) & (begins | claimed) & ~full.bit_select(write_bank, 1)),
            self.overrun.eq(~claimed),
        ]
        with m.If(begins):
            m.d.sync += claimed.eq(~full.bit_select(write_bank, 1))
        with m.If(self.commit & claimed):
            m.d.sync += [full.bit_select(write_bank, 1).eq(1), write_bank.eq(~write_bank), claimed.eq(0)]

        m.d.comb += [
            self.tags.payload.eq(reader.data),
            self.output.payload.eq(reader.data),
            self.tags.valid.eq(valid & is_tag),
            self.output.valid.eq(valid & ~is_tag),
            taken.eq((self.tags.valid & self.tags.ready) | (self.output.valid & self.output.ready)),
            advance.eq(~valid | taken),
            reader.addr.eq(Cat(position, read_bank)),
            reader.en.eq(advance),
        ]
        with m.If(advance):
            # While a bank's last byte waits, its successor is not looked at: the bank is still marked full.
            more = Signal()
            m.d.comb += more.eq(full.bit_select(read_bank, 1))
            m.d.sync += [valid.eq(more), is_tag.eq(position == 0), is_last.eq(position == last)]
            with m.If(more):
                m.d.sync += position.eq(position + 1)
                with m.If(position == last):
                    m.d.sync += [position.eq(0), read_bank.eq(~read_bank)]
        with m.If(taken & is_last):
            m.d.sync += full.bit_select(~read_bank, 1).eq(0)
        return m
