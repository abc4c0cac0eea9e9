"""The queue that lets one branch run ahead of the other: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bnnhw.dataflow.flow import Link, Run, together
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, buffer, counter, queue
from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Technology, buffer_style

if TYPE_CHECKING:
    from bnnhw.units.buffer.rtl import StreamBuffer

__all__ = ["BufferTiming", "BufferUnit"]


@dataclass(frozen=True)
class BufferTiming:
    """Cycles of :class:`~bnnhw.units.buffer.rtl.StreamBuffer`.

    Parameters
    ----------
    words : int
        Words per frame.
    depth : int
        Words it holds.
    """

    words: int
    depth: int

    @property
    def in_memory(self) -> bool:
        """Whether a memory holds all words but the first; otherwise all are registers."""
        return self.depth > 2

    @property
    def buffer_words(self) -> int:
        """Words of the memory."""
        return self.depth - 1 if self.in_memory else 0

    @property
    def delay(self) -> int:
        """Cycles from a word accepted to it being offered, never waiting."""
        return 2 if self.in_memory else 1

    @property
    def interval(self) -> int:
        """II: cycles per frame; at depth 1 a word takes two."""
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


@dataclass(frozen=True)
class BufferUnit(Unit):
    """A first-in first-out queue of any depth, in the memory that suits it.

    Parameters
    ----------
    format : StreamFormat
    depth : int
        Words it holds.
    technology : Technology
    """

    kind = "buffer"

    format: StreamFormat
    depth: int
    technology: Technology

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ValueError(f"depth must be positive, not {self.depth}")

    @cached_property
    def timing(self) -> BufferTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        return BufferTiming(self.format.words, self.depth)

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (self.format,)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        return (self.format,)

    @property
    def style(self) -> str:
        """Where the memory lives: ``"registers"``, ``"distributed"`` or ``"block"``."""
        timing = self.timing
        return (
            buffer_style(timing.buffer_words, self.format.width, self.technology) if timing.in_memory else "registers"
        )

    def inventory(self) -> Inventory:
        t, width = self.timing, self.format.width
        if not t.in_memory:
            return queue(t.depth, width, credited=False)
        size = t.buffer_words
        found = Inventory({"stream": 1, "stream.level": size.bit_length()}) + counter("stream.place", size)
        return found + buffer(size, width, self.technology)

    def component(self) -> StreamBuffer:
        from bnnhw.units.buffer.rtl import StreamBuffer

        return StreamBuffer(self)
