# amaranth: UnusedElaboratable=no
"""Several units as one pipeline against counting, and the cycle of every word against the flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.straight.rtl import Straight
from rtl_tests.flow import check_cycles, check_flow, random_arrivals, random_readiness
from rtl_tests.storage import register_bits
from rtl_tests.straight.bench import decided
from rtl_tests.straight.networks import pipeline
from rtl_tests.streams import Driver, Monitor, differences

TRAFFIC = ((0.0, 0.0, 0), (0.3, 0.0, 0), (0.0, 0.5, 0), (0.4, 0.4, 0), (0.0, 0.0, 40))
"""Gaps at the input, stalls at the output, cycles at the beginning in which nothing is taken."""


@pytest.mark.parametrize(("family", "regions"), [("ice40", 1), ("ecp5", 1), ("ecp5", 2), ("generic", 1)])
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_words_and_cycles(family: str, regions: int, traffic: tuple[float, float, int]) -> None:
    unit = Straight(pipeline(9, 12, 3, family, (2, -5), regions))
    gap, stall, deaf = traffic
    rng = random.Random(f"{family} {traffic}")
    words = [rng.getrandbits(9) for _ in range(40)]
    driver = Driver(words, arrivals=random_arrivals(rng, 40, gap))
    monitor = Monitor(40, readiness=random_readiness(rng, stall, deaf))
    check_cycles(unit, {"input": driver}, {"output": monitor}, unit.model.timing.flow, 40)
    assert monitor.words == [decided(unit.model, word) for word in words]
    if traffic == (0, 0, 0):
        assert set(differences(driver.accepted)) == {1}
        assert monitor.offered[0] - driver.accepted[0] == unit.model.timing.latency


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_flow(family: str) -> None:
    unit = Straight(pipeline(5, 4, 2, family))
    check_flow(unit, unit.model.timing.flow, 1, 1, frames=25)


def test_one_handshake() -> None:
    """A bit for each stage, the enable, two words, how many they are and whether any; no part has a handshake."""
    unit = pipeline(5, 4, 2, "ice40")
    tables, sums, best = unit.parts
    alone = sum(register_bits(part.component()) for part in (tables, sums, best))
    assert register_bits(Straight(unit)) == alone + 1 + 2 * unit.outputs[0].width + 2 + 1


def test_copies() -> None:
    """With copies a stage more: its registers, its valid bit, and a place more in the queue and in its two counts."""
    plain, copied = pipeline(9, 12, 3, "ecp5"), pipeline(9, 12, 3, "ecp5", regions=2)
    tables = copied.parts[0]
    assert isinstance(tables, LookupUnit) and len(tables.copies) > int(np.sum(tables.read))
    assert copied.timing.latency == plain.timing.latency + 1
    more = register_bits(Straight(copied)) - register_bits(Straight(plain))
    assert more == len(tables.copies) + 1 + plain.outputs[0].width + 2
    assert copied.resources(copied.technology).ff - plain.resources(plain.technology).ff == more
