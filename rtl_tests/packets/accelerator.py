"""An accelerator small enough to see through."""

from __future__ import annotations

import random

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.packets.protocol import BoardResult

__all__ = ["SumAccelerator", "expected", "frames_of"]


class SumAccelerator(wiring.Component):
    """The sum of a frame's words, less ``bias``, as score, and its two lowest bits as class.

    Any frame that is damaged, shifted or mixed with another one changes the result.
    """

    def __init__(self, input_width: int, frame_bits: int, bias: int = 0, pause: int = 0) -> None:
        self.input_width = input_width
        self.frame_bits = frame_bits
        self.input_words = -(-frame_bits // input_width)
        self.bias = bias
        self.pause = pause
        self.layout = data.StructLayout({"index": 2, "score": signed(20)})
        super().__init__({"input": In(stream.Signature(input_width)), "output": Out(stream.Signature(self.layout))})

    def reference(self, frame: bytes) -> tuple[int, int]:
        """Class and score of a frame of packed bytes."""
        value = int.from_bytes(frame, "little") & ((1 << self.frame_bits) - 1)
        padding = self.input_words * self.input_width - self.frame_bits
        value |= ((1 << padding) - 1) << self.frame_bits
        mask = (1 << self.input_width) - 1
        score = sum((i + 1) * ((value >> (i * self.input_width)) & mask) for i in range(self.input_words)) - self.bias
        return score & 3, score

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = Signal(range(self.input_words + 1))
        total = Signal(signed(20))
        wait = Signal(range(self.pause + 2))
        full = Signal()
        m.d.comb += self.input.ready.eq(~full)
        with m.If(self.input.valid & self.input.ready):
            m.d.sync += [total.eq(total + self.input.payload * (word + 1)), word.eq(word + 1)]
            with m.If(word == self.input_words - 1):
                m.d.sync += [full.eq(1), wait.eq(self.pause)]
        with m.If(full & (wait != 0)):
            m.d.sync += wait.eq(wait - 1)
        m.d.comb += [
            self.output.valid.eq(full & (wait == 0)),
            self.output.payload.score.eq(total - self.bias),
            self.output.payload.index.eq(total - self.bias),
        ]
        with m.If(self.output.valid & self.output.ready):
            m.d.sync += [full.eq(0), word.eq(0), total.eq(0)]
        return m


def frames_of(accelerator: SumAccelerator, count: int) -> list[bytes]:
    """Random frames of packed bytes."""
    generator = random.Random(accelerator.frame_bits)
    return [generator.randbytes(-(-accelerator.frame_bits // 8)) for _ in range(count)]


def expected(accelerator: SumAccelerator, frame: bytes, tag: int) -> BoardResult:
    """The reply due."""
    return BoardResult(tag, *accelerator.reference(frame))
