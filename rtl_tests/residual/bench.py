"""What is simulated of fork, body, queue and join."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.dataflow import flow
from bnnhw.dataflow.queues import deadlock_free_depth
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected
from rtl_tests.residual.fork_join import ForkJoin, Swallower, fork_join

__all__ = ["UNITS"]


@dataclass(frozen=True)
class ForkJoinModel:
    """Every word comes out twice its value."""

    width: int
    words: int

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.width) for _ in range(self.words)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        return [Expected(2 * word, (2 << self.width) - 1) for word in words]


def _fork_join(swallowed: int, words: int) -> StreamUnit:
    depth, frames = deadlock_free_depth(Swallower.needed(swallowed, words)), 12
    source, sink, *inner = links = [flow.Link() for _ in range(6)]
    units = (
        (flow.source(source, frames * words), (source,)),
        (fork_join(swallowed, words, depth, inner, source, sink, frames), links),
        (flow.sink(sink, frames * words), (sink,)),
    )
    flow.Timeline(units).finish()
    last = sink.offered[words - 1 :: words]
    # The queue, the body and the sum fill up one after the other: how many words that is no formula says.
    return StreamUnit(
        "fork_join",
        lambda: ForkJoin(7, swallowed, words, depth),
        ForkJoinModel(7, words),
        interval=last[-1] - last[-2],
        latency=last[0] - source.taken[0],
        stored_words=None,
    )


UNITS = (_fork_join(5, 16),)
