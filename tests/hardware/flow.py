"""A unit's hardware and its flow model under the same traffic, every word's cycles compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from amaranth.lib import wiring

from bnnhw.folding import flow
from bnnhw.folding.flow import Link
from tests.hardware.bench import Driver, Monitor, Run, simulate

Flow: TypeAlias = Callable[[Link, Link, int], flow.Run]

TRAFFIC = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.3, 0.3), (0.9, 0.1), (0.02, 0.97))
"""Gaps before words and stalls of the sink: the share of cycles."""


@dataclass
class PacedMonitor(Monitor):
    """Ready in the cycles of a pattern, and in all behind it."""

    pattern: Sequence[bool] = field(default_factory=list)

    def ready(self, cycle: int, rng: random.Random) -> bool:
        return cycle >= len(self.pattern) or self.pattern[cycle]


def arrivals_of(rng: random.Random, words: int, gap: float) -> list[int]:
    """The cycle from which each word is there: now and then a long gap among the short ones."""
    cycle, arrivals = 0, []
    for _ in range(words):
        while rng.random() < gap:
            cycle += rng.choice((1, 1, 1, 12))
        arrivals.append(cycle)
        cycle += 1
    return arrivals


def paced_source(link: Link, arrivals: Sequence[int]) -> flow.Run:
    after = 0
    for word, arrival in enumerate(arrivals):
        link.offer(max(arrival, after))
        after = (yield from link.taken_at(word)) + 1


def paced_sink(link: Link, words: int, pattern: Sequence[bool]) -> flow.Run:
    for word in range(words):
        while len(link.offered) <= word:
            yield
        cycle = link.offered[word]
        while cycle < len(pattern) and not pattern[cycle]:
            cycle += 1
        yield from link.take(cycle)


def check_flow(
    unit: wiring.Component, model: Flow, words_in: int, words_out: int, *, frames: int = 6, seed: int = 0
) -> None:
    """Fails where a word is accepted, offered or taken in another cycle than the model says.

    Parameters
    ----------
    words_in, words_out : int
        Words a frame on either side.
    """
    rng = random.Random(seed)
    width = len(unit.input.payload)

    async def scenario(bench: Run) -> None:
        for gap, stall in TRAFFIC:
            arrivals = arrivals_of(rng, frames * words_in, gap)
            pattern = [rng.random() >= stall for _ in range(40 * frames * words_out)]
            source, sink = Link(), Link()
            units = [
                paced_source(source, arrivals),
                model(source, sink, frames),
                paced_sink(sink, frames * words_out, pattern),
            ]
            flow.run(units, (source, sink))
            driver = Driver([rng.getrandbits(width) for _ in arrivals], arrivals=arrivals)
            monitor = PacedMonitor(frames * words_out, pattern=pattern)
            await bench.stream(driver, monitor)
            assert (source.taken, sink.offered, sink.taken) == (driver.accepted, monitor.offered, monitor.taken)

    simulate(unit, scenario, seed=seed, cycles=60_000)
