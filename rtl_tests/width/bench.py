"""What is simulated of width converters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.units.width.model import WidthTiming, WidthUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected

__all__ = ["UNITS"]


@dataclass(frozen=True)
class WidthModel:
    """A frame is a number of ``frame_bits`` bits; what the last output word has beyond them is ones."""

    timing: WidthTiming

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.timing.input_width) for _ in range(self.timing.words_in)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        t = self.timing
        value = sum(word << (i * t.input_width) for i, word in enumerate(words)) | -1 << t.frame_bits
        mask = (1 << t.output_width) - 1
        return [Expected((value >> (i * t.output_width)) & mask, mask) for i in range(t.words_out)]


def _width(name: str, input_width: int, output_width: int, frame_bits: int) -> StreamUnit:
    unit = WidthUnit(input_width, output_width, frame_bits)
    t = unit.timing
    # Up: a whole output word, and the next one but for its last input word. Otherwise what fits into the buffer.
    ratio = output_width // input_width
    stored = {"up": 2 * ratio - 1, "down": 1, "general": t.capacity // input_width}[t.kind]
    return StreamUnit(name, unit.component, WidthModel(t), t.interval, t.latency, stored)


UNITS = (
    _width("width_up", 4, 12, 41),
    _width("width_down", 12, 4, 41),
    _width("width_general", 6, 4, 37),
)
