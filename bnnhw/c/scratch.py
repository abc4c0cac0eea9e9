"""Where streams lie in the memory that a program works in: those that are never needed at once share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Span", "place"]


@dataclass(frozen=True)
class Span:
    """Memory that is needed for a while.

    Parameters
    ----------
    size : int
    first, last : int
        Steps in which it is needed, both included.
    """

    size: int
    first: int
    last: int

    def meets(self, other: Span) -> bool:
        """Whether both are needed in one step."""
        return self.first <= other.last and other.first <= self.last


def _in_order(spans: Iterable[tuple[int, Span]]) -> tuple[dict[int, int], int]:
    """Each at the lowest place that is free while it is needed."""
    placed: list[tuple[int, int, Span]] = []
    for number, span in spans:
        start = 0
        for _, at, other in sorted(placed, key=lambda entry: entry[1]):
            if other.meets(span) and at < start + span.size:
                start = max(start, at + other.size)
        placed.append((number, start, span))
    return {number: at for number, at, _ in placed}, max((at + span.size for _, at, span in placed), default=0)


def place(spans: list[Span]) -> tuple[list[int], int]:
    """Where each lies, and how much memory that takes; the first lies at 0.

    Tried in the order given, and the largest first: what takes less counts.
    """
    numbered = list(enumerate(spans))
    orders = [numbered, numbered[:1] + sorted(numbered[1:], key=lambda entry: -entry[1].size)]
    places, size = min((_in_order(order) for order in orders), key=lambda found: found[1])
    return [places[number] for number in range(len(spans))], size
