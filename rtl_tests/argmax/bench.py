"""What is simulated of output units."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.ir import Output
from bnnhw.ir.types import narrowest
from bnnhw.units.argmax.model import ArgmaxUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, join_words, split_words

__all__ = ["UNITS"]


@dataclass(frozen=True)
class ArgmaxModel:
    unit: ArgmaxUnit

    def frame(self, rng: random.Random) -> list[int]:
        unit = self.unit
        # Few values: ties are common.
        some = [rng.randint(*unit.accumulator_range) for _ in range(3)]
        return join_words(
            [rng.choice(some) for _ in range(unit.inputs[0].words * unit.lanes)], unit.accumulator_bits, unit.lanes
        )

    def result(self, words: Sequence[int]) -> list[Expected]:
        unit, output = self.unit, self.unit.output
        width, is_signed = narrowest(*unit.accumulator_range)
        values = np.array(split_words(words, width, unit.lanes, output.classes), np.int64)
        if is_signed:
            values -= (values >> (width - 1)) << width
        scores = output.multiplier * values + output.offset
        index, best = int(output.decide(scores[None])[0]), int(scores.max())
        result = unit.outputs[0]
        mask = (1 << result.width) - 1
        return [Expected((index | best << result.index_bits) & mask, mask)]


def _argmax(name: str, output: Output, accumulators: tuple[int, int], lanes: int) -> StreamUnit:
    unit = ArgmaxUnit(output, accumulators, lanes)
    t = unit.timing
    return StreamUnit(name, unit.component, ArgmaxModel(unit), t.interval, t.latency, t.credits * t.words + t.words - 1)


UNITS = (
    _argmax("argmax", Output("output", np.array([1, -2, 3, 1, 2]), np.array([0, 4, -5, 0, 1])), (0, 9), 2),
    _argmax("decision", Output("output", np.array([-1]), np.array([4])), (0, 9), 1),
)
