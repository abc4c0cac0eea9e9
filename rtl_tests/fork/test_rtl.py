# amaranth: UnusedElaboratable=no
"""Forks: words, and the cycle of each."""

from __future__ import annotations

import random

import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.units.fork.model import ForkUnit
from bnnhw.units.fork.rtl import Fork
from rtl_tests.flow import check_cycles, random_arrivals, random_readiness
from rtl_tests.streams import Driver, Monitor, differences


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
