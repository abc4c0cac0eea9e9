"""Comparison with the reference, and cycles from stamps."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.reference import Scores
from bnnhw.sim.harness import Recording
from bnnhw.sim.result import LISTED, Mismatch, compare, measure


def recording(offered: list[int], parts: tuple[int, ...] = (0,), first: int = 0) -> Recording:
    stamps = np.array(offered, np.int64)
    accepted = np.full_like(stamps, first)
    return Recording({}, accepted, stamps, stamps, parts)


def test_compare() -> None:
    scores = np.array([[3, 7, 7], [-4, -9, -5], [0, 0, 1], [2, 1, 0]])
    expected = Scores(scores=scores, classes=scores.argmax(axis=1))
    got = Recording(
        {"index": np.array([1, 0, 2, 1]), "score": np.array([7, -4, 0, 1])}, *(np.zeros(4, np.int64),) * 3, (0,)
    )
    wrong, details = compare(got, expected)
    assert wrong == 2
    assert details == (Mismatch(2, (2, 1), (2, 0)), Mismatch(3, (0, 2), (1, 1)))
    assert str(details[0]) == "frame 2: expected class 2 with score 1, got class 2 with score 0"


def test_compare_lists_the_first() -> None:
    expected = Scores(scores=np.zeros((500, 2), np.int64), classes=np.zeros(500, np.int64))
    got = Recording(
        {"index": np.ones(500, np.int64), "score": np.zeros(500, np.int64)}, *(np.zeros(500, np.int64),) * 3, (0,)
    )
    wrong, details = compare(got, expected)
    assert (wrong, len(details), details[-1].frame) == (500, LISTED, LISTED - 1)


@pytest.mark.parametrize(
    ("offered", "parts", "per_frame", "warm_up"),
    [
        ([20, 30, 40, 50, 60], (0,), 10, 0),
        ([20, 22, 32, 42, 52], (0,), 10, 1),
        # Not settled within the first half.
        ([20, 22, 24, 34, 44], (0,), 10, 2),
        ([20, 22, 24, 26, 36], (0,), None, 3),
        ([20, 30, 41, 50, 61], (0,), None, 3),
        # Two parts, each with its own count of cycles, that agree, and that do not.
        ([20, 30, 40, 50, 20, 30, 40, 50], (0, 4), 10, 0),
        ([20, 30, 40, 50, 20, 31, 42, 53], (0, 4), None, 0),
        # Rounds of two and of three, which count as their mean, rounded up; rounds that are too long.
        ([20, 30, 41, 51, 62, 72, 83], (0,), 11, 0),
        ([20, 33, 33, 44, 44, 55, 55, 66, 66], (0,), 6, 1),
        ([20, 21, 23, 30, 31, 33, 40, 41, 43, 50], (0,), 4, 0),
        ([20, 30, 41, 51, 62, 72], (0,), None, 4),
        # The last round has fewer frames than the others, with distances of their own; more than a round of them.
        ([20, 21, 23, 30, 31, 33, 40, 41, 43, 50, 55], (0,), 4, 0),
        ([20, 21, 23, 30, 31, 33, 40, 41, 43, 50, 55, 56], (0,), 4, 0),
        ([20, 21, 23, 30, 31, 33, 40, 41, 43, 50, 55, 56, 57], (0,), None, 10),
        ([20, 30, 41, 51, 62, 72, 83, 90], (0,), 11, 0),
        ([20, 30, 40, 50, 60, 67], (0,), None, 4),
        # Too few to tell.
        ([20, 30, 40], (0,), None, 0),
        ([20], (0,), None, 0),
    ],
)
def test_measure(offered: list[int], parts: tuple[int, ...], per_frame: int | None, warm_up: int) -> None:
    cycles = measure(recording(offered, parts, first=3))
    assert (cycles.per_frame, cycles.warm_up, cycles.latency) == (per_frame, warm_up, 17)
    assert sum(cycles.distances.values()) == len(offered) - len(parts)


def test_measure_nothing() -> None:
    cycles = measure(recording([]))
    assert (cycles.per_frame, cycles.latency, cycles.distances) == (None, None, {})
