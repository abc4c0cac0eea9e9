"""The exact cycles of a pipeline that stands still as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.dataflow.flow import Link, Run, together
from bnnhw.dataflow.word_timing import WordTiming

__all__ = ["QUEUE", "StandingTiming"]

QUEUE = 2
"""Words of the queue behind the pipeline."""


@dataclass(frozen=True)
class StandingTiming(WordTiming):
    """Cycles of a pipeline all of whose registers wait while the queue behind it is full.

    Parameters
    ----------
    stages : int
        Registers from a word accepted to its result in front of the queue.
    """

    stages: int

    @property
    def depth(self) -> int:
        """L: cycles from a word accepted to its result offered; the queue is 1."""
        return self.stages + 1

    @property
    def places(self) -> int:
        """Words inside at most: one in each stage, and those in the queue."""
        return self.stages + QUEUE

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move.

        With a second word in the queue the pipeline stands from the next cycle on until one has been taken, that cycle
        included: word ``w``, pushed in cycle ``p``, makes it stand in the cycles ``p + 1 .. t`` where ``t`` is when
        word ``w - 1`` is taken.
        """
        words = frames * self.words
        accepted: list[int] = []
        pushed: list[int] = []
        # Cycles that the pipeline had stood in before the first word, after it, and so on.
        stood: list[int] = [0]
        # Of each word accepted, how many words had been pushed before.
        ahead: list[int] = []

        def ends(word: int) -> Run:
            """Cycles that a word makes the pipeline stand in are known once the word before it is taken."""
            last = 0 if word == 0 else (yield from sink.taken_at(word - 1))
            if len(stood) == word + 1:
                stood.append(stood[-1] + max(last - pushed[word], 0))

        def enter() -> Run:
            known = 0
            for word in range(words):
                while len(source.offered) <= word:
                    yield
                cycle = max(source.offered[word], accepted[-1] + 1 if accepted else 0)
                while known < word:
                    while len(pushed) <= known:
                        yield
                    if pushed[known] >= cycle:
                        break
                    yield from ends(known)
                    cycle = max(cycle, pushed[known] + 1 + stood[known + 1] - stood[known])
                    known += 1
                accepted.append((yield from source.take(cycle)))
                ahead.append(known)

        def leave() -> Run:
            for word in range(words):
                while len(ahead) <= word:
                    yield
                if word:
                    yield from ends(word - 1)
                pushed.append(accepted[word] + self.stages + stood[word] - stood[ahead[word]])
                sink.offer(pushed[word] + 1)

        yield from together(enter(), leave())
