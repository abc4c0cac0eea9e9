"""What is simulated of joins."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.add.model import AddUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, expected_groups, random_words, split

__all__ = ["UNITS"]


@dataclass(frozen=True)
class AddModel:
    """The words of the first stream, then as many of the second; their sums lane by lane."""

    unit: AddUnit

    def frame(self, rng: random.Random) -> list[int]:
        unit, words = self.unit, self.unit.format.words
        return [
            word for dtype in (unit.first, unit.second) for word in random_words(rng, dtype.bits, unit.lanes, words)
        ]

    def result(self, words: Sequence[int]) -> list[Expected]:
        unit, half = self.unit, len(words) // 2
        values = [
            dtype.values(np.array([split(word, dtype.bits, unit.lanes) for word in part]))
            for dtype, part in ((unit.first, words[:half]), (unit.second, words[half:]))
        ]
        return expected_groups((values[0] + values[1]).tolist(), unit.dtype.bits, unit.lanes)


def _add(name: str, first: str, second: str) -> StreamUnit:
    one, other = DataType.parse(first), DataType.parse(second)
    unit = AddUnit(one, other, StreamFormat(3, one.bits, 6, 24))
    t = unit.timing
    return StreamUnit(name, unit.component, AddModel(unit), t.interval, t.latency, 1, inputs=unit.input_ports)


UNITS = (_add("add", "int3", "uint2"), _add("add_bipolar", "bipolar", "bipolar"))
