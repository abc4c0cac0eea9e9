"""The model of forks: streams and cycles."""

from __future__ import annotations

from bnnhw.dataflow import StreamFormat
from bnnhw.units.fork.model import ForkUnit


def test_timing() -> None:
    """Wires: a word per cycle, offered in the cycle in which it comes, the same to both branches."""
    words = StreamFormat(4, 2, 6, 30)
    unit = ForkUnit(words)
    assert unit.inputs == (words,)
    assert unit.outputs == (words, words)
    assert len(unit.output_ports) == 2
    assert (unit.timing.interval, unit.timing.latency) == (10, 9)


def test_cost() -> None:
    """Which of the two has taken the word: wires but for that, however wide."""
    assert ForkUnit(StreamFormat(4, 2, 6, 30)).inventory() == ForkUnit(StreamFormat(64, 8, 64, 64)).inventory()
