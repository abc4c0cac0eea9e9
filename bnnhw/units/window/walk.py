"""The window unit's walk over a feature map: nested loops, and which input word each word out reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Window

__all__ = ["ORDERS", "Loop", "WindowWalk"]

ORDERS = ("vector", "channels")
"""Orders of the words of a window: taps slowest, channel words fastest; or the other way round."""


@dataclass(frozen=True)
class Loop:
    """One loop of the walk: how often it runs, and what a step of it adds.

    Parameters
    ----------
    size : int
    index : int
        To the number of the input word that is read.
    base : int
        To the number of input words given up.
    y, x : int
        To the coordinates of the tap.
    """

    size: int
    index: int
    base: int
    y: int
    x: int

    def step(self, name: str) -> int:
        value: int = getattr(self, name)
        return value


@dataclass(frozen=True)
class WindowWalk:
    """The words of a frame, in the order in which a window unit gives them.

    With C' = ``ceil(C / lanes)`` words per position, ``n_in = H * W * C'`` words come and
    ``n_out = positions * area * C'`` go.

    Parameters
    ----------
    window : Window
    lanes : int
        Channels a word; in the order ``"vector"`` a divisor of the channels.
    order : str
        ``"vector"`` or ``"channels"``.
    """

    window: Window
    lanes: int
    order: str

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {self.order!r}")
        channels = self.window.channels
        if self.lanes < 1:
            raise ValueError(f"lanes must be positive, not {self.lanes}")
        if self.order == "vector" and channels % self.lanes:
            raise ValueError(f"lanes must be a divisor of {channels} channels, not {self.lanes}")

    @property
    def position_words(self) -> int:
        """C': words of one position."""
        return -(-self.window.channels // self.lanes)

    @property
    def words_in(self) -> int:
        return self.window.height * self.window.width * self.position_words

    @property
    def words_out(self) -> int:
        return self.window.positions * self.words_each

    @property
    def words_each(self) -> int:
        """Words of one window."""
        return self.window.area * self.position_words

    @cached_property
    def start(self) -> dict[str, int]:
        """Where the walk over a frame begins: ``index``, ``base``, ``y`` and ``x`` of its first word."""
        w = self.window
        top, left = w.padding[:2]
        return {"index": -(top * w.width + left) * self.position_words, "base": 0, "y": -top, "x": -left}

    @cached_property
    def _loops(self) -> tuple[Loop, ...]:
        """All five, the slowest first."""
        w, words = self.window, self.position_words
        row, (sy, sx), (dy, dx) = w.width * words, w.stride, w.dilation
        down, right = sy * row, sx * words
        # What is given up must not be taken back, at the end of a row or of a frame. With more padding than a window
        # spans it would be: then it is given up row by row, or a frame at once.
        along, across = (w.out_width - 1) * right, (w.out_height - 1) * down
        if along + across > self.words_in or (along > down and w.out_height > 1):
            right = 0
        if across > self.words_in:
            down = 0
        places = (Loop(w.out_height, sy * row, down, sy, 0), Loop(w.out_width, sx * words, right, 0, sx))
        taps = (Loop(w.kernel[0], dy * row, 0, dy, 0), Loop(w.kernel[1], dx * words, 0, 0, dx))
        channels = (Loop(words, 1, 0, 0, 0),)
        return places + (taps + channels if self.order == "vector" else channels + taps)

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """The loops to build, the slowest first: without those of one turn, pairs that step like one loop joined."""
        names = ["index", "base", *(name for name in ("y", "x") if self.outside(name))]
        built: list[Loop] = []
        for loop in self._loops:
            if loop.size == 1:
                continue
            if built and all(built[-1].step(n) == loop.size * loop.step(n) for n in names):
                slow = built.pop()
                loop = Loop(slow.size * loop.size, loop.index, loop.base, loop.y, loop.x)
            built.append(loop)
        return tuple(built)

    def steps(self, name: str) -> tuple[int, ...]:
        """What a word adds to ``index``, ``base``, ``y`` or ``x`` for the next one, by the loop that steps.

        Returns
        -------
        tuple of int
            One for each of :attr:`loops`, all faster ones ending their turn; then one for the end of the frame.
        """
        steps: list[int] = []
        turned = 0
        for loop in reversed(self.loops):
            steps.append(loop.step(name) - turned)
            turned += (loop.size - 1) * loop.step(name)
        end = self.words_in if name in ("index", "base") else 0
        return (*reversed(steps), end - turned)

    def values(self, name: str) -> NDArray[np.int64]:
        """``index``, ``base``, ``y`` or ``x`` of every word of a frame.

        Returns
        -------
        int64 array (words_out,)
        """
        total = np.array([self.start[name]], np.int64)
        for loop in self._loops:
            total = (total[:, None] + np.arange(loop.size) * loop.step(name)).ravel()
        return total

    def outside(self, name: str) -> tuple[bool, ...]:
        """Empty where ``y`` or ``x`` never leaves the map; otherwise whether it does so below, and above."""
        axis = ("y", "x").index(name)
        w = self.window
        first = -w.padding[axis]
        out, size = ((w.out_height, w.height), (w.out_width, w.width))[axis]
        last = first + (out - 1) * w.stride[axis] + w.span[axis] - 1
        return (first < 0, last >= size) if first < 0 or last >= size else ()

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which words of a frame lie in the map: (words_out,)."""
        y, x = self.values("y"), self.values("x")
        return (y >= 0) & (y < self.window.height) & (x >= 0) & (x < self.window.width)

    @cached_property
    def needs(self) -> NDArray[np.int64]:
        """How many words of the frame must be accepted before each word is read: (words_out,).

        A word in the padding needs none; but the frame must have begun.
        """
        needs = np.where(self.inside, self.values("index") + 1, 0)
        needs[0] = max(needs[0], 1)
        return needs
