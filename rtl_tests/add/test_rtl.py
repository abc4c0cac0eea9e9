# amaranth: UnusedElaboratable=no
"""Joins against NumPy, and the cycle of every word against their flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.add.model import AddTiming, AddUnit
from bnnhw.units.add.rtl import Add
from rtl_tests.flow import check_cycles, random_arrivals, random_readiness
from rtl_tests.lanes import join, split
from rtl_tests.streams import Driver, Monitor


@pytest.mark.parametrize(
    "one, other", [("int4", "int7"), ("uint3", "uint3"), ("uint4", "int3"), ("bipolar", "int5"), ("bipolar", "bipolar")]
)
@pytest.mark.parametrize("lanes", [1, 3])
def test_add(lanes: int, one: str, other: str) -> None:
    rng = random.Random(f"{lanes} {one} {other}")
    frames, words = 3, 20
    types = DataType.parse(one), DataType.parse(other)
    unit = AddUnit(*types, StreamFormat.whole_words(lanes, types[0].bits, words))
    dut, p = Add(unit), unit.timing
    sums = None
    drivers: dict[str, Driver] = {}
    for name, dtype in zip(("first", "second"), types, strict=True):
        codes = np.array([rng.randrange(dtype.levels) for _ in range(frames * words * lanes)])
        packed = [join(row, dtype.bits) for row in codes.reshape(-1, lanes).tolist()]
        gap = rng.choice((0, 0.4))
        drivers[name] = Driver(packed, arrivals=random_arrivals(rng, len(packed), gap))
        sums = dtype.values(codes) + (0 if sums is None else sums)
    monitor = Monitor(frames * words, readiness=random_readiness(rng, rng.choice((0, 0.4))))
    check_cycles(dut, drivers, {"output": monitor}, p.flow, frames)
    assert sums is not None
    assert sums.min() >= unit.dtype.minimum and sums.max() <= unit.dtype.maximum
    due = (sums % unit.dtype.levels).tolist()
    assert [v for word in monitor.words for v in split(word, unit.dtype.bits, lanes)] == due


def test_add_at_full_speed() -> None:
    dut = Add(AddUnit(DataType("uint", 4), DataType("uint", 4), StreamFormat.whole_words(1, 4, 16)))
    drivers = {name: Driver(list(range(16))) for name in ("first", "second")}
    monitor = Monitor(16)
    check_cycles(dut, drivers, {"output": monitor}, AddTiming(16).flow, 1)
    assert monitor.words == [2 * k for k in range(16)]
    assert monitor.offered == list(range(1, 17))
    assert monitor.offered[-1] - drivers["first"].accepted[0] == AddTiming(16).latency
