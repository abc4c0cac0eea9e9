"""When every word of every stream moves: the mechanism behind the exact cycle model.

Each unit describes itself by a generator that reads and writes *links*, streams of words of which only the cycles are
known. A unit's decisions depend on cycles alone, never on data, so the words of a frame move in the same cycles in
every frame that meets the same state, and the description is exact for any network of units: chains, forks and joins.

A word is *offered* in the first cycle its producer shows it, and *taken* in the cycle its consumer accepts it (valid
and ready both high). The cycle in which a consumer would be ready follows from what it did before; so::

    taken[i] = max(offered[i], ready[i])

A unit's generator asks its links for what it needs and is resumed when that is known. When no generator can go on and
some are not done, the units wait for each other: a deadlock, and since nothing depends on data, one in hardware too.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

__all__ = ["Deadlock", "Link", "Run", "run", "together"]

Run: TypeAlias = Generator[None, None, None]
"""A unit at work: yields while what it waits for is not known yet."""


class Deadlock(Exception):
    """Units wait for each other for ever."""


class Link:
    """One stream between a producer and a consumer: the cycles in which its words are offered and taken."""

    def __init__(self) -> None:
        self.offered: list[int] = []
        self.taken: list[int] = []

    def offer(self, cycle: int) -> None:
        """The producer shows its next word from ``cycle`` on."""
        self.offered.append(cycle)

    def take(self, ready: int) -> Generator[None, None, int]:
        """The consumer is ready for its next word from ``ready`` on: returns the cycle in which it takes it."""
        while len(self.offered) <= len(self.taken):
            yield
        cycle = max(self.offered[len(self.taken)], ready)
        self.taken.append(cycle)
        return cycle

    def taken_at(self, word: int) -> Generator[None, None, int]:
        """The cycle in which word number ``word`` (from 0, over all frames) is taken; for the producer."""
        while len(self.taken) <= word:
            yield
        return self.taken[word]


def together(*parts: Run) -> Run:
    """A unit made of parts that go on independently, as its two ends do: a wait of one does not hold up the others.

    What a part tells another one otherwise than by a link must be told to one behind it in the order given, or move a
    link in the same step: :func:`run` sees links only.
    """
    waiting = [part for part in parts if _advance(part)]
    while waiting:
        yield
        waiting = [part for part in waiting if _advance(part)]


def source(link: Link, words: int) -> Run:
    """The environment in front: shows a word in every cycle in which it may."""
    ready = 0
    for word in range(words):
        link.offer(ready)
        ready = (yield from link.taken_at(word)) + 1


def sink(link: Link, words: int) -> Run:
    """The environment behind: takes every word at once."""
    for _ in range(words):
        yield from link.take(0)


def run(units: Sequence[Run], links: Sequence[Link]) -> None:
    """Let all units work until they are done.

    Raises
    ------
    Deadlock
        When those not done all wait.
    """
    waiting = list(units)
    before = -1
    while waiting:
        moved = sum(len(link.offered) + len(link.taken) for link in links)
        if moved == before:
            raise Deadlock(f"{len(waiting)} units wait for each other")
        before = moved
        waiting = [unit for unit in waiting if _advance(unit)]


def _advance(unit: Run) -> bool:
    """Resume a unit; whether it has more to do."""
    try:
        next(unit)
    except StopIteration:
        return False
    return True
