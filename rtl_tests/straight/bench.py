"""What is simulated of several units as one pipeline."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.units.best.model import BestUnit
from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.straight.model import StraightUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, split
from rtl_tests.lookup.layers import looked_up
from rtl_tests.straight.networks import pipeline

__all__ = ["UNITS", "decided"]


def decided(unit: StraightUnit, word: int) -> int:
    """The word that comes out, by counting: tables, the ones of each class, the first highest count, its score."""
    first, _, last = unit.parts
    assert isinstance(first, LookupUnit) and isinstance(last, BestUnit)
    bits = looked_up(first.layer, split(word, 1, first.layer.inputs))
    size = len(bits) // last.output.classes
    counts = [sum(bits[n * size : (n + 1) * size]) for n in range(last.output.classes)]
    score = max(counts) * last.multiplier + last.offset
    result = last.outputs[0]
    return counts.index(max(counts)) | (score & ((1 << result.score_bits) - 1)) << result.index_bits


@dataclass(frozen=True)
class StraightModel:
    unit: StraightUnit

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.unit.inputs[0].width)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        (word,) = words
        return [Expected(decided(self.unit, word), (1 << self.unit.outputs[0].width) - 1)]


def _straight(name: str, unit: StraightUnit) -> StreamUnit:
    t = unit.timing
    places = t.credits if isinstance(t, ElementTiming) else t.places
    return StreamUnit(name, unit.component, StraightModel(unit), 1, t.latency, places)


UNITS = (
    _straight("straight", pipeline(9, 12, 3, "ice40", (2, -5))),
    _straight("straight_free", pipeline(9, 12, 4, "ecp5", regions=3)),
)
