# amaranth: UnusedElaboratable=no
"""Memories that are written at run time: what comes out, when, before and after a load."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from bnnhw.dataflow.loads import SETTLE_CYCLES, Loaded, banks, image
from bnnhw.devices import technology
from bnnhw.rtl.load import LoadCounter
from bnnhw.rtl.writable import WritableMemory
from rtl_tests.streams import run


def memory(bits: np.ndarray, stages: tuple[int, ...], kind: str, family: str, *, writable: bool) -> Loaded:
    chosen = banks(len(bits), stages, kind, technology(family), writable=writable)
    return Loaded("weights", *bits.shape, chosen, lambda: bits)


def contents(depth: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (depth, width)).astype(np.uint8)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize(
    ("depth", "width", "kind", "family", "writable"),
    [
        (9, 37, "spram", "ice40", False),
        (9, 37, "spram", "ice40", True),
        (5, 4, "spram", "ice40", False),
        (12, 20, "block", "ecp5", True),
        (70, 5, "lut", "ecp5", True),
        (1, 18, "block", "ice40", True),
    ],
)
def test_what_is_loaded_is_read(
    depth: int, width: int, kind: str, family: str, writable: bool, registered: bool
) -> None:
    """Column c of the word of cycle t comes in t + 1 + registered + stages[c], in all columns, before and after."""
    stages = tuple(int(stage) for stage in np.random.default_rng(width).integers(0, 3, width))
    old, new = contents(depth, width, 1), contents(depth, width, 2)
    initial = memory(old, stages, kind, family, writable=writable)
    dut = WritableMemory(initial, stages, technology(family), registered=registered)
    loads = memory(new, stages, kind, family, writable=writable)
    rng = random.Random(3)

    async def read(ctx: Any, bits: np.ndarray, columns: list[int]) -> None:
        addresses = [rng.randrange(depth) for _ in range(30)]
        for cycle, address in enumerate(addresses):
            ctx.set(dut.address, address)
            data = ctx.get(dut.data)
            for column in columns:
                given = cycle - 1 - registered - stages[column]
                if given >= 0:
                    assert data >> column & 1 == bits[addresses[given], column], f"cycle {cycle}, column {column}"
            await ctx.tick()

    async def testbench(ctx: Any) -> None:
        large = {column for bank in initial.banks if bank.style == "spram" for column in bank.columns}
        await read(ctx, old, [column for column in range(width) if column not in large])
        order = [(number, word) for number in range(len(loads.banks)) for word in range(depth)]
        rng.shuffle(order)
        words = loads.words().reshape(len(loads.banks), depth)
        for number, word in order:
            values = {"write": 1, "bank": number, "word": word, "data": int(words[number, word])}
            for name, value in values.items():
                ctx.set(getattr(dut.load, name), value)
            await ctx.tick()
            ctx.set(dut.load.write, 0)
            ctx.set(dut.load.data, 0xFFFF)
            for _ in range(rng.randrange(3)):
                await ctx.tick()
        for _ in range(SETTLE_CYCLES):
            await ctx.tick()
        expected = new.copy()
        expected[:, loads.rest] = old[:, loads.rest]
        await read(ctx, expected, list(range(width)))

    run(dut, testbench)


def test_the_bus_counts_through_an_image() -> None:
    """Word n of an image reaches its bank and address two cycles later, whatever the gaps; start begins anew."""
    sizes = ((3, 20, 1), (1, 7, 2), (5, 33, 3))
    memories = [memory(contents(d, w, s), (0,) * w, "block", "ice40", writable=True) for d, w, s in sizes]
    dut = LoadCounter(memories)
    words = image(memories).tolist()
    places = [(n, b, w) for n, each in enumerate(memories) for b in range(len(each.banks)) for w in range(each.depth)]
    rng = random.Random(1)

    async def testbench(ctx: Any) -> None:
        for attempt in (7, len(words)):
            ctx.set(dut.load.start, 1)
            await ctx.tick()
            ctx.set(dut.load.start, 0)
            seen: list[tuple[int, int, int]] = []
            sent: list[int] = []
            # Two words more than there are: they go nowhere.
            waiting = [*words[:attempt], *([1, 2] if attempt == len(words) else [])]
            idle = 0
            while idle < 4:
                strobe = bool(waiting) and rng.random() < 0.6
                ctx.set(dut.load.write, strobe)
                ctx.set(dut.load.data, waiting.pop(0) if strobe else rng.randrange(1 << 16))
                idle += not waiting and not strobe
                await ctx.tick()
                ctx.set(dut.load.write, 0)
                for number in range(len(memories)):
                    port = getattr(dut, f"to_{number}")
                    if ctx.get(port.write):
                        seen.append((number, ctx.get(port.bank), ctx.get(port.word)))
                        sent.append(ctx.get(port.data))
            assert seen == places[:attempt]
            assert sent == words[:attempt]

    run(dut, testbench)
