# amaranth: UnusedElaboratable=no
"""Pooling against NumPy, and the cycle of every word against its flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.ir import DataType, MaxPool, SumPool, Window
from bnnhw.units.invert.model import InvertUnit
from bnnhw.units.invert.rtl import ChannelInverter
from bnnhw.units.pool.model import PoolUnit
from bnnhw.units.pool.rtl import PoolReduce
from tests.hardware.bench import differences, join, register_bits, split
from tests.hardware.flow import check_cycles, drive, random_arrivals, random_readiness
from tests.hardware.streams import Driver, Monitor

TYPES = ["bipolar", "uint1", "uint3", "int2", "int5"]
KINDS = ["max", "min", "mixed", "sum"]
TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0, 0, 60)]
"""Gaps at the input, stalls at the output, cycles at the beginning that nothing is taken in."""


def make_layer(kind: str, dtype: str, channels: int, kernel: tuple[int, int], seed: int = 0) -> MaxPool | SumPool:
    """A padded pool on a map of 4 x 3, stride 2 and 1."""
    height, width = kernel
    window = Window(channels, 4, 3, kernel, (2, 1), padding=(height // 2, width // 2, 0, 0))
    if kind == "sum":
        return SumPool("pool", window, DataType.parse(dtype))
    minimum = np.random.default_rng(seed).random(channels) < {"max": 0, "min": 1, "mixed": 0.5}[kind]
    return MaxPool("pool", window, DataType.parse(dtype), minimum)


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


def channel_words(elements: NDArray[np.int64], lanes: int, bits: int, rng: random.Random) -> NDArray[np.object_]:
    """Codes (positions, channels) -> words (positions, channel words), noise in the lanes past the last channel."""
    words = -(-elements.shape[1] // lanes)
    rows = []
    for row in elements.tolist():
        padded = [*row, *(rng.getrandbits(bits) for _ in range(words * lanes - len(row)))]
        rows.append([join(padded[k * lanes : (k + 1) * lanes], bits) for k in range(words)])
    return np.array(rows, object)


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


def complemented(layer: MaxPool | SumPool, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the inverter makes of codes (positions, channels)."""
    if isinstance(layer, SumPool):
        return codes
    return np.where(layer.minimum, layer.input.levels - 1 - codes, codes)


def random_map(layer: MaxPool | SumPool, rng: random.Random) -> NDArray[np.int64]:
    size = layer.window.height * layer.window.width
    codes = [[rng.randrange(layer.input.levels) for _ in range(layer.window.channels)] for _ in range(size)]
    return np.array(codes, np.int64)


def check_words(words: list[int], due: NDArray[np.int64], lanes: int, bits: int) -> None:
    """Words of a frame against codes (positions, channels)."""
    channels = due.shape[1]
    folds = -(-channels // lanes)
    assert len(words) == len(due) * folds
    for position, row in enumerate(due.tolist()):
        have = [v for word in words[position * folds : (position + 1) * folds] for v in split(word, lanes, bits)]
        assert have[:channels] == row, f"position {position}"


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
    assert [split(w, 2, 4) for w in monitor.words] == [row.tolist() for codes in elements for row in codes]


@pytest.mark.parametrize("kind, bits", [("max", 2 * 2 * 3), ("sum", 2 * 2 * 5)])
def test_storage(kind: str, bits: int) -> None:
    """Two registers a lane; a tap counter, first, last and valid beside them. The sum of 4 codes of 3 bits has 5."""
    layer = make_layer(kind, "uint3", 4, (2, 2))
    assert register_bits(PoolReduce(PoolUnit(layer, 2))) == bits + 2 + 3


def test_errors() -> None:
    layer = make_layer("max", "uint3", 4, (2, 2))
    assert isinstance(layer, MaxPool)
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        PoolReduce(PoolUnit(layer, 0))
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        ChannelInverter(InvertUnit(layer, 0))
