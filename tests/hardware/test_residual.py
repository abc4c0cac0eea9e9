# amaranth: UnusedElaboratable=no
"""Fork, join and the queue between them: words, the cycle of each, and what happens without room."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding.flow import Deadlock, Link, Timeline
from bnnhw.folding.residual import (
    AddPipeline,
    BufferPipeline,
    ForkPipeline,
    deadlock_free_depth,
    full_speed_depth,
)
from bnnhw.hardware.residual import Add, Fork, StreamBuffer
from bnnhw.ir import DataType
from bnnhw.verify.fork_join import ForkJoin, Swallower
from tests.hardware.bench import differences, join, memories, register_bits, split
from tests.hardware.flow import check_cycles, drive, links_of, random_arrivals, random_readiness, sink_of, source_of
from tests.hardware.streams import Driver, Monitor

GENERIC = technology("generic")
TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0.2, 0.8, 0), (0, 0, 60)]


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 8, 13, 70])
def test_buffer(depth: int, traffic: tuple[float, float, int]) -> None:
    rng = random.Random(depth)
    gap, stall, deaf = traffic
    frames, words = 4, 23
    p = BufferPipeline(words, 8, depth)
    driver = Driver(rng.choices(range(256), k=frames * words), arrivals=random_arrivals(rng, frames * words, gap))
    monitor = Monitor(frames * words, readiness=random_readiness(rng, stall, 2 * deaf))
    check_cycles(StreamBuffer(8, depth, GENERIC), {"input": driver}, {"output": monitor}, p.flow, frames)
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
    dut = StreamBuffer(width, depth, technology(family))
    assert dut.style == style == dut.pipeline.buffer_style(technology(family))
    assert dut.module_name == f"bnnhw_buffer_{width}x{depth}_{style}"


def test_buffer_storage() -> None:
    """A memory of all words but one; the memory's own output register is not counted."""
    assert memories(StreamBuffer(8, 100, GENERIC)) == {"top.words": (99, 8)}
    assert register_bits(StreamBuffer(8, 100, GENERIC)) == 2 * 7 + 2 * 7 + 3
    assert register_bits(StreamBuffer(8, 2, GENERIC)) == 2 * 8 + 2


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
    p = ForkPipeline(words)
    check_cycles(Fork(8), {"input": driver}, monitors, p.flow, frames)
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
    dut = Add(*types, lanes)
    p = AddPipeline(words)
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
    assert sums.min() >= dut.dtype.minimum and sums.max() <= dut.dtype.maximum
    due = (sums % dut.dtype.levels).tolist()
    assert [v for word in monitor.words for v in split(word, lanes, dut.dtype.bits)] == due


def test_add_at_full_speed() -> None:
    dut = Add(DataType("uint", 4), DataType("uint", 4), 1)
    drivers = {name: Driver(list(range(16))) for name in ("first", "second")}
    monitor = Monitor(16)
    check_cycles(dut, drivers, {"output": monitor}, AddPipeline(16).flow, 1)
    assert monitor.words == [2 * k for k in range(16)]
    assert monitor.offered == list(range(1, 17))
    assert monitor.offered[-1] - drivers["first"].accepted[0] == AddPipeline(16).latency


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
        StreamBuffer(8, 0, GENERIC)
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        Add(DataType("uint", 2), DataType("uint", 2), 0)
