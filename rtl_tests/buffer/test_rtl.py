# amaranth: UnusedElaboratable=no
"""Queues in memories: words, the cycle of each, and what happens without room."""

from __future__ import annotations

import random

import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.devices import technology
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.buffer.rtl import StreamBuffer
from rtl_tests.flow import check_cycles, random_arrivals, random_readiness
from rtl_tests.storage import memories, register_bits
from rtl_tests.streams import Driver, Monitor, differences

TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0.2, 0.8, 0), (0, 0, 60)]


def buffer(width: int, depth: int, family: str = "generic", words: int = 1) -> BufferUnit:
    return BufferUnit(StreamFormat.whole_words(1, width, words), depth, technology(family))


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 8, 13, 70])
def test_buffer(depth: int, traffic: tuple[float, float, int]) -> None:
    rng = random.Random(depth)
    gap, stall, deaf = traffic
    frames, words = 4, 23
    unit = buffer(8, depth, words=words)
    p = unit.timing
    driver = Driver(rng.choices(range(256), k=frames * words), arrivals=random_arrivals(rng, frames * words, gap))
    monitor = Monitor(frames * words, readiness=random_readiness(rng, stall, 2 * deaf))
    check_cycles(StreamBuffer(unit), {"input": driver}, {"output": monitor}, p.flow, frames)
    assert monitor.words == driver.words
    if deaf:
        assert sum(cycle < 2 * deaf for cycle in driver.accepted) == min(depth, frames * words)
    if traffic == (0, 0, 0):
        assert monitor.offered[words - 1] - driver.accepted[0] == p.latency
        assert monitor.offered[2 * words - 1] - monitor.offered[words - 1] == p.interval
        assert monitor.offered[0] - driver.accepted[0] == p.delay
        assert set(differences(monitor.offered)) == {2 if depth == 1 else 1}


@pytest.mark.parametrize(
    "width, depth, family, style",
    [(8, 2, "ecp5", "registers"), (8, 17, "ecp5", "registers"), (8, 18, "ecp5", "distributed")]
    + [(8, 66, "ecp5", "block"), (8, 18, "ice40", "block"), (1, 100, "generic", "registers")],
)
def test_buffer_style(width: int, depth: int, family: str, style: str) -> None:
    unit = buffer(width, depth, family)
    assert unit.style == style
    assert StreamBuffer(unit).module_name == f"bnnhw_buffer_{width}x{depth}_{style}"


def test_buffer_storage() -> None:
    """A memory of all words but one; the memory's own output register is not counted."""
    assert memories(StreamBuffer(buffer(8, 100))) == {"top.words": (99, 8)}
    assert register_bits(StreamBuffer(buffer(8, 100))) == 2 * 7 + 2 * 7 + 3
    assert register_bits(StreamBuffer(buffer(8, 2))) == 2 * 8 + 2 + 1
