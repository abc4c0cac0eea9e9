"""What is simulated of the output units of a frame per cycle."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.dataflow.word_timing import StageTiming
from bnnhw.devices import technology
from bnnhw.ir import Output
from bnnhw.ir.types import narrowest
from bnnhw.units.best.model import BestUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, join, split_words

__all__ = ["UNITS"]


@dataclass(frozen=True)
class BestModel:
    unit: BestUnit

    def frame(self, rng: random.Random) -> list[int]:
        # Few values: ties are common.
        some = [rng.randint(*self.unit.number_range) for _ in range(3)]
        return [join([rng.choice(some) for _ in range(self.unit.lanes)], self.unit.number_bits)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        unit, output = self.unit, self.unit.output
        width, is_signed = narrowest(*unit.number_range)
        values = np.array(split_words(words, width, unit.lanes, output.classes), np.int64)
        if is_signed:
            values -= (values >> (width - 1)) << width
        scores = output.multiplier * values + output.offset
        result = unit.outputs[0]
        mask = (1 << result.width) - 1
        index = int(output.decide(scores[None])[0])
        return [Expected((index | int(scores.max()) << result.index_bits) & mask, mask)]


def _best(name: str, classes: int, affine: tuple[int, int], numbers: tuple[int, int], family: str) -> StreamUnit:
    output = Output("output", np.full(classes, affine[0]), np.full(classes, affine[1]))
    unit = BestUnit(output, numbers, classes, technology(family))
    t = unit.timing
    places = t.stages if isinstance(t, StageTiming) else t.credits
    return StreamUnit(name, unit.component, BestModel(unit), 1, t.latency, places)


UNITS = (
    _best("best", 5, (2, -7), (0, 9), "ice40"),
    _best("best_queue", 3, (1, 0), (-4, 5), "ecp5"),
    _best("best_sign", 1, (1, -3), (0, 9), "ice40"),
)
