"""Depths of queues, against queues tried out word by word."""

from __future__ import annotations

import random

import pytest

from bnnhw.dataflow.queues import deadlock_free_depth, full_speed_depth


def moves(depth: int, arrivals: list[int], departures: list[int]) -> list[tuple[int, int]]:
    """Cycles in which each word enters and leaves a queue in memory with so many places.

    A word that comes enters when a place is free, is at the output a cycle later at the earliest, when the one before
    it has left, and leaves when it is asked for. Of the places one is that of the output's register.
    """
    entered: list[int] = []
    shown: list[int] = []
    left: list[int] = []
    for word, arrival in enumerate(arrivals):
        enter = max(arrival, entered[-1] + 1 if entered else 0)
        if word >= depth - 1:
            enter = max(enter, shown[word - depth + 1] + 1)
        entered.append(enter)
        shown.append(max(enter + 1, left[-1] if left else 0))
        left.append(max(shown[-1] + 1, departures[word], left[-1] + 1 if left else 0))
    return list(zip(entered, left, strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_full_speed_depth(seed: int) -> None:
    """With it words move as with any deeper queue; with one place less, some word moves later, unless 3 is least."""
    rng = random.Random(seed)
    count, gap = rng.randint(1, 30), rng.choice([0, 1, 4])
    arrivals = [0]
    for _ in range(count - 1):
        arrivals.append(arrivals[-1] + 1 + rng.randint(0, gap))
    start = rng.randint(0, 25)
    departures = [start + word * rng.choice([1, 1, 2]) for word in range(count)]
    free = moves(1 << 20, arrivals, departures)
    depth = full_speed_depth([enter for enter, _ in free], [leave for _, leave in free])
    assert depth >= 3
    assert moves(depth, arrivals, departures) == free
    assert moves(depth + 5, arrivals, departures) == free
    if depth > 3:
        assert moves(depth - 1, arrivals, departures) != free


def least(needed: list[int]) -> int:
    """The least depth with which fork and join do not stop: tried out, a word at a time."""
    depth = 1
    while any(word + depth + 1 < count for word, count in enumerate(needed)):
        depth += 1
    return depth


@pytest.mark.parametrize("needed", [[1], [1, 2, 3], [2, 2], [3, 3, 3], [4, 5, 6, 6, 6, 6], [2, 6, 6, 8], [9, 9, 9]])
def test_deadlock_free_depth(needed: list[int]) -> None:
    assert deadlock_free_depth(needed) == least(needed)
