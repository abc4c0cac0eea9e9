"""Units that give one word for each word they take: wires, and pipelines that take a word in every cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.folding.flow import Link, Run

__all__ = ["WordPipeline", "wires"]


@dataclass(frozen=True)
class WordPipeline:
    """Cycles of such a unit.

    Parameters
    ----------
    words : int
        Words a frame.
    """

    words: int

    @property
    def interval(self) -> int:
        """II: cycles a frame."""
        return self.words

    @property
    def depth(self) -> int:
        """L: cycles from a word accepted to its result offered; 0 of wires."""
        return 0

    @property
    def latency(self) -> int:
        """Cycles from a frame's first word accepted to its last word offered, never waiting."""
        return self.words - 1 + self.depth


def wires(source: Link, sinks: Sequence[Link], words: int) -> Run:
    """When words move: shown at all ends at once, accepted in the cycle in which the last of them is taken."""
    for word in range(words):
        while len(source.offered) <= word:
            yield
        for sink in sinks:
            sink.offer(source.offered[word])
        taken = 0
        for sink in sinks:
            taken = max(taken, (yield from sink.taken_at(word)))
        yield from source.take(taken)
