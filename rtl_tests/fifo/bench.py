"""What is simulated of queues."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.rtl.fifo import Fifo
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected

__all__ = ["UNITS", "FifoModel"]


@dataclass(frozen=True)
class FifoModel:
    """A frame is a word."""

    width: int

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.width)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        return [Expected(word, (1 << self.width) - 1) for word in words]


UNITS = (StreamUnit("fifo", lambda: Fifo(9, 3), FifoModel(9), interval=1, latency=1, stored_words=3),)
