"""The model of queues: cycles, memory words, and what it refuses."""

from __future__ import annotations

import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.devices import technology
from bnnhw.units.buffer.model import BufferUnit


def _unit(depth: int) -> BufferUnit:
    return BufferUnit(StreamFormat.whole_words(1, 8, 10), depth, technology("generic"))


@pytest.mark.parametrize(
    "depth, interval, latency, words",
    [(1, 20, 2 * 9 + 1, 0), (2, 10, 9 + 1, 0), (3, 10, 9 + 2, 2), (40, 10, 9 + 2, 39)],
)
def test_timing(depth: int, interval: int, latency: int, words: int) -> None:
    """One word takes two cycles; from three on all but the head are in a memory, a cycle further away."""
    timing = _unit(depth).timing
    assert (timing.interval, timing.latency, timing.buffer_words) == (interval, latency, words)


@pytest.mark.parametrize(
    "depth, style", [(1, "registers"), (2, "registers"), (17, "registers"), (18, "distributed"), (66, "block")]
)
def test_style(depth: int, style: str) -> None:
    """Of words of 8 bits: up to 16 of them in memory are registers, up to 64 LUT RAM."""
    unit = BufferUnit(StreamFormat.whole_words(1, 8, 10), depth, technology("ecp5"))
    assert unit.style == style
    assert unit.inputs == unit.outputs == (StreamFormat.whole_words(1, 8, 10),)
    assert unit.timing.in_memory == (depth > 2)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^depth must be positive, not 0$"):
        _unit(0)
