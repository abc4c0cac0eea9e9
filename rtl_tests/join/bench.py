"""What is simulated of the unit that joins."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.join.model import JoinUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, expected_groups, random_words, split

__all__ = ["UNITS"]


@dataclass(frozen=True)
class JoinModel:
    """The words of the first stream, then as many of the second; group by group in turn."""

    unit: JoinUnit

    def frame(self, rng: random.Random) -> list[int]:
        unit, words = self.unit, self.unit.one.words
        return [
            word for dtype in (unit.first, unit.second) for word in random_words(rng, dtype.bits, unit.lanes, words)
        ]

    def result(self, words: Sequence[int]) -> list[Expected]:
        unit, half = self.unit, len(words) // 2
        parts = [
            dtype.values(np.array([split(word, dtype.bits, unit.lanes) for word in part])).reshape(unit.one.groups, -1)
            for dtype, part in ((unit.first, words[:half]), (unit.second, words[half:]))
        ]
        codes = unit.dtype.encode(np.concatenate(parts, axis=1))
        return expected_groups(codes.tolist(), unit.dtype.bits, unit.lanes)


def _join(name: str, first: str, second: str, output: str) -> StreamUnit:
    one, other = DataType.parse(first), DataType.parse(second)
    forms = [StreamFormat(3, dtype.bits, 6, 24) for dtype in (one, other)]
    unit = JoinUnit(one, other, forms[0], forms[1], DataType.parse(output))
    t = unit.timing
    return StreamUnit(name, unit.component, JoinModel(unit), t.interval, t.latency, None, inputs=unit.input_ports)


UNITS = (_join("join", "int3", "uint2", "int3"), _join("join_bipolar", "bipolar", "bipolar", "bipolar"))
