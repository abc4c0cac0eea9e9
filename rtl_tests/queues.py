"""The units that only move words: queue and width converters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.units.width.model import WidthTiming
from bnnhw.rtl.fifo import Fifo
from bnnhw.units.width.rtl import WidthConverter
from rtl_tests.bench import Expected, StreamUnit

__all__ = ["UNITS"]


@dataclass(frozen=True)
class FifoModel:
    """A frame is a word."""

    width: int

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.width)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        return [Expected(word, (1 << self.width) - 1) for word in words]


@dataclass(frozen=True)
class WidthModel:
    """A frame is a number of ``frame_bits`` bits; what the last output word has beyond them is ones."""

    gearbox: WidthTiming

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.gearbox.input_width) for _ in range(self.gearbox.words_in)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        g = self.gearbox
        value = sum(word << (i * g.input_width) for i, word in enumerate(words)) | -1 << g.frame_bits
        mask = (1 << g.output_width) - 1
        return [Expected((value >> (i * g.output_width)) & mask, mask) for i in range(g.words_out)]


def _width(name: str, input_width: int, output_width: int, frame_bits: int) -> StreamUnit:
    g = WidthTiming(input_width, output_width, frame_bits)
    latency = g.schedule(list(range(g.words_in)))[-1]
    # Up: a whole output word, and the next one but for its last input word. Otherwise what fits into the buffer.
    ratio = output_width // input_width
    stored = {"up": 2 * ratio - 1, "down": 1, "general": g.capacity // input_width}[g.kind]
    return StreamUnit(
        name, lambda: WidthConverter(WidthUnit(input_width, output_width, frame_bits)), WidthModel(g), g.interval, latency, stored
    )


UNITS = (
    StreamUnit("fifo", lambda: Fifo(9, 3), FifoModel(9), interval=1, latency=1, stored_words=3),
    _width("width_up", 4, 12, 41),
    _width("width_down", 12, 4, 41),
    _width("width_general", 6, 4, 37),
)
