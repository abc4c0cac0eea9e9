"""Sums over planes, the highest first, against the sum of their definition."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from amaranth.sim import Simulator

from bnnhw.units.mvu.shift_add import ShiftAdd


@pytest.mark.parametrize("plane", [(0, 3), (-2, 1), (-3, 0)])
@pytest.mark.parametrize("planes", [2, 3])
@pytest.mark.parametrize("signed_top", [False, True])
def test_every_sum(plane: tuple[int, int], planes: int, signed_top: bool) -> None:
    """All values of all planes, neuron after neuron, with idle cycles between; extremes fit."""
    coefficients = [1 << i for i in range(planes)]
    if signed_top:
        coefficients[-1] *= -1
    limits = tuple(sum(pick(c * plane[0], c * plane[1]) for c in coefficients) for pick in (min, max))
    unit = ShiftAdd(plane, (limits[0], limits[1]), signed_top=signed_top)
    values = list(itertools.product(range(plane[0], plane[1] + 1), repeat=planes))
    sums: list[int] = []

    async def bench(ctx: Any) -> None:
        for number, neuron in enumerate(values):
            for i in reversed(range(planes)):
                for idle in range((number + i) % 2, -1, -1):
                    ctx.set(unit.value, plane[1] if idle else neuron[i])
                    ctx.set(unit.valid, not idle)
                    ctx.set(unit.ends, i == 0)
                    await ctx.tick()
            sums.append(ctx.get(unit.total))

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert sums == [sum(c * v for c, v in zip(coefficients, neuron, strict=True)) for neuron in values]
    assert {min(sums), max(sums)} == set(limits)
