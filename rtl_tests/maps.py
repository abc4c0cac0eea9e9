"""The units that work on feature maps: window units."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.units.window.timing import WindowTiming
from bnnhw.units.window.rtl import WindowUnit
from bnnhw.ir import Window
from rtl_tests.bench import Expected, StreamUnit

__all__ = ["UNITS"]


@dataclass(frozen=True)
class WindowModel:
    """Every window's taps, tap by tap or channel word by channel word; undefined past the last channel."""

    pipeline: WindowTiming
    bits: int
    padding_code: int

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.pipeline.lanes * self.bits) for _ in range(self.pipeline.words_in)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        p = self.pipeline
        channels, each = p.window.channels, p.position_words

        def taken(tap: int, word: int) -> Expected:
            used = min(p.lanes, channels - word * p.lanes)
            fill = sum(self.padding_code << (lane * self.bits) for lane in range(p.lanes))
            return Expected(fill if tap < 0 else words[tap * each + word], (1 << (used * self.bits)) - 1)

        due: list[Expected] = []
        for taps in p.window.taps().tolist():
            if p.order == "vector":
                due += [taken(tap, word) for tap in taps for word in range(each)]
            else:
                due += [taken(tap, word) for word in range(each) for tap in taps]
        return due


def _window(name: str, window: Window, bits: int, lanes: int, order: str) -> StreamUnit:
    p = WindowTiming(window, lanes, order)
    code = (1 << bits) - 1
    return StreamUnit(
        name,
        lambda: WindowUnit(window, bits, lanes, code, order),
        WindowModel(p, bits, code),
        p.interval,
        p.latency,
        # As far as the words that the output queue has room for let it go on.
        p.room(p.credits),
    )


UNITS = (
    _window("window", Window(2, 3, 4, (3, 3), padding=(1, 1, 1, 1)), 2, 2, "vector"),
    _window("window_rest", Window(3, 6, 5, (2, 2), (2, 2), padding=(0, 1, 1, 0)), 1, 2, "channels"),
    _window("window_line", Window(4, 1, 12, (1, 3), (1, 2), (1, 2)), 2, 2, "vector"),
)
