"""Sizes of the parts that something may be cut into."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["divisor_from", "divisors", "nearest", "parts"]


def divisors(size: int) -> list[int]:
    """All divisors, ascending."""
    return [d for d in range(1, size + 1) if size % d == 0]


def divisor_from(size: int, least: int) -> int:
    """The least divisor that is at least so much, or all."""
    return min((d for d in divisors(size) if d >= least), default=size)


def parts(size: int) -> list[int]:
    """The sizes of parts that cut ``size`` into a number of folds with the least padding: ``ceil(size / folds)``."""
    return sorted({-(-size // folds) for folds in range(1, size + 1)})


def nearest(legal: Sequence[int], value: int) -> str:
    """The legal values next to one that isn't, for an error message."""
    below = max((d for d in legal if d <= value), default=min(legal))
    above = min((d for d in legal if d >= value), default=max(legal))
    return str(below) if below == above else f"{below} or {above}"
