# amaranth: UnusedElaboratable=no
"""The unit that joins against NumPy, and the cycle of every word against its flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.join.model import JoinUnit
from bnnhw.units.join.rtl import Join
from rtl_tests.flow import check_cycles, random_arrivals, random_readiness
from rtl_tests.lanes import join, split
from rtl_tests.streams import Driver, Monitor

KINDS = [
    ("uint3", "uint3", "uint3"),
    ("uint3", "int2", "int4"),
    ("bipolar", "bipolar", "bipolar"),
    ("bipolar", "uint2", "int3"),
    ("int4", "uint1", "int4"),
]


@pytest.mark.parametrize("one, other, output", KINDS)
@pytest.mark.parametrize("groups", [(1, 1), (2, 3), (4, 1)])
@pytest.mark.parametrize("lanes", [1, 3])
def test_join(lanes: int, groups: tuple[int, int], one: str, other: str, output: str) -> None:
    rng = random.Random(f"{lanes} {groups} {one} {other}")
    frames, positions = 3, 4
    types = DataType.parse(one), DataType.parse(other)
    formats = [
        StreamFormat(lanes, dtype.bits, lanes * words, positions * lanes * words)
        for dtype, words in zip(types, groups, strict=True)
    ]
    unit = JoinUnit(*types, formats[0], formats[1], DataType.parse(output))
    drivers: dict[str, Driver] = {}
    parts: list[np.ndarray] = []
    for name, dtype, words in zip(("first", "second"), types, groups, strict=True):
        codes = np.array([rng.randrange(dtype.levels) for _ in range(frames * positions * words * lanes)])
        packed = [join(row, dtype.bits) for row in codes.reshape(-1, lanes).tolist()]
        gap = rng.choice((0, 0.4))
        drivers[name] = Driver(packed, arrivals=random_arrivals(rng, len(packed), gap))
        parts.append(dtype.values(codes).reshape(frames * positions, words * lanes))
    due = unit.dtype.encode(np.concatenate(parts, axis=1))
    monitor = Monitor(due.size // lanes, readiness=random_readiness(rng, rng.choice((0, 0.4))))
    check_cycles(Join(unit), drivers, {"output": monitor}, unit.timing.flow, frames)
    assert [v for word in monitor.words for v in split(word, unit.dtype.bits, lanes)] == due.ravel().tolist()


def test_join_at_full_speed() -> None:
    form = StreamFormat(1, 4, 2, 8)
    unit = JoinUnit(DataType("uint", 4), DataType("uint", 4), form, form, DataType("uint", 4))
    drivers = {"first": Driver([0, 1, 4, 5, 8, 9, 12, 13]), "second": Driver([2, 3, 6, 7, 10, 11, 14, 15])}
    monitor = Monitor(16)
    check_cycles(Join(unit), drivers, {"output": monitor}, unit.timing.flow, 1)
    assert monitor.words == list(range(16))
    assert monitor.offered == list(range(1, 17))
    assert monitor.offered[-1] - drivers["first"].accepted[0] == unit.timing.latency
