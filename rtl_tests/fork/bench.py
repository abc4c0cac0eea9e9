"""What is simulated of forks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.dataflow.format import StreamFormat
from bnnhw.units.fork.model import ForkUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected

__all__ = ["UNITS"]


@dataclass(frozen=True)
class ForkModel:
    """Every word twice: once to either branch."""

    width: int
    words: int

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.width) for _ in range(self.words)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        return [Expected(word, (1 << self.width) - 1) for _ in range(2) for word in words]


_UNIT = ForkUnit(StreamFormat(3, 2, 5, 20))

UNITS = (
    StreamUnit(
        "fork",
        _UNIT.component,
        ForkModel(_UNIT.format.width, _UNIT.format.words),
        _UNIT.timing.interval,
        _UNIT.timing.latency,
        # A word is accepted when it is taken.
        stored_words=0,
        outputs=_UNIT.output_ports,
    ),
)
