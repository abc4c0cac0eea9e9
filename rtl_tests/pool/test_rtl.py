# amaranth: UnusedElaboratable=no
"""Pooling against NumPy, and the cycle of every word against its flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.ir import DataType, MaxPool, SumPool, Window
from bnnhw.units.pool.model import PoolUnit
from bnnhw.units.pool.rtl import PoolReduce
from rtl_tests.flow import check_cycles, drive, random_arrivals, random_readiness
from rtl_tests.lanes import join, split
from rtl_tests.pool.maps import channel_words, check_words, complemented, make_layer, random_map
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, differences

TYPES = ["bipolar", "uint1", "uint3", "int2", "int5"]
KINDS = ["max", "min", "mixed", "sum"]
TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0, 0, 60)]
"""Gaps at the input, stalls at the output, cycles at the beginning that nothing is taken in."""


def pooled(layer: MaxPool | SumPool, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes (positions in, channels) -> codes (positions out, channels), by the definition: padding counts nothing."""
    taps = layer.window.taps()
    out = np.zeros((layer.window.positions, layer.window.channels), np.int64)
    for position, row in enumerate(taps):
        under = codes[row[row >= 0]]
        if isinstance(layer, SumPool):
            values = under if layer.input.kind == "bipolar" else layer.input.values(under)
            out[position] = layer.output.encode(values.sum(axis=0))
        else:
            values = layer.input.values(under)
            best = np.where(layer.minimum, values.min(axis=0), values.max(axis=0))
            out[position] = layer.input.encode(best)
    return out


def window_words(layer: MaxPool | SumPool, maps: NDArray[np.object_], lanes: int) -> list[int]:
    """What a window unit gives of a frame's words (positions, channel words): for each position, for each channel
    word, the taps.
    """
    pad = join([PoolUnit(layer, 1).padding_code] * lanes, layer.input.bits)
    return [
        pad if tap < 0 else int(maps[tap, word])
        for row in layer.window.taps().tolist()
        for word in range(maps.shape[1])
        for tap in row
    ]


@pytest.mark.parametrize("kernel", [(1, 1), (1, 2), (2, 2), (3, 2)])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_pool(kind: str, dtype: str, kernel: tuple[int, int]) -> None:
    rng = random.Random(f"{kind} {dtype} {kernel}")
    channels, lanes = rng.choice(((1, 1), (3, 1), (5, 2), (4, 4), (3, 4)))
    layer = make_layer(kind, dtype, channels, kernel)
    frames = 3
    gap, stall, deaf = rng.choice(TRAFFIC)
    maps = [random_map(layer, rng) for _ in range(frames)]
    sent: list[int] = []
    for codes in maps:
        words = channel_words(complemented(layer, codes), lanes, layer.input.bits, rng)
        sent += window_words(layer, words, lanes)
    p = PoolUnit(layer, lanes).timing
    assert len(sent) == frames * p.words_in
    driver = Driver(sent, arrivals=random_arrivals(rng, len(sent), gap))
    monitor = Monitor(frames * p.words_out, readiness=random_readiness(rng, stall, deaf))
    check_cycles(PoolReduce(PoolUnit(layer, lanes)), {"input": driver}, {"output": monitor}, p.flow, frames)
    for frame, codes in enumerate(maps):
        words = monitor.words[frame * p.words_out : (frame + 1) * p.words_out]
        check_words(words, pooled(layer, codes), lanes, layer.output.bits)


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize("area", [(1, 1), (1, 2), (3, 3)])
def test_cycles(area: tuple[int, int], traffic: tuple[float, float, int]) -> None:
    """Every mix of gaps and stalls; the interval and the latency without any."""
    gap, stall, deaf = traffic
    layer = make_layer("max", "uint2", 2, area)
    p = PoolUnit(layer, 1).timing
    rng = random.Random(7)
    sent = [rng.getrandbits(2) for _ in range(2 * p.words_in)]
    driver = Driver(sent, arrivals=random_arrivals(rng, len(sent), gap))
    monitor = Monitor(2 * p.words_out, readiness=random_readiness(rng, stall, deaf))
    check_cycles(PoolReduce(PoolUnit(layer, 1)), {"input": driver}, {"output": monitor}, p.flow, 2)
    if not any(traffic):
        assert set(differences(driver.accepted)) == {1}
        assert monitor.offered[p.words_out - 1] - driver.accepted[0] == p.latency
        assert monitor.offered[-1] - monitor.offered[p.words_out - 1] == p.interval


def test_padding_never_wins() -> None:
    """A corner of which the padding is most: the least and the greatest element, in channels of both kinds."""
    window = Window(2, 1, 1, (3, 3), padding=(1, 1, 1, 1))
    layer = MaxPool("pool", window, DataType.parse("int4"), np.array([False, True]))
    sent: list[int] = []
    elements = [np.array([[layer.input.encode(np.array(v))] * 2], np.int64).reshape(1, 2) for v in (-8, 7, 0)]
    for codes in elements:
        words = channel_words(complemented(layer, codes), 2, 4, random.Random(0))
        sent += window_words(layer, words, 2)
    monitor = Monitor(3)
    drive(PoolReduce(PoolUnit(layer, 2)), {"input": Driver(sent)}, {"output": monitor})
    assert [split(w, 4, 2) for w in monitor.words] == [row.tolist() for codes in elements for row in codes]


@pytest.mark.parametrize("kind, bits", [("max", 2 * 2 * 3), ("sum", 2 * 2 * 5)])
def test_storage(kind: str, bits: int) -> None:
    """Two registers per lane; a tap counter, first, last and valid beside them. The sum of 4 codes of 3 bits has 5."""
    layer = make_layer(kind, "uint3", 4, (2, 2))
    assert register_bits(PoolReduce(PoolUnit(layer, 2))) == bits + 2 + 3
