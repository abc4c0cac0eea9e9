"""Fork, join and the queue between them: when each word moves, and how deep the queue must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.devices import Technology, buffer_style
from bnnhw.folding.flow import Link, Run, together
from bnnhw.folding.word_pipeline import WordPipeline, wires

__all__ = ["AddPipeline", "BufferPipeline", "ForkPipeline", "deadlock_free_depth", "full_speed_depth"]


class ForkPipeline(WordPipeline):
    """Cycles of :class:`~bnnhw.hardware.residual.Fork`: none, it is wires."""

    def flow(self, source: Link, first: Link, second: Link, frames: int) -> Run:
        """When words move: shown to both branches at once, accepted in the cycle in which the later one takes it."""
        return wires(source, [first, second], frames * self.words)


class AddPipeline(WordPipeline):
    """Cycles of :class:`~bnnhw.hardware.residual.Add`, of which a pair is a word."""

    @property
    def depth(self) -> int:
        """Cycles from a pair accepted to its sum offered."""
        return 1

    def flow(self, first: Link, second: Link, sink: Link, frames: int) -> Run:
        """When words move: a pair together, once both are offered and the sum before is taken."""
        for word in range(frames * self.words):
            while min(len(first.offered), len(second.offered)) <= word:
                yield
            ready = max(first.offered[word], second.offered[word])
            if word:
                ready = max(ready, (yield from sink.taken_at(word - 1)))
            yield from first.take(ready)
            yield from second.take(ready)
            sink.offer(ready + 1)


@dataclass(frozen=True)
class BufferPipeline:
    """Cycles of :class:`~bnnhw.hardware.residual.StreamBuffer`.

    Parameters
    ----------
    words : int
        Words a frame.
    width : int
        Bits a word.
    depth : int
        Words it holds.
    """

    words: int
    width: int
    depth: int

    @property
    def in_memory(self) -> bool:
        """Whether a memory holds all words but the first; otherwise all are registers."""
        return self.depth > 2

    @property
    def buffer_words(self) -> int:
        """Words of the memory."""
        return self.depth - 1 if self.in_memory else 0

    def buffer_style(self, tech: Technology) -> str:
        """Where the memory lives (:func:`~bnnhw.folding.resources.buffer_style`)."""
        return buffer_style(self.buffer_words, self.width, tech) if self.in_memory else "registers"

    @property
    def delay(self) -> int:
        """Cycles from a word accepted to it being offered, never waiting."""
        return 2 if self.in_memory else 1

    @property
    def interval(self) -> int:
        """II: cycles a frame; every other one a word at depth 1."""
        return self.words * (2 if self.depth == 1 else 1)

    @property
    def latency(self) -> int:
        """Cycles from a frame's first word accepted to its last word offered, never waiting."""
        return self.interval // self.words * (self.words - 1) + self.delay

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move.

        In memory: a word goes from there to the output register once it has been written and the word before leaves,
        and its place takes another one from the next cycle on.
        """
        moved: list[int] = []
        accepted: list[int] = []

        def enter() -> Run:
            for word in range(frames * self.words):
                ready = 0
                if self.in_memory and word >= self.buffer_words:
                    while len(moved) <= word - self.buffer_words:
                        yield
                    ready = moved[word - self.buffer_words] + 1
                elif not self.in_memory and word >= self.depth:
                    ready = (yield from sink.taken_at(word - self.depth)) + 1
                accepted.append((yield from source.take(max(ready, accepted[-1] + 1 if accepted else 0))))

        def leave() -> Run:
            for word in range(frames * self.words):
                while len(accepted) <= word:
                    yield
                move = accepted[word] + (1 if self.in_memory else 0)
                if word:
                    move = max(move, (yield from sink.taken_at(word - 1)))
                moved.append(move)
                sink.offer(move + 1)

        yield from together(enter(), leave())


def full_speed_depth(accepted: Sequence[int], taken: Sequence[int]) -> int:
    """The least depth of a queue in memory that never slows its producer down, so at least 3.

    With it every word moves in the very cycles in which it does with a queue of any greater depth.

    Parameters
    ----------
    accepted, taken : sequence of int
        When a queue deep enough for all of them accepted its words, and when these were taken.
    """
    moved = [max(cycle + 1, taken[word - 1] if word else 0) for word, cycle in enumerate(accepted)]
    places, first = 2, 0
    # A word needs the place of the one `places` before it, which must have moved on in an earlier cycle.
    for word, cycle in enumerate(accepted):
        while first < word and moved[first] < cycle:
            first += 1
        places = max(places, word - first + 1)
    return places + 1


def deadlock_free_depth(needed: Sequence[int]) -> int:
    """The least depth of the queue beside a body with which fork and join can't wait for each other for ever.

    While the sum waits for word ``w`` the queue holds words ``w .. w + depth - 1``, and the fork shows the body one
    more: ``w + depth + 1`` words in all, from the stream's first. That must be what the body needs.

    Parameters
    ----------
    needed : sequence of int
        For each word that leaves the body, how many words must have entered it. The queue takes a word and gives a
        word for each.

    Returns
    -------
    int
        At least 1. A queue in which a word waits that is needed at once, as when nothing is swallowed, has depth 1.
    """
    return max(1, *(count - word - 1 for word, count in enumerate(needed)))
