"""The bench of streams in Amaranth's simulator: the ends of streams, and a running simulation.

One testbench steps drivers and monitors together, cycle by cycle: the signals of a cycle are set after the edge that
begins it and sampled at the edge that ends it, as registers see them.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from amaranth.hdl import ClockDomain, Elaboratable, Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator


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

Testbench: TypeAlias = Callable[[Any], Awaitable[None]]
"""A testbench of Amaranth's simulator."""


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
    dut: Elaboratable,
    *testbenches: Testbench,
    background: Iterable[Testbench] = (),
    cycles: int = 200_000,
    domain: ClockDomain | None = None,
) -> None:
    """Runs testbenches of any unit until all but those in the background have ended, under the same watchdog."""
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
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    for watcher in (*background, watchdog):
        simulator.add_testbench(watcher, background=True)
    simulator.run()


async def idle(ctx: Any, cycles: int) -> None:
    """Waits. (Not ``repeat``: its generator can't be closed while a background testbench is suspended in it.)"""
    for _ in range(cycles):
        await ctx.tick()


async def until(ctx: Any, condition: Any, value: Any = None) -> Any:
    """Waits for the first edge at which the condition holds; returns what the value is there."""
    while True:
        _, _, holds, seen = await ctx.tick().sample(condition, condition if value is None else value)
        if holds:
            return seen


async def send(ctx: Any, port: Any, words: Iterable[Any], gap: int = 0) -> None:
    """Offers words on a stream, ``gap`` idle cycles after each."""
    for word in words:
        ctx.set(port.payload, word)
        ctx.set(port.valid, 1)
        await until(ctx, port.ready)
        ctx.set(port.valid, 0)
        await idle(ctx, gap)


async def receive(ctx: Any, port: Any, count: int, stall: int = 0) -> list[Any]:
    """Takes words from a stream, ``stall`` cycles late each, and checks that a word holds while it waits."""
    words = []
    for _ in range(count):
        if stall:
            ctx.set(port.ready, 0)
            word = await until(ctx, port.valid, port.payload)
            for _ in range(stall):
                _, _, valid, held = await ctx.tick().sample(port.valid, port.payload)
                assert valid and held == word
        ctx.set(port.ready, 1)
        words.append(await until(ctx, port.valid, port.payload))
    ctx.set(port.ready, 0)
    return words


def differences(values: Sequence[int]) -> list[int]:
    return [b - a for a, b in zip(values, values[1:], strict=False)]
