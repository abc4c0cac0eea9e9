"""The bench of streams in Amaranth's simulator: the ends of streams, a running simulation, and flow models beside it.

One testbench steps drivers and monitors together, cycle by cycle: the signals of a cycle are set after the edge that
begins it and sampled at the edge that ends it, as registers see them. The same traffic runs through a unit's flow
model, whose words must move in the same cycles.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from bnnhw.dataflow import flow
from bnnhw.dataflow.flow import Link
from bnnhw.dataflow.graph import Graph


@dataclass
class Driver:
    """Offers words.

    Parameters
    ----------
    words : sequence of int
    gap : float
        Probability that a cycle passes before the next word is offered.
    arrivals : sequence of int, optional
        Instead of ``gap``: the cycle from which each word is offered, once those before it are accepted.

    Attributes
    ----------
    accepted : list of int
        The cycle in which each word was accepted.
    """

    words: Sequence[int]
    gap: float = 0.0
    arrivals: Sequence[int] | None = None
    accepted: list[int] = field(default_factory=list)
    _offering: bool = False

    def offer(self, cycle: int, rng: random.Random) -> int | None:
        """The word of this cycle, or None."""
        index = len(self.accepted)
        if index == len(self.words):
            return None
        if not self._offering:
            due = rng.random() >= self.gap if self.arrivals is None else cycle >= self.arrivals[index]
            self._offering = due
        return self.words[index] if self._offering else None

    def accept(self, cycle: int) -> None:
        self.accepted.append(cycle)
        self._offering = False


@dataclass
class Monitor:
    """Takes words; fails where an offered word changes or is withdrawn before it is taken.

    Parameters
    ----------
    count : int
        Words awaited.
    stall : float
        Probability that a cycle is not ready.
    deaf : int
        Cycles at the beginning that are not ready.
    readiness : sequence of bool, optional
        Instead of ``stall`` and ``deaf``: whether each cycle is ready; those behind all are.

    Attributes
    ----------
    words, offered, taken : list of int
        What came; the cycle from which it was offered and that in which it was taken.
    """

    count: int
    stall: float = 0.0
    deaf: int = 0
    readiness: Sequence[bool] | None = None
    words: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    _held: int | None = None

    def ready(self, cycle: int, rng: random.Random) -> bool:
        if self.readiness is not None:
            return cycle >= len(self.readiness) or self.readiness[cycle]
        return cycle >= self.deaf and rng.random() >= self.stall

    def sample(self, cycle: int, ready: bool, valid: int, payload: int) -> None:
        if self._held is not None:
            assert valid, f"cycle {cycle}: a word was withdrawn"
            assert payload == self._held, f"cycle {cycle}: a word changed while it waited"
        elif valid:
            assert len(self.words) < self.count, f"cycle {cycle}: a word too many"
            self.offered.append(cycle)
        self._held = payload if valid and not ready else None
        if valid and ready:
            self.words.append(payload)
            self.taken.append(cycle)


Drivers: TypeAlias = Mapping[str, Driver]
"""By the names of input streams."""

Monitors: TypeAlias = Mapping[str, Monitor]
"""By the names of output streams."""


Scenario: TypeAlias = Callable[["Run"], Awaitable[None]]


class Run:
    """A running simulation of a unit."""

    def __init__(self, ctx: Any, dut: Any, reset: Any, seed: int) -> None:
        self._ctx = ctx
        self._dut = dut
        self._reset = reset
        self._rng = random.Random(seed)

    async def stream(self, driver: Driver, monitor: Monitor, cycles: int | None = None, quiet: int = 12) -> None:
        """:meth:`streams` of a unit with the streams ``input`` and ``output``."""
        await self.streams({"input": driver}, {"output": monitor}, cycles, quiet)

    async def streams(self, drivers: Drivers, monitors: Monitors, cycles: int | None = None, quiet: int = 12) -> None:
        """Until all words are accepted and all awaited ones taken, and ``quiet`` cycles more, or for some cycles.

        Cycles count from 0 anew.
        """
        ctx = self._ctx
        sources = [(driver, getattr(self._dut, name)) for name, driver in drivers.items()]
        sinks = [(monitor, getattr(self._dut, name)) for name, monitor in monitors.items()]
        sampled = [port.ready for _, port in sources]
        sampled += [signal for _, port in sinks for signal in (port.valid, Value.cast(port.payload))]
        cycle, rest = 0, quiet
        while rest if cycles is None else cycle < cycles:
            offering: list[bool] = []
            for driver, port in sources:
                word = driver.offer(cycle, self._rng)
                # What is not valid is noise.
                ctx.set(port.payload, self._rng.getrandbits(len(port.payload)) if word is None else word)
                ctx.set(port.valid, word is not None)
                offering.append(word is not None)
            ready = [monitor.ready(cycle, self._rng) for monitor in monitors.values()]
            for (_, port), value in zip(sinks, ready, strict=True):
                ctx.set(port.ready, value)
            _, _, *values = await ctx.tick().sample(*sampled)
            for (driver, _), offers, accepts in zip(sources, offering, values, strict=False):
                if offers and accepts:
                    driver.accept(cycle)
            for number, monitor in enumerate(monitors.values()):
                valid, payload = values[len(sources) + 2 * number :][:2]
                monitor.sample(cycle, ready[number], valid, payload)
            cycle += 1
            done = all(len(driver.accepted) == len(driver.words) for driver in drivers.values())
            if done and all(len(monitor.words) == monitor.count for monitor in monitors.values()):
                rest -= 1
        for _, port in sources:
            ctx.set(port.valid, 0)
        for _, port in sinks:
            ctx.set(port.ready, 0)

    async def reset(self) -> None:
        """One cycle of reset."""
        self._ctx.set(self._reset, 1)
        await self._ctx.tick()
        self._ctx.set(self._reset, 0)


def simulate(dut: wiring.Component, scenario: Scenario, *, seed: int = 0, cycles: int = 20_000) -> None:
    """Runs a scenario; a watchdog in the background ends what takes more than so many cycles."""

    async def testbench(ctx: Any) -> None:
        await scenario(Run(ctx, dut, domain.rst, seed))

    run(dut, testbench, cycles=cycles, domain=(domain := ClockDomain("sync")))


def run(
    dut: wiring.Component,
    testbench: Callable[[Any], Awaitable[None]],
    *,
    cycles: int = 20_000,
    domain: ClockDomain | None = None,
) -> None:
    """Runs a testbench of any unit, under the same watchdog."""
    m = Module()
    # A domain of our own: its reset is a signal to drive, and units without registers get a clock too.
    m.domains.sync = ClockDomain("sync") if domain is None else domain
    m.submodules.dut = dut

    async def watchdog(ctx: Any) -> None:
        for _ in range(cycles):
            await ctx.tick()
        raise TimeoutError(f"no end after {cycles} cycles")

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(watchdog, background=True)
    simulator.run()


def differences(values: Sequence[int]) -> list[int]:
    return [b - a for a, b in zip(values, values[1:], strict=False)]


TRAFFIC = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.3, 0.3), (0.9, 0.1), (0.02, 0.97))
"""Gaps before words and stalls of the sink: the share of cycles."""


def random_arrivals(rng: random.Random, words: int, gap: float) -> list[int]:
    """The cycle from which each word is there: now and then a long gap among the short ones."""
    cycle, arrivals = 0, []
    for _ in range(words):
        while rng.random() < gap:
            cycle += rng.choice((1, 1, 1, 12))
        arrivals.append(cycle)
        cycle += 1
    return arrivals


def random_readiness(rng: random.Random, stall: float, deaf: int = 0, cycles: int = 4000) -> list[bool]:
    """Whether each of so many cycles is ready, after ``deaf`` that are not."""
    return [False] * deaf + [rng.random() >= stall for _ in range(cycles)]


def source_of(driver: Driver, link: Link) -> flow.Run:
    """What a driver does whose words arrive at known cycles."""
    if driver.gap:
        raise ValueError("a driver's gaps must be arrivals")
    after = 0
    for word in range(len(driver.words)):
        link.offer(max(driver.arrivals[word] if driver.arrivals is not None else 0, after))
        after = (yield from link.taken_at(word)) + 1


def sink_of(monitor: Monitor, link: Link) -> flow.Run:
    """What a monitor does whose readiness is known."""
    if monitor.stall:
        raise ValueError("a monitor's stalls must be readiness")
    rng = random.Random()
    for word in range(monitor.count):
        while len(link.offered) <= word:
            yield
        cycle = link.offered[word]
        while not monitor.ready(cycle, rng):
            cycle += 1
        yield from link.take(cycle)


def links_of(
    start: Callable[..., flow.Run], drivers: Drivers, monitors: Monitors, frames: int, inner: Sequence[Link] = ()
) -> dict[str, Link]:
    """The streams of the unit ``start(*inputs, *outputs, frames=frames)`` in such traffic, and those inside it."""
    links = {name: Link() for name in (*drivers, *monitors)}
    units = [(start(*links.values(), frames=frames), (*links.values(), *inner))]
    units += [(source_of(driver, links[name]), (links[name],)) for name, driver in drivers.items()]
    units += [(sink_of(monitor, links[name]), (links[name],)) for name, monitor in monitors.items()]
    flow.Timeline(units).finish()
    return links


def streams_of(units: Graph, driver: Driver, monitor: Monitor, frames: int) -> list[Link]:
    """The streams of an accelerator in such traffic, by number."""
    links = [Link() for _ in range(units.streams)]
    runs = [node.flow(links, frames) for node in units.nodes]
    runs.append((source_of(driver, links[0]), (links[0],)))
    runs.append((sink_of(monitor, links[units.output]), (links[units.output],)))
    flow.Timeline(runs).finish()
    return links


def compare(links: dict[str, Link], drivers: Drivers, monitors: Monitors) -> None:
    """Fails where a word was accepted, offered or taken in another cycle than the model says."""
    for name, driver in drivers.items():
        assert links[name].taken == driver.accepted, name
    for name, monitor in monitors.items():
        assert links[name].offered == monitor.offered, name
        assert links[name].taken == monitor.taken, name


def drive(dut: wiring.Component, drivers: Drivers, monitors: Monitors, cycles: int | None = None) -> None:
    """Simulates until all words are accepted and taken, or for ``cycles``."""

    async def scenario(bench: Run) -> None:
        await bench.streams(drivers, monitors, cycles)

    simulate(dut, scenario, seed=1)


def check_cycles(
    dut: wiring.Component,
    drivers: Drivers,
    monitors: Monitors,
    start: Callable[..., flow.Run],
    frames: int,
    inner: Sequence[Link] = (),
) -> None:
    """Simulates, and compares every word's cycles with those of :func:`links_of`."""
    drive(dut, drivers, monitors)
    compare(links_of(start, drivers, monitors, frames, inner), drivers, monitors)


def check_flow(
    unit: wiring.Component,
    start: Callable[[Link, Link, int], flow.Run],
    words_in: int,
    words_out: int,
    *,
    frames: int = 6,
    seed: int = 0,
) -> None:
    """A unit with one input and one output in all :data:`TRAFFIC`, one after the other.

    Parameters
    ----------
    words_in, words_out : int
        Words a frame on either side.
    """
    rng = random.Random(seed)
    width = len(unit.input.payload)

    async def scenario(bench: Run) -> None:
        for gap, stall in TRAFFIC:
            arrivals = random_arrivals(rng, frames * words_in, gap)
            readiness = random_readiness(rng, stall, cycles=40 * frames * words_out)
            drivers = {"input": Driver([rng.getrandbits(width) for _ in arrivals], arrivals=arrivals)}
            monitors = {"output": Monitor(frames * words_out, readiness=readiness)}
            await bench.streams(drivers, monitors)
            compare(links_of(start, drivers, monitors, frames), drivers, monitors)

    simulate(unit, scenario, seed=seed, cycles=60_000)
