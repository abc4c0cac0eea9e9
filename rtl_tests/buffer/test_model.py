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


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^depth must be positive, not 0$"):
        _unit(0)
