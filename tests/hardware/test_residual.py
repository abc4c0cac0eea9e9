# amaranth: UnusedElaboratable=no
"""Fork, join and the queue between them: words, the cycle of each, and what happens without room."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.dataflow.flow import Deadlock, Link, Timeline
from bnnhw.dataflow.queues import deadlock_free_depth, full_speed_depth
from bnnhw.devices import technology
from bnnhw.ir import DataType
from bnnhw.units.add.model import AddTiming, AddUnit
from bnnhw.units.add.rtl import Add
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.buffer.rtl import StreamBuffer
from bnnhw.units.fork.model import ForkUnit
from bnnhw.units.fork.rtl import Fork
from bnnhw.verify.fork_join import ForkJoin, Swallower
from tests.hardware.bench import differences, join, memories, register_bits, split
from tests.hardware.flow import check_cycles, drive, links_of, random_arrivals, random_readiness, sink_of, source_of
from tests.hardware.streams import Driver, Monitor

TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0.2, 0.8, 0), (0, 0, 60)]


def buffer(width: int, depth: int, family: str = "generic", words: int = 1) -> BufferUnit:
    return BufferUnit(StreamFormat.whole_words(1, width, words), depth, technology(family))


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 8, 13, 70])
def test_buffer(depth: int, traffic: tuple[float, float, int]) -> None:
    rng = random.Random(depth)
    gap, stall, deaf = traffic
    frames, words = 4, 23
    unit = buffer(8, depth, words=words)
    p = unit.timing
    driver = Driver(rng.choices(range(256), k=frames * words), arrivals=random_arrivals(rng, frames * words, gap))
    monitor = Monitor(frames * words, readiness=random_readiness(rng, stall, 2 * deaf))
    check_cycles(StreamBuffer(unit), {"input": driver}, {"output": monitor}, p.flow, frames)
    assert monitor.words == driver.words
    if deaf:
        assert sum(cycle < 2 * deaf for cycle in driver.accepted) == min(depth, frames * words)
    if traffic == (0, 0, 0):
        assert monitor.offered[words - 1] - driver.accepted[0] == p.latency
        assert monitor.offered[2 * words - 1] - monitor.offered[words - 1] == p.interval
        assert monitor.offered[0] - driver.accepted[0] == p.delay
        assert set(differences(monitor.offered)) == {2 if depth == 1 else 1}


@pytest.mark.parametrize(
    "width, depth, family, style",
    [(8, 2, "ecp5", "registers"), (8, 17, "ecp5", "registers"), (8, 18, "ecp5", "distributed")]
    + [(8, 66, "ecp5", "block"), (8, 18, "ice40", "block"), (1, 100, "generic", "registers")],
)
def test_buffer_style(width: int, depth: int, family: str, style: str) -> None:
    unit = buffer(width, depth, family)
    assert unit.style == style
    assert StreamBuffer(unit).module_name == f"bnnhw_buffer_{width}x{depth}_{style}"


def test_buffer_storage() -> None:
    """A memory of all words but one; the memory's own output register is not counted."""
    assert memories(StreamBuffer(buffer(8, 100))) == {"top.words": (99, 8)}
    assert register_bits(StreamBuffer(buffer(8, 100))) == 2 * 7 + 2 * 7 + 3
    assert register_bits(StreamBuffer(buffer(8, 2))) == 2 * 8 + 2


@pytest.mark.parametrize("seed", range(8))
def test_fork(seed: int) -> None:
    rng = random.Random(seed)
    frames, words = 3, 15
    gap, stalls = rng.choice((0, 0.4)), [rng.choice((0, 0.3, 0.8)) for _ in range(2)]
    driver = Driver(rng.choices(range(256), k=frames * words), arrivals=random_arrivals(rng, frames * words, gap))
    monitors = {
        name: Monitor(frames * words, readiness=random_readiness(rng, stall))
        for name, stall in zip(("first", "second"), stalls, strict=True)
    }
    unit = ForkUnit(StreamFormat.whole_words(1, 8, words))
    p = unit.timing
    check_cycles(Fork(unit), {"input": driver}, monitors, p.flow, frames)
    assert all(monitor.words == driver.words for monitor in monitors.values())
    if not gap and not any(stalls):
        assert set(differences(driver.accepted)) == {1}
        assert monitors["first"].offered[words - 1] - driver.accepted[0] == p.latency


@pytest.mark.parametrize(
    "one, other", [("int4", "int7"), ("uint3", "uint3"), ("uint4", "int3"), ("bipolar", "int5"), ("bipolar", "bipolar")]
)
@pytest.mark.parametrize("lanes", [1, 3])
def test_add(lanes: int, one: str, other: str) -> None:
    rng = random.Random(f"{lanes} {one} {other}")
    frames, words = 3, 20
    types = DataType.parse(one), DataType.parse(other)
    unit = AddUnit(*types, StreamFormat.whole_words(lanes, types[0].bits, words))
    dut, p = Add(unit), unit.timing
    sums = None
    drivers: dict[str, Driver] = {}
    for name, dtype in zip(("first", "second"), types, strict=True):
        codes = np.array([rng.randrange(dtype.levels) for _ in range(frames * words * lanes)])
        packed = [join(row, dtype.bits) for row in codes.reshape(-1, lanes).tolist()]
        gap = rng.choice((0, 0.4))
        drivers[name] = Driver(packed, arrivals=random_arrivals(rng, len(packed), gap))
        sums = dtype.values(codes) + (0 if sums is None else sums)
    monitor = Monitor(frames * words, readiness=random_readiness(rng, rng.choice((0, 0.4))))
    check_cycles(dut, drivers, {"output": monitor}, p.flow, frames)
    assert sums is not None
    assert sums.min() >= unit.dtype.minimum and sums.max() <= unit.dtype.maximum
    due = (sums % unit.dtype.levels).tolist()
    assert [v for word in monitor.words for v in split(word, lanes, unit.dtype.bits)] == due


def test_add_at_full_speed() -> None:
    dut = Add(AddUnit(DataType("uint", 4), DataType("uint", 4), StreamFormat.whole_words(1, 4, 16)))
    drivers = {name: Driver(list(range(16))) for name in ("first", "second")}
    monitor = Monitor(16)
    check_cycles(dut, drivers, {"output": monitor}, AddTiming(16).flow, 1)
    assert monitor.words == [2 * k for k in range(16)]
    assert monitor.offered == list(range(1, 17))
    assert monitor.offered[-1] - drivers["first"].accepted[0] == AddTiming(16).latency


SWALLOWS = [(0, 6), (1, 6), (2, 5), (3, 12), (7, 20), (9, 10), (30, 12)]
"""Words that a body swallows, words a frame."""


@pytest.mark.parametrize("swallowed, words", SWALLOWS)
def test_fork_and_join(swallowed: int, words: int) -> None:
    """With the derived depth all words come, in the very cycles of the flow models, whatever the traffic."""
    depth = deadlock_free_depth(Swallower.needed(swallowed, words))
    rng = random.Random(words)
    for gap, stall, deaf in TRAFFIC:
        dut = ForkJoin(8, swallowed, words, depth)
        driver = Driver(rng.choices(range(256), k=3 * words), arrivals=random_arrivals(rng, 3 * words, gap))
        monitor = Monitor(3 * words, readiness=random_readiness(rng, stall, deaf))
        check_cycles(dut, {"input": driver}, {"output": monitor}, dut.flow, 3, dut.links)
        assert monitor.words == [2 * word for word in driver.words]


@pytest.mark.parametrize("swallowed, words", [s for s in SWALLOWS if s[0] > 1])
def test_one_word_less_deadlocks(swallowed: int, words: int) -> None:
    """In simulation nothing comes, ever; the flow model says so."""
    depth = deadlock_free_depth(Swallower.needed(swallowed, words)) - 1
    dut = ForkJoin(8, swallowed, words, depth)
    driver, monitor = Driver([1] * (3 * words)), Monitor(3 * words)
    drive(dut, {"input": driver}, {"output": monitor}, cycles=300)
    assert monitor.words == []
    # The body took one word more than the queue holds, and the fork has both branches' takings before it accepts.
    assert len(driver.accepted) == depth
    source, sink = Link(), Link()
    units = (
        (source_of(driver, source), (source,)),
        (dut.flow(source, sink, 3), (source, sink, *dut.links)),
        (sink_of(monitor, sink), (sink,)),
    )
    with pytest.raises(Deadlock, match=r"^3 units wait for each other$"):
        Timeline(units).finish()
    assert len(source.taken) == depth


@pytest.mark.parametrize("swallowed, words", SWALLOWS)
def test_full_speed_depth(swallowed: int, words: int) -> None:
    """A queue of that depth never holds its producer up; one word less does, where it is not the least there is."""

    def cycles(depth: int) -> tuple[Link, list[Link]]:
        dut = ForkJoin(8, swallowed, words, depth)
        ends = {"input": Driver([0] * (4 * words))}, {"output": Monitor(4 * words)}
        return links_of(dut.flow, *ends, 4, dut.links)["output"], dut.links

    deep, inner = cycles(4 * words)
    depth = full_speed_depth(inner[1].taken, inner[3].taken)
    assert cycles(depth)[0].taken == deep.taken
    if depth > 3:
        less = inner[1].taken
        assert cycles(depth - 1)[1][1].taken != less


def test_deadlock_free_depth() -> None:
    assert deadlock_free_depth([1, 2, 3]) == 1
    assert deadlock_free_depth([4, 5, 6, 6, 6, 6]) == 3
    # A window of three rows and a pool that takes two positions for one are alike: what counts is who needs how many.
    assert deadlock_free_depth([2, 6, 6, 8]) == 4


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^depth must be positive, not 0$"):
        buffer(8, 0)
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        AddUnit(DataType("uint", 2), DataType("uint", 2), StreamFormat(0, 2, 1, 1))
