"""Sizes of parts, against their definitions."""

from __future__ import annotations

import pytest

from bnnhw.dataflow.divisors import divisor_from, divisors, nearest, parts


@pytest.mark.parametrize(
    ("size", "due"),
    [(1, [1]), (2, [1, 2]), (7, [1, 7]), (12, [1, 2, 3, 4, 6, 12]), (36, [1, 2, 3, 4, 6, 9, 12, 18, 36])],
)
def test_divisors(size: int, due: list[int]) -> None:
    assert divisors(size) == due


@pytest.mark.parametrize("size", range(1, 41))
def test_parts(size: int) -> None:
    """For each number of folds the least size that covers all, and no other."""
    due = {min(part for part in range(1, size + 1) if part * folds >= size) for folds in range(1, size + 1)}
    assert parts(size) == sorted(due)


@pytest.mark.parametrize(("size", "least", "due"), [(12, 1, 1), (12, 4, 4), (12, 5, 6), (12, 12, 12), (12, 13, 12)])
def test_divisor_from(size: int, least: int, due: int) -> None:
    assert divisor_from(size, least) == due


@pytest.mark.parametrize(
    ("value", "due"), [(3, "3"), (5, "3 or 6"), (4, "3 or 6"), (0, "1"), (13, "12"), (1, "1"), (12, "12")]
)
def test_nearest(value: int, due: str) -> None:
    assert nearest([1, 3, 6, 12], value) == due
