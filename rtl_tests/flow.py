"""A unit's hardware and its flow model in the same traffic, every word's cycles compared; of any number of streams."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from amaranth.lib import wiring

from bnnhw.dataflow import flow
from bnnhw.dataflow.flow import Link
from bnnhw.dataflow.graph import Graph
from rtl_tests.streams import Driver, Drivers, Monitor, Monitors, Run, simulate

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
