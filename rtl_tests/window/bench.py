"""What is simulated of window units."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.devices import technology
from bnnhw.ir import Window
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.timing import WindowTiming
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, join, random_words

__all__ = ["UNITS"]


@dataclass(frozen=True)
class WindowModel:
    """Every window's taps, tap by tap or channel word by channel word; undefined past the last channel."""

    timing: WindowTiming
    bits: int
    padding_code: int

    def frame(self, rng: random.Random) -> list[int]:
        return random_words(rng, self.bits, self.timing.lanes, self.timing.words_in)

    def result(self, words: Sequence[int]) -> list[Expected]:
        t = self.timing
        channels, each = t.window.channels, t.position_words

        def taken(tap: int, word: int) -> Expected:
            used = min(t.lanes, channels - word * t.lanes)
            fill = join([self.padding_code] * t.lanes, self.bits)
            return Expected(fill if tap < 0 else words[tap * each + word], (1 << (used * self.bits)) - 1)

        due: list[Expected] = []
        for taps in t.window.taps().tolist():
            if t.order == "vector":
                due += [taken(tap, word) for tap in taps for word in range(each)]
            else:
                due += [taken(tap, word) for word in range(each) for tap in taps]
        return due


def _window(name: str, window: Window, bits: int, lanes: int, order: str) -> StreamUnit:
    code = (1 << bits) - 1
    unit = WindowUnit(window, bits, lanes, code, order, technology("generic"))
    t = unit.timing
    # As far as the words that the output queue has room for let it go on.
    return StreamUnit(name, unit.component, WindowModel(t, bits, code), t.interval, t.latency, t.room(t.credits))


UNITS = (
    _window("window", Window(2, 3, 4, (3, 3), padding=(1, 1, 1, 1)), 2, 2, "vector"),
    _window("window_rest", Window(3, 6, 5, (2, 2), (2, 2), padding=(0, 1, 1, 0)), 1, 2, "channels"),
    _window("window_line", Window(4, 1, 12, (1, 3), (1, 2), (1, 2)), 2, 2, "vector"),
)
