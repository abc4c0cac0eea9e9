"""The line buffer that a window unit needs, and exactly when each of its words moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.flow import Link, Run, Timeline, sink, source, together
from bnnhw.devices import Technology, blocks_needed, buffer_style
from bnnhw.units.window.walk import WindowWalk

__all__ = ["WindowTiming"]

_NEVER = 1 << 40
"""Beyond every cycle and word."""


@dataclass(frozen=True)
class WindowTiming(WindowWalk):
    """Words, buffer and cycles of a window unit. With C', ``n_in`` and ``n_out`` as :class:`WindowWalk` says:

    - II = ``max(n_in, n_out)`` cycles per frame, without anything added; also across frames.
    - An input word is read as early as in the cycle after its acceptance. A word out is offered :attr:`depth` = 3
      cycles after it is read, and :attr:`credits` = 4 words may be on their way out.
    - Input words are numbered over all frames. While the window stands at row ``r`` and column ``q`` of its positions
      in frame ``f``, words below ``base = f * n_in + (r * stride_y * W + q * stride_x) * C'`` are given up, and words
      below ``base + window_words`` are accepted.
    - ``window_words`` is the least with which that II is reached: ``max(j - base(t_j) + 1)`` over the words ``j`` of a
      frame, ``t_j`` being the cycle of their acceptance in the schedule that the II leaves no choice about. With
      ``n_out >= n_in`` a word is read in every cycle, and words are accepted as late as their readers and
      one word per cycle allow; otherwise a word is accepted in every cycle, and words are read as early as possible.
      To it come ``spare`` words, by which the stream in front may run further ahead.
    - The buffer holds ``buffer_words = window_words + max(base - oldest)`` words in a circle, ``oldest`` being the
      first word that the window standing at ``base`` or a later one reads.

    Parameters
    ----------
    window, lanes, order
        As :class:`WindowWalk` takes them.
    spare : int
        Words accepted beyond what the II takes. Words come in and go out in bursts, between rows and between frames;
        a stream in front that is no faster than this unit catches up with a burst only if it has run ahead.
    """

    spare: int = 0

    depth = 3
    credits = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.spare < 0:
            raise ValueError(f"spare must not be negative, not {self.spare}")

    @property
    def interval(self) -> int:
        """II: cycles per frame."""
        return max(self.words_in, self.words_out)

    @cached_property
    def latency(self) -> int:
        """Cycles from the first input word accepted to the last output word offered, never waiting."""
        before, behind = Link(), Link()
        units = (
            (source(before, self.words_in), (before,)),
            (self.flow(before, behind, 1), (before, behind)),
            (sink(behind, self.words_out), (behind,)),
        )
        Timeline(units).finish()
        return behind.offered[-1] - before.taken[0]

    # The buffer.

    @cached_property
    def _bases(self) -> NDArray[np.int64]:
        """Words given up at each position of the window: (positions,)."""
        return self.values("base")[:: self.words_each]

    @cached_property
    def window_words(self) -> int:
        """Words accepted from the first that is not given up."""
        given_up = self._given_up_full if self.words_out >= self.words_in else self._given_up_waiting
        return int((np.arange(self.words_in) - given_up + 1).max()) + self.spare

    def room(self, read: int) -> int:
        """Words that may be accepted from power-up on when so many have been read."""
        frame, word = np.divmod(read, self.words_out)
        return int(frame * self.words_in + self._bases[word // self.words_each]) + self.window_words

    @property
    def _given_up_full(self) -> NDArray[np.int64]:
        """Words given up when each word is accepted, if one is read in every cycle: (words_in,)."""
        count, number = self.words_in, np.arange(self.words_in)
        due = np.full(count, _NEVER)
        readers = np.flatnonzero(self.needs)
        np.minimum.at(due, self.needs[readers] - 1, readers - 1)
        # Two frames: the next one's words must not be late either.
        slack = np.concatenate([due - number, due + self.words_out - (number + count)])
        accepted = np.minimum.accumulate(slack[::-1])[::-1][:count] + number
        frame, word = np.divmod(accepted, self.words_out)
        return frame * count + self._bases[word // self.words_each]

    @property
    def _given_up_waiting(self) -> NDArray[np.int64]:
        """Words given up when each word is accepted, if one is accepted in every cycle: (words_in,)."""
        number = np.arange(self.words_out)
        late = np.where(self.needs > 0, self.needs - number, -_NEVER)
        # The frame before: its last words may still be being read.
        before = late.max() - self.words_in + self.words_out
        read = np.maximum(np.maximum.accumulate(late), before) + number
        ends = read[self.words_each - 1 :: self.words_each]
        ends = np.concatenate([ends + frame * self.words_in for frame in (-2, -1, 0)])
        bases = np.concatenate([self._bases + frame * self.words_in for frame in (-2, -1, 0, 1)])
        return bases[np.searchsorted(ends, np.arange(self.words_in))]

    @cached_property
    def buffer_words(self) -> int:
        """Words that the buffer must hold, so that none is overwritten that is still to be read."""
        index = np.where(self.inside, self.values("index"), _NEVER).reshape(-1, self.words_each).min(axis=1)
        oldest = np.minimum.accumulate(index[::-1])[::-1]
        oldest = np.minimum(oldest, oldest[0] + self.words_in)
        return max(self.window_words + int((self._bases - oldest).max()), 1)

    def memory_words(self, width: int, tech: Technology) -> int:
        """Words of the memory that is built: more than ``buffer_words`` where a power of two costs no more.

        Parameters
        ----------
        width : int
            Bits per word.
        """
        words = self.buffer_words
        rounded = 1 << (words - 1).bit_length()
        style = self.buffer_style(width, tech)
        if style == "block":
            same = blocks_needed(rounded, width, tech) == blocks_needed(words, width, tech)
        else:
            same = style == "distributed" and -(-rounded // 16) == -(-words // 16)
        return rounded if same else words

    def buffer_style(self, width: int, tech: Technology) -> str:
        """Where the buffer lives: ``"registers"``, ``"distributed"`` or ``"block"``."""
        return buffer_style(self.buffer_words, width, tech)

    # Ranges of the differences that the hardware keeps.

    def _needed_before(self) -> NDArray[np.int64]:
        """Words of the frame that must have been accepted by those before each word: (words_out,), least negative."""
        highest = np.maximum.accumulate(self.needs)
        return np.concatenate([[highest[-1] - self.words_in], np.maximum(highest[:-1], highest[-1] - self.words_in)])

    def surplus_range(self, name: str) -> tuple[int, int]:
        """Least and greatest of words accepted less those of ``name`` when a word is read.

        Parameters
        ----------
        name : str
            ``"index"``: the number of the word. ``"base"``: words given up. ``"frame"``: words of the frames before.
        """
        values = np.zeros(self.words_out, np.int64) if name == "frame" else self.values(name)
        low = int((self._needed_before() - values).min())
        high = int((self.values("base") - values).max()) + self.window_words
        return low, high

    # The flow.

    @cached_property
    def releases(self) -> NDArray[np.int64]:
        """Words of this frame that must have been read before each word is accepted, negative in frames before.

        Returns
        -------
        int64 array (words_in,)
        """
        # The first window that gives up the word in whose stead this one is accepted.
        frame, word = np.divmod(np.arange(self.words_in) - self.window_words, self.words_in)
        return (frame * self.window.positions + np.searchsorted(self._bases, word, "right")) * self.words_each

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """The cycles in which the words of some frames move (:mod:`bnnhw.dataflow.flow`)."""
        read: list[int] = []
        return together(
            self._read(source, sink, read, frames),
            self._accept(source, read, frames),
            self._offer(sink, read, frames),
        )

    def _accept(self, source: Link, read: list[int], frames: int) -> Run:
        releases, given, taken = self.releases.tolist(), source.given, source.taken
        ready = 0
        for start in range(0, frames * self.words_out, self.words_out):
            for release in releases:
                after = start + release
                if after > 0:
                    while len(read) < after:
                        yield
                    ready = max(ready, read[after - 1] + 1)
                while len(given) <= len(taken):
                    yield
                ready = source.accept(ready) + 1

    def _read(self, source: Link, sink: Link, read: list[int], frames: int) -> Run:
        needs, accepted, left, most = self.needs.tolist(), source.taken, sink.taken, self.credits
        ready = 0
        for start in range(0, frames * self.words_in, self.words_in):
            for need in needs:
                if need:
                    while len(accepted) < start + need:
                        yield
                    ready = max(ready, accepted[start + need - 1] + 1)
                before = len(read) - most
                if before >= 0:
                    while len(left) <= before:
                        yield
                    ready = max(ready, left[before] + 1)
                read.append(ready)
                ready += 1

    def _offer(self, sink: Link, read: list[int], frames: int) -> Run:
        depth = self.depth
        for word in range(frames * self.words_out):
            while len(read) <= word:
                yield
            sink.offer(read[word] + depth)
