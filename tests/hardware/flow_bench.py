"""Units of any number of streams against their flow model: the cycle in which each word is accepted, offered, taken."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring

from bnnhw.folding.flow import Link, Run
from bnnhw.folding.flow import run as run_flow
from tests.hardware.bench import Driver, Monitor, run

__all__ = ["Feed", "Taker", "check_flow", "drive", "random_arrivals", "random_readiness"]


def random_arrivals(rng: random.Random, words: int, gap: float) -> list[int]:
    """The cycle from which each word is there, ascending; ``gap`` is the share of words that come late."""
    cycle, arrivals = 0, []
    for _ in range(words):
        cycle += rng.choice((1, 2, 5, 9)) if rng.random() < gap else 0
        arrivals.append(cycle)
        cycle += 1
    return arrivals


def random_readiness(rng: random.Random, stall: float, deaf: int = 0) -> list[bool]:
    """For each cycle of a run whether the consumer is ready, never in the first ``deaf``; afterwards it always is."""
    return [cycle >= deaf and rng.random() >= stall for cycle in range(deaf + 4000)]


@dataclass
class Feed:
    """An input stream: its words, and the cycle from which each is offered once those before it are accepted."""

    words: Sequence[int]
    arrivals: Sequence[int]
    accepted: list[int] = field(default_factory=list)

    def flow(self, link: Link) -> Run:
        ready = 0
        for word, arrival in enumerate(self.arrivals):
            link.offer(max(ready, arrival))
            ready = (yield from link.taken_at(word)) + 1


@dataclass
class Taker:
    """An output stream: how many words are awaited, and in which cycles they would be taken."""

    count: int
    readiness: Sequence[bool]
    words: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def ready(self, cycle: int) -> bool:
        return cycle >= len(self.readiness) or self.readiness[cycle]

    def flow(self, link: Link) -> Run:
        for word in range(self.count):
            while len(link.offered) <= word:
                yield
            cycle = link.offered[word]
            while not self.ready(cycle):
                cycle += 1
            yield from link.take(cycle)


def drive(
    dut: wiring.Component,
    feeds: dict[str, Feed],
    takers: dict[str, Taker],
    *,
    quiet: int = 12,
    cycles: int | None = None,
) -> None:
    """Simulates until all words are accepted and taken and ``quiet`` cycles more, or for ``cycles``; fills in what
    happened. Fails where an offered word changes or is withdrawn, or one comes too many.
    """
    rng = random.Random(1)
    drivers = {name: Driver(feed.words, arrivals=feed.arrivals) for name, feed in feeds.items()}
    monitors = {name: Monitor(taker.count) for name, taker in takers.items()}

    async def testbench(ctx: Any) -> None:
        cycle, rest = 0, quiet
        while rest if cycles is None else cycle < cycles:
            offering: dict[str, bool] = {}
            for name, driver in drivers.items():
                word = driver.offer(cycle, rng)
                port = getattr(dut, name)
                # What is not valid is noise.
                ctx.set(port.payload, rng.getrandbits(len(port.payload)) if word is None else word)
                ctx.set(port.valid, word is not None)
                offering[name] = word is not None
            ready = {name: taker.ready(cycle) for name, taker in takers.items()}
            for name in takers:
                ctx.set(getattr(dut, name).ready, ready[name])
            inputs = [getattr(dut, name).ready for name in drivers]
            outputs = [s for name in takers for s in (getattr(dut, name).valid, Value.cast(getattr(dut, name).payload))]
            _, _, *sampled = await ctx.tick().sample(*inputs, *outputs)
            for (name, driver), accepts in zip(drivers.items(), sampled[: len(drivers)], strict=True):
                if offering[name] and accepts:
                    driver.accept(cycle)
            for number, (name, monitor) in enumerate(monitors.items()):
                valid, payload = sampled[len(drivers) + 2 * number : len(drivers) + 2 * number + 2]
                monitor.sample(cycle, ready[name], valid, payload)
            cycle += 1
            done = all(len(d.accepted) == len(d.words) for d in drivers.values())
            if done and all(len(mon.words) == mon.count for mon in monitors.values()):
                rest -= 1

    run(dut, testbench, cycles=20_000 if cycles is None else cycles + 10)
    for name, feed in feeds.items():
        feed.accepted = drivers[name].accepted
    for name, taker in takers.items():
        monitor = monitors[name]
        taker.words, taker.offered, taker.taken = monitor.words, monitor.offered, monitor.taken


def check_flow(
    dut: wiring.Component,
    feeds: dict[str, Feed],
    takers: dict[str, Taker],
    flow: Callable[..., Run],
    frames: int,
    inner: Sequence[Link] = (),
) -> None:
    """Simulates, and compares every cycle with ``flow(*inputs, *outputs, frames)``; ``inner`` are links inside it."""
    drive(dut, feeds, takers)
    links = {name: Link() for name in (*feeds, *takers)}
    units = [flow(*links.values(), frames)]
    units += [feed.flow(links[name]) for name, feed in feeds.items()]
    units += [taker.flow(links[name]) for name, taker in takers.items()]
    run_flow(units, [*links.values(), *inner])
    for name, feed in feeds.items():
        assert links[name].taken == feed.accepted, name
    for name, taker in takers.items():
        assert links[name].offered == taker.offered, name
        assert links[name].taken == taker.taken, name
