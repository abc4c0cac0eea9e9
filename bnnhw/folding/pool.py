"""The pooling unit: how many taps make a word, and when each word moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnhw.folding.flow import Link, Run
from bnnhw.folding.word_pipeline import WordPipeline, wires
from bnnhw.ir import MaxPool, SumPool

__all__ = ["InverterPipeline", "PoolPipeline", "inverter_pipeline", "pool_padding_code", "pool_pipeline"]


def pool_padding_code(layer: MaxPool | SumPool) -> int:
    """The code that the window unit in front of a pooling unit must pad with.

    Of a maximum the least code, which never wins, because no window lies wholly in the padding; channels that take the
    minimum are complemented in front of the window unit, where theirs are maxima too. Of a sum, 0.
    """
    return int(layer.input.codes(np.array(0))) if isinstance(layer, MaxPool) else 0


@dataclass(frozen=True)
class PoolPipeline:
    """Cycles of :class:`~bnnhw.hardware.pool.PoolReduce`.

    Parameters
    ----------
    area : int
        Words in that make a word out.
    words_out : int
        Words out a frame.
    """

    area: int
    words_out: int

    @property
    def words_in(self) -> int:
        """Words in a frame."""
        return self.area * self.words_out

    @property
    def interval(self) -> int:
        """II: cycles a frame, one for each word in."""
        return self.words_in

    @property
    def depth(self) -> int:
        """Cycles from the last of a word's taps accepted to the word offered."""
        return 1

    @property
    def latency(self) -> int:
        """Cycles from a frame's first word accepted to its last word offered, never waiting."""
        return self.words_in - 1 + self.depth

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move. All taps but a word's last are always accepted.

        A word's last tap waits until the word before has left the output register; with a single tap it may follow in
        the cycle in which that is taken, with more of them there is time to wait for the register to be empty.
        """
        cycle = -1
        for word in range(frames * self.words_out):
            for _ in range(self.area - 1):
                cycle = yield from source.take(cycle + 1)
            ready = cycle + 1
            if word:
                ready = max(ready, (yield from sink.taken_at(word - 1)) + (self.area > 1))
            cycle = yield from source.take(ready)
            sink.offer(cycle + 1)


def pool_pipeline(layer: MaxPool | SumPool, lanes: int) -> PoolPipeline:
    """The pipeline of a layer's reduction; ``lanes`` elements a word."""
    return PoolPipeline(layer.window.area, layer.window.positions * -(-layer.window.channels // lanes))


class InverterPipeline(WordPipeline):
    """Cycles of :class:`~bnnhw.hardware.pool.ChannelInverter`: none, it is wires."""

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move: at both ends in the same cycle."""
        return wires(source, [sink], frames * self.words)


def inverter_pipeline(layer: MaxPool, lanes: int) -> InverterPipeline:
    """The pipeline of the inverter in front of a layer's window unit; ``lanes`` elements a word."""
    window = layer.window
    return InverterPipeline(window.height * window.width * -(-window.channels // lanes))
