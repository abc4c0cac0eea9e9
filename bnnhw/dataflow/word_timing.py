"""Timings of units that give one word for each word they take: wires, and pipelines that take a word in every cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.dataflow.flow import Link, Run, together

__all__ = ["ElementTiming", "StageTiming", "WireTiming", "WordTiming", "wires"]


@dataclass(frozen=True)
class WordTiming:
    """Cycles of such a unit.

    Parameters
    ----------
    words : int
        Words per frame.
    """

    words: int

    @property
    def interval(self) -> int:
        """II: cycles per frame."""
        return self.words

    @property
    def depth(self) -> int:
        """L: cycles from a word accepted to its result offered; 0 of wires."""
        return 0

    @property
    def latency(self) -> int:
        """Cycles from a frame's first word accepted to its last word offered, never waiting."""
        return self.words - 1 + self.depth


class WireTiming(WordTiming):
    """Cycles of wires with one end, or with several that all get each word: none."""

    def flow(self, source: Link, *sinks: Link, frames: int) -> Run:
        """When words move: shown at all ends at once, accepted in the cycle in which the last of them is taken."""
        return wires(source, sinks, frames * self.words)


def wires(source: Link, sinks: Sequence[Link], words: int) -> Run:
    """When words move through wires: shown at all ends at once, accepted when the last of them is taken."""
    for word in range(words):
        while len(source.offered) <= word:
            yield
        for sink in sinks:
            sink.offer(source.offered[word])
        taken = 0
        for sink in sinks:
            taken = max(taken, (yield from sink.taken_at(word)))
        yield from source.take(taken)


@dataclass(frozen=True)
class ElementTiming(WordTiming):
    """Cycles of a pipeline that can't stop, with a queue behind it.

    Parameters
    ----------
    read : int
        From a word accepted to it being in front of the arithmetic, with its channels' constants beside it.
    compute : int
        The arithmetic.
    """

    read: int
    compute: int

    @property
    def depth(self) -> int:
        """L: cycles from a word accepted to its result offered; the queue is 1."""
        return self.read + self.compute + 1

    @property
    def credits(self) -> int:
        """Words the queue holds, ``L + 1``: enough never to slow the unit down."""
        return self.depth + 1

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move: a word is accepted while fewer than ``credits`` are accepted and not taken."""
        accepted: list[int] = []

        def enter() -> Run:
            for word in range(frames * self.words):
                ready = accepted[-1] + 1 if accepted else 0
                if word >= self.credits:
                    ready = max(ready, (yield from sink.taken_at(word - self.credits)) + 1)
                accepted.append((yield from source.take(ready)))

        def leave() -> Run:
            for word in range(frames * self.words):
                while len(accepted) <= word:
                    yield
                sink.offer(accepted[word] + self.depth)

        yield from together(enter(), leave())


@dataclass(frozen=True)
class StageTiming(WordTiming):
    """Cycles of a pipeline that stands still as a whole while the word at its end is not taken.

    Parameters
    ----------
    stages : int
        Registers that a word passes.
    """

    stages: int

    @property
    def depth(self) -> int:
        """L: cycles from a word accepted to its result offered."""
        return self.stages

    @property
    def places(self) -> int:
        """Words inside at most: one in each stage."""
        return self.stages

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move: in the cycles in which no word waits at the end, the one in which it is taken included.

        A word accepted in cycle ``a`` is offered in ``a + L``, and as many cycles later as the words between it and the
        end wait there.
        """
        words = frames * self.words
        accepted: list[int] = []
        # Of each word accepted, how many words had been offered until then.
        gone: list[int] = []
        offered: list[int] = []

        def enter() -> Run:
            ahead = 0
            for word in range(words):
                while len(source.offered) <= word:
                    yield
                cycle = max(source.offered[word], accepted[-1] + 1 if accepted else 0)
                while ahead < word:
                    while len(offered) <= ahead:
                        yield
                    if offered[ahead] > cycle:
                        break
                    cycle = max(cycle, (yield from sink.taken_at(ahead)))
                    ahead += 1
                accepted.append((yield from source.take(cycle)))
                gone.append(ahead)

        def leave() -> Run:
            for word in range(words):
                while len(gone) <= word:
                    yield
                cycle = accepted[word] + self.stages
                for before in range(gone[word], word):
                    cycle += (yield from sink.taken_at(before)) - offered[before]
                offered.append(cycle)
                sink.offer(cycle)

        yield from together(enter(), leave())
