# amaranth: UnusedElaboratable=no
"""Channel inverters against NumPy, and the cycle of every word against their flow model."""

from __future__ import annotations

import random

import pytest

from bnnhw.ir import MaxPool
from bnnhw.units.invert.model import InvertUnit
from bnnhw.units.invert.rtl import ChannelInverter
from rtl_tests.flow import check_cycles, random_arrivals, random_readiness
from rtl_tests.pool.maps import channel_words, check_words, complemented, make_layer, random_map
from rtl_tests.streams import Driver, Monitor


@pytest.mark.parametrize("lanes, channels", [(1, 1), (1, 3), (2, 5), (4, 4), (3, 2)])
@pytest.mark.parametrize("kind", ["max", "min", "mixed"])
def test_inverter(kind: str, lanes: int, channels: int) -> None:
    rng = random.Random(f"{kind} {lanes} {channels}")
    layer = make_layer(kind, "int3", channels, (2, 2), seed=channels)
    assert isinstance(layer, MaxPool)
    frames = 2
    maps = [random_map(layer, rng) for _ in range(frames)]
    sent = [int(w) for codes in maps for w in channel_words(codes, lanes, 3, rng).reshape(-1)]
    p = InvertUnit(layer, lanes).timing
    driver = Driver(sent, arrivals=random_arrivals(rng, len(sent), 0.3))
    monitor = Monitor(len(sent), readiness=random_readiness(rng, 0.4))
    check_cycles(ChannelInverter(InvertUnit(layer, lanes)), {"input": driver}, {"output": monitor}, p.flow, frames)
    for frame, codes in enumerate(maps):
        words = monitor.words[frame * p.words : (frame + 1) * p.words]
        check_words(words, complemented(layer, codes), lanes, 3)
