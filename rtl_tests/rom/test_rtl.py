# amaranth: UnusedElaboratable=no
"""Read-only memories: what comes out, and when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnnhw.rtl.rom import Rom
from rtl_tests.storage import memories, register_bits
from rtl_tests.streams import run

STAGES = {"together": None, "late": (1, 1, 1, 1, 1), "skewed": (0, 2, 1, 0, 2), "gap": (3, 0, 0, 3, 0)}


def contents(depth: int, width: int) -> np.ndarray:
    return np.random.default_rng(depth * width).integers(0, 2, (depth, width)).astype(np.uint8)


@pytest.mark.parametrize("kind", ["lut", "block"])
@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("depth", [2, 7])
def test_latency(kind: str, registered: bool, stages: tuple[int, ...] | None, depth: int) -> None:
    """Column c of the word of cycle t comes in t + 1 + registered + stages[c]; a new address in every cycle."""
    bits = contents(depth, 5)
    dut = Rom(bits, kind, registered=registered, stages=stages)
    addresses = np.random.default_rng(1).integers(0, depth, 40).tolist()
    checked = 0

    async def testbench(ctx: Any) -> None:
        nonlocal checked
        for cycle, address in enumerate(addresses):
            ctx.set(dut.address, address)
            data = ctx.get(dut.data)
            for column, stage in enumerate(stages or (0,) * 5):
                given = cycle - 1 - registered - stage
                if given >= 0:
                    assert data >> column & 1 == bits[addresses[given], column], f"cycle {cycle}, column {column}"
                    checked += 1
            await ctx.tick()

    run(dut, testbench)
    assert checked >= 5 * (40 - 5)


@pytest.mark.parametrize("kind", ["lut", "block"])
@pytest.mark.parametrize("stages", [None, (0, 2, 1)])
def test_one_word_is_a_constant(kind: str, stages: tuple[int, ...] | None) -> None:
    dut = Rom(np.array([[1, 0, 1]], np.uint8), kind, registered=True, stages=stages)

    async def testbench(ctx: Any) -> None:
        for _ in range(3):
            assert ctx.get(dut.data) == 0b101
            await ctx.tick()

    run(dut, testbench)
    assert memories(dut) == {}
    assert register_bits(dut) == 0


def test_words_wider_than_machine_integers() -> None:
    bits = contents(2, 130)
    dut = Rom(bits, "block", registered=False)

    async def testbench(ctx: Any) -> None:
        for address in (0, 1):
            ctx.set(dut.address, address)
            await ctx.tick()
            data = ctx.get(dut.data)
            assert [data >> column & 1 for column in range(130)] == bits[address].tolist()

    run(dut, testbench)


def test_storage() -> None:
    """The bits, each once; an address register for each distinct stage, one more (lut) or the data's (block)."""
    bits = contents(16, 6)
    skewed = (0, 1, 2, 0, 1, 2)
    for kind in ("lut", "block"):
        plain = Rom(bits, kind, registered=False, stages=skewed)
        assert sum(depth * width for depth, width in memories(plain).values()) == 16 * 6
        assert register_bits(plain) == 2 * 4
        assert register_bits(Rom(bits, kind, registered=True)) == (4 if kind == "lut" else 6)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^bits must have 2 dimensions, not 1$"):
        Rom(np.zeros(4, np.uint8), "lut", registered=False)
    with pytest.raises(ValueError, match=r"^stages must have 4 values, not 3$"):
        Rom(np.zeros((2, 4), np.uint8), "lut", registered=False, stages=(0, 0, 0))
