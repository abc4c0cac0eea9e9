# amaranth: UnusedElaboratable=no
"""Fork, body, queue and join: words, the cycle of each, and what happens without room."""

from __future__ import annotations

import random

import pytest

from bnnhw.dataflow.flow import Deadlock, Link, Timeline
from bnnhw.dataflow.queues import deadlock_free_depth, full_speed_depth
from rtl_tests.flow import check_cycles, drive, links_of, random_arrivals, random_readiness, sink_of, source_of
from rtl_tests.residual.fork_join import ForkJoin, Swallower
from rtl_tests.streams import Driver, Monitor

TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0.2, 0.8, 0), (0, 0, 60)]


SWALLOWS = [(0, 6), (1, 6), (2, 5), (3, 12), (7, 20), (9, 10), (30, 12)]
"""Words that a body swallows, words per frame."""


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
