"""Images on their way into the memories of an accelerator."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.image import HEADER, header, image_bytes
from bnnhw.links.packets.crc import SerialCrc
from bnnhw.links.packets.packet import CRC_BYTES
from bnnhw.rtl.load import LoadSignature

__all__ = ["ImageReceiver"]


class ImageReceiver(wiring.Component):
    """Takes the bytes of an image, passes its words on, and says whether it was whole and the design's.

    Words are written before the CRC is known: nothing may use the memories until :attr:`good`. Those of an image with
    another header are not written.

    Input: bytes, each with a strobe, ``8 // crc_bits`` cycles apart at least; bytes past the end are ignored. Latency:
    a word is written in the cycle after its second byte, :attr:`done` rises ``8 // crc_bits + 1`` cycles after the
    last. It never stalls. Storage: a byte, a count, and the CRC.

    Parameters
    ----------
    identity, words : int
        Of the design, and of its image.
    crc_bits : int
        Bits of the CRC per cycle.

    Members
    -------
    start : In(1)
        Strobe: an image begins.
    valid, data : In(1), In(8)
    load : Out(LoadSignature)
    done, good : Out(1)
        It has ended; and it was whole and the design's.
    """

    def __init__(self, identity: int, words: int, crc_bits: int) -> None:
        self._header = header(identity, words)
        self._bytes = image_bytes(words)
        self._crc_bits = crc_bits
        super().__init__(
            {
                "start": In(1),
                "valid": In(1),
                "data": In(8),
                "load": Out(LoadSignature()),
                "done": Out(1),
                "good": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.crc = crc = SerialCrc(self._crc_bits)
        position = Signal(range(self._bytes + 1))
        taken, low, byte = Signal(), Signal(8, reset_less=True), Signal(8)
        inside, ending, wrong = Signal(), Signal(), Signal()
        # Steps of the CRC that are left of the byte, and whether that is the image's last.
        left, last = Signal(range(crc.steps + 1)), Signal()
        body, end = HEADER.size, self._bytes - CRC_BYTES
        m.d.comb += taken.eq(self.valid & (position != self._bytes) & ~self.start)
        with m.If(taken):
            m.d.sync += [
                position.eq(position + 1),
                inside.eq((position >= body - 1) & (position < end - 1)),
                byte.eq(self.data),
                left.eq(crc.steps),
                ending.eq(position >= end),
                last.eq(position == self._bytes - 1),
            ]
            with m.Switch(position):
                for place, expected in enumerate(self._header):
                    with m.Case(place), m.If(self.data != expected):
                        m.d.sync += wrong.eq(1)
        m.d.sync += self.load.write.eq(0)
        with m.If(taken & inside):
            # The header has an even number of bytes: a word's second is at an odd place.
            with m.If(position[0]):
                m.d.sync += [self.load.write.eq(~wrong), self.load.data.eq(Cat(low, self.data))]
            m.d.sync += low.eq(self.data)
        m.d.comb += [
            self.load.start.eq(self.start),
            crc.start.eq(self.start),
            crc.step.eq(left != 0),
            crc.drain.eq(ending),
            crc.data.eq(byte[: self._crc_bits]),
            self.good.eq(self.done & ~wrong),
        ]
        with m.If(crc.step):
            with m.If(ending & crc.differs):
                m.d.sync += wrong.eq(1)
            with m.If(left == 1):
                m.d.sync += self.done.eq(last)
            with m.If(~taken):
                m.d.sync += [left.eq(left - 1), byte.eq(byte >> self._crc_bits)]
        with m.If(self.start):
            m.d.sync += [self.done.eq(0), position.eq(0), inside.eq(0), wrong.eq(0), left.eq(0), last.eq(0)]
        return m
