"""What is simulated of channel inverters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.ir import DataType, MaxPool, Window
from bnnhw.units.invert.model import InvertUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, expected_groups, random_words, split_words

__all__ = ["UNITS"]


@dataclass(frozen=True)
class InvertModel:
    """Codes of the channels that take the minimum are complemented, the others left as they are."""

    unit: InvertUnit

    def frame(self, rng: random.Random) -> list[int]:
        stream = self.unit.inputs[0]
        return random_words(rng, stream.bits, stream.lanes, stream.words)

    def result(self, words: Sequence[int]) -> list[Expected]:
        stream, minimum = self.unit.inputs[0], self.unit.layer.minimum
        groups = [words[i : i + stream.group_words] for i in range(0, len(words), stream.group_words)]
        codes = [split_words(group, stream.bits, stream.lanes, stream.group) for group in groups]
        due = [[~code if least else code for code, least in zip(group, minimum, strict=True)] for group in codes]
        return expected_groups(due, stream.bits, stream.lanes)


_LAYER = MaxPool("pool", Window(5, 4, 3, (2, 2), (1, 1)), DataType.parse("int4"), np.array([0, 1, 1, 0, 1], np.bool_))
_UNIT = InvertUnit(_LAYER, 2)

UNITS = (
    # A word is accepted when it is taken.
    StreamUnit("invert", _UNIT.component, InvertModel(_UNIT), _UNIT.timing.interval, _UNIT.timing.latency, 0),
)
