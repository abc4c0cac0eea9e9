"""Popcounts of every structure against ``int.bit_count``."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest

from bnnhw.devices import FAMILIES, technology
from bnnhw.rtl.emit import rtlil
from bnnhw.rtl.popcount import Popcount
from bnnhw.rtl.popcount_plan import CounterPlan, plan
from rtl_tests.storage import modules, register_bits
from rtl_tests.streams import run

WIDTHS = [*range(1, 21), 31, 64, 72]


def words(lanes: int, rng: random.Random) -> list[tuple[int, int]]:
    """All pairs of words up to 3 lanes, else none, all, one lane agreeing, and noise."""
    full = (1 << lanes) - 1
    if lanes <= 3:
        return [(x, w) for x in range(full + 1) for w in range(full + 1)]
    base = rng.getrandbits(lanes)
    chosen = [(base, base ^ full), (base, base), (0, full ^ 1), (full, 1 << (lanes - 1)), (full ^ 1, full)]
    return chosen + [(rng.getrandbits(lanes), rng.getrandbits(lanes)) for _ in range(24)]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("lanes", WIDTHS)
def test_count(name: str, lanes: int) -> None:
    """A new pair in every cycle, each lane in the cycle its stage says and another word's in all others."""
    dut = Popcount(lanes, technology(name))
    stages, latency = dut.plan.lane_stages, dut.plan.latency
    assert dut.latency == latency
    assert len(dut.count) == lanes.bit_length()
    pairs = words(lanes, random.Random(lanes))
    checked = []

    def lanes_of(cycle: int, side: int) -> int:
        value = 0
        for lane, stage in enumerate(stages):
            value |= (pairs[(cycle - stage) % len(pairs)][side] >> lane & 1) << lane
        return value

    async def testbench(ctx: Any) -> None:
        for cycle in range(len(pairs) + latency):
            ctx.set(dut.x, lanes_of(cycle, 0))
            ctx.set(dut.w, lanes_of(cycle, 1))
            if cycle >= latency:
                x, w = pairs[cycle - latency]
                expected = (~(x ^ w) & (1 << lanes) - 1).bit_count()
                assert ctx.get(dut.count) == expected, f"{x:b} against {w:b}"
                checked.append(expected)
            await ctx.tick()

    run(dut, testbench)
    assert len(checked) == len(pairs)
    assert {0, lanes} <= set(checked)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("lanes", [1, 7, 16, 31, 72])
def test_storage(name: str, lanes: int) -> None:
    """One register on each count for each cycle it crosses, the result's included; none on a lane."""

    def waiting(node: CounterPlan) -> int:
        return sum(child.bits * (node.stage - child.stage) + waiting(child) for child in node.children)

    top = plan(lanes, technology(name))
    assert register_bits(Popcount(lanes, technology(name))) == top.bits + waiting(top)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("lanes", [*range(1, 16), 31, 72])
def test_cost(name: str, lanes: int) -> None:
    """The look-up tables of the plan are those of the cells that are emitted."""

    def nodes(node: CounterPlan) -> list[CounterPlan]:
        return [node, *(below for child in node.children for below in nodes(child))]

    top = plan(lanes, technology(name))
    text = modules(rtlil(Popcount(lanes, technology(name)), "top", name))["top"]
    cells = Counter(re.findall(r"(?m)^  cell \\bnnhw_count_(\d)_lanes_(\d)_bits", text))
    luts = 0
    for (own, bits), number in cells.items():
        inputs = 2 * int(own) + int(bits)
        outputs = 1 if int(own) + int(bits) == 1 else 2
        # Up to four inputs an output is one look-up table; three lanes need two more for the agreements they share.
        luts += number * (outputs if inputs <= 4 else outputs + 2)
    step = technology(name).chain_cell
    for node in nodes(top):
        if node.kind == "chain":
            luts += -(-node.bits // step) * step
        elif node.kind == "ripple":
            # A carry out that can't happen is connected to nothing, and vanishes.
            luts -= node.bits == max(child.bits for child in node.children)
    assert luts == top.luts
