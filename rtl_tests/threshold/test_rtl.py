"""Thresholds against NumPy, on every value of the range."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from bnnhw.ir import DataType
from bnnhw.rtl.threshold import Threshold, pack_thresholds, threshold_word_bits
from rtl_tests.storage import register_bits
from rtl_tests.streams import run

RANGES = [(0, 1), (0, 3), (0, 7), (0, 8), (-4, 3), (-1, 0), (-5, 9), (-8, -1)]
TYPES = ["bipolar", "uint1", "uint2", "int2", "uint3", "int3"]


def rows(limits: tuple[int, int], levels: int) -> np.ndarray:
    """Ascending thresholds: never met, always met, all equal, and spread; (neurons, levels)."""
    low, high = limits
    rng = np.random.default_rng(high - low)
    fixed = [np.full(levels, high + 1), np.full(levels, low), np.full(levels, high)]
    spread = [np.sort(rng.integers(low, high + 2, levels)) for _ in range(4)]
    return np.array([*fixed, *spread])


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("limits", RANGES)
def test_code(limits: tuple[int, int], name: str, inverted: bool) -> None:
    """Every value of the range, a new value and new thresholds in every cycle; latency 1, or 2 of many thresholds."""
    dtype = DataType.parse(name)
    dut = Threshold(limits, dtype, inverted=inverted)
    latency = 1 if dtype.levels == 2 else 2
    thresholds = rows(limits, dtype.levels - 1)
    packed = pack_thresholds(thresholds, limits, inverted=inverted)
    words = [sum(int(bit) << i for i, bit in enumerate(row)) for row in packed]
    cases = list(itertools.product(range(limits[0], limits[1] + 1), range(len(thresholds))))
    least = -(2 ** (dtype.bits - 1)) if dtype.kind == "int" else 0
    expected = [(least + int((value >= thresholds[row]).sum())) % 2**dtype.bits for value, row in cases]
    seen: list[int] = []

    async def testbench(ctx: Any) -> None:
        for cycle in range(len(cases) + latency):
            value, row = cases[cycle % len(cases)]
            ctx.set(dut.value, value)
            ctx.set(dut.thresholds, words[row])
            if cycle >= latency:
                seen.append(ctx.get(dut.code))
            await ctx.tick()

    run(dut, testbench)
    assert seen == expected


@pytest.mark.parametrize("name", TYPES)
def test_storage(name: str) -> None:
    dtype = DataType.parse(name)
    code = dtype.bits if dtype.levels > 2 else 0
    assert register_bits(Threshold((0, 9), dtype)) == dtype.levels - 1 + code


@pytest.mark.parametrize(
    "limits, bits", [((0, 1), 2), ((0, 2), 2), ((0, 3), 3), ((-4, 2), 3), ((-4, 3), 4), ((-5, 1), 4), ((-8, -1), 4)]
)
def test_width(limits: tuple[int, int], bits: int) -> None:
    """A threshold is as wide as low .. high + 1 needs; the word holds all of a neuron's."""
    assert threshold_word_bits(limits, DataType("bipolar", 1)) == bits
    assert threshold_word_bits(limits, DataType("uint", 3)) == 7 * bits
