# amaranth: UnusedElaboratable=no
"""Counters in parts: right once they have settled, whatever the strobes, across every border of a part."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from bnnhw.links.store.counters import Countdown, SplitCounter
from rtl_tests.storage import register_bits
from rtl_tests.streams import run


@pytest.mark.parametrize("bits", [3, 8, 9, 17])
def test_counts_strobes(bits: int) -> None:
    dut = SplitCounter(bits)
    rng = random.Random(bits)

    async def testbench(ctx: Any) -> None:
        for steps in (0, 1, 7, 255, 256, 257, 300):
            ctx.set(dut.clear, 1)
            ctx.set(dut.step, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            done = 0
            while done < steps:
                strobe = steps > 255 or rng.random() < 0.7
                ctx.set(dut.step, strobe)
                await ctx.tick()
                done += strobe
            ctx.set(dut.step, 0)
            for _ in range(dut.settling - 1):
                await ctx.tick()
            assert ctx.get(dut.value) == steps % (1 << bits)

    run(dut, testbench)
    assert register_bits(SplitCounter(bits)) == bits + (bits - 1) // 8


def test_an_upper_part_follows_every_round_of_the_lower_one() -> None:
    """A carry per part: 70,000 strobes in a row meet all of them."""
    dut = SplitCounter(18)

    async def testbench(ctx: Any) -> None:
        ctx.set(dut.step, 1)
        await ctx.tick().repeat(70_000)
        ctx.set(dut.step, 0)
        await ctx.tick().repeat(dut.settling - 1)
        assert ctx.get(dut.value) == 70_000

    run(dut, testbench)


@pytest.mark.parametrize("gap", [0.0, 0.6])
@pytest.mark.parametrize("number", [1, 2, 255, 256, 257, 512, 513, 0])
def test_counts_down(number: int, gap: float) -> None:
    """Zero after so many strobes, not before: in every cycle, from the sixth behind ``load`` on."""
    dut = Countdown(10)
    rng = random.Random(number)

    async def testbench(ctx: Any) -> None:
        ctx.set(dut.load, 1)
        ctx.set(dut.value, number)
        await ctx.tick()
        ctx.set(dut.load, 0)
        await ctx.tick()
        left = number or 1024
        ctx.set(dut.step, 1)
        await ctx.tick()
        left -= 1
        ctx.set(dut.step, 0)
        await ctx.tick().repeat(dut.SETTLING - 3)
        for _ in range(3000):
            assert ctx.get(dut.zero) == (left == 0)
            if not left:
                return
            strobe = rng.random() >= gap
            ctx.set(dut.step, strobe)
            left -= strobe
            await ctx.tick()
        raise AssertionError("never zero")

    run(dut, testbench)


def test_a_countdown_has_an_upper_part() -> None:
    assert register_bits(Countdown(24)) == 24 + 2
    with pytest.raises(ValueError, match=f"^{re.escape('bits must be more than 8, not 8')}$"):
        Countdown(8)
