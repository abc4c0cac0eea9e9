"""The units for feature maps: pooling, element-wise units, the queue, fork and join around a body."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import technology
from bnnhw.dataflow import flow
from bnnhw.folding.elementwise import affine_pipeline, quantize_pipeline
from bnnhw.folding.pool import pool_pipeline
from bnnhw.folding.residual import BufferTiming, deadlock_free_depth
from bnnhw.hardware import elementwise
from bnnhw.hardware.pool import PoolReduce
from bnnhw.hardware.residual import StreamBuffer
from bnnhw.ir import Affine, DataType, MaxPool, Quantize, SumPool, Thresholds, Window
from bnnhw.verify.fork_join import ForkJoin, Swallower, fork_join
from rtl_tests.bench import Expected, StreamUnit
from rtl_tests.queues import FifoModel

__all__ = ["UNITS"]


def _pack(codes: Sequence[int], bits: int) -> int:
    return sum(code << (lane * bits) for lane, code in enumerate(codes))


def _split(word: int, bits: int, lanes: int) -> list[int]:
    return [word >> (lane * bits) & ((1 << bits) - 1) for lane in range(lanes)]


def _expected(rows: NDArray[np.int64], bits: int, lanes: int) -> list[Expected]:
    """The words of codes (positions, channels); lanes past the last channel are undefined."""
    words: list[Expected] = []
    for row in rows.tolist():
        for start in range(0, len(row), lanes):
            part = row[start : start + lanes]
            words.append(Expected(_pack(part, bits), (1 << (len(part) * bits)) - 1))
    return words


@dataclass(frozen=True)
class PoolModel:
    """Channels that take the minimum come in complemented."""

    layer: MaxPool | SumPool
    lanes: int

    def frame(self, rng: random.Random) -> list[int]:
        window = self.layer.window
        count = window.positions * window.area * -(-window.channels // self.lanes)
        return [rng.getrandbits(self.lanes * self.layer.input.bits) for _ in range(count)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer, window = self.layer, self.layer.window
        folds = -(-window.channels // self.lanes)
        codes = np.array([_split(word, layer.input.bits, self.lanes) for word in words], np.int64)
        # (positions, area, channels)
        taps = codes.reshape(window.positions, folds, window.area, self.lanes).transpose(0, 2, 1, 3)
        taps = taps.reshape(window.positions, window.area, -1)[:, :, : window.channels]
        if isinstance(layer, SumPool):
            values = taps if layer.input.kind == "bipolar" else layer.input.values(taps)
            rows = layer.output.encode(values.sum(axis=1))
        else:
            values = layer.input.values(np.where(layer.minimum, layer.input.levels - 1 - taps, taps))
            rows = layer.input.encode(np.where(layer.minimum, values.min(axis=1), values.max(axis=1)))
        return _expected(rows.astype(np.int64), layer.output.bits, self.lanes)


@dataclass(frozen=True)
class ElementModel:
    layer: Quantize | Affine
    lanes: int

    def frame(self, rng: random.Random) -> list[int]:
        channels, height, width = self.layer.shape
        count = height * width * -(-channels // self.lanes)
        return [rng.getrandbits(self.lanes * self.layer.input.bits) for _ in range(count)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer = self.layer
        channels, height, width = layer.shape
        codes = np.array([_split(word, layer.input.bits, self.lanes) for word in words], np.int64)
        values = layer.input.values(codes.reshape(height * width, -1)[:, :channels])
        if isinstance(layer, Affine):
            rows = layer.output.encode(values * layer.multiplier + layer.offset)
        else:
            assert isinstance(layer.activation, Thresholds)
            rows = layer.output.codes((values[:, :, None] >= layer.activation.values[None]).sum(axis=2))
        return _expected(rows.astype(np.int64), layer.output.bits, self.lanes)


@dataclass(frozen=True)
class ForkJoinModel:
    """Every word comes out twice its value."""

    width: int
    words: int

    def frame(self, rng: random.Random) -> list[int]:
        return [rng.getrandbits(self.width) for _ in range(self.words)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        return [Expected(2 * word, (2 << self.width) - 1) for word in words]


def _pool(name: str, layer: MaxPool | SumPool, lanes: int) -> StreamUnit:
    p = pool_pipeline(layer, lanes)
    # A word in the register, and all taps but the last of the next one.
    stored = 2 * p.area - 1
    return StreamUnit(name, lambda: PoolReduce(PoolUnit(layer, lanes)), PoolModel(layer, lanes), p.interval, p.latency, stored)


def _quantize(name: str, layer: Quantize, lanes: int) -> StreamUnit:
    p, model = quantize_pipeline(layer, lanes), ElementModel(layer, lanes)
    return StreamUnit(name, lambda: elementwise.Quantize(layer, lanes), model, p.interval, p.latency, p.credits)


def _affine(name: str, layer: Affine, lanes: int) -> StreamUnit:
    p, model = affine_pipeline(layer, lanes), ElementModel(layer, lanes)
    return StreamUnit(name, lambda: elementwise.Affine(layer, lanes), model, p.interval, p.latency, p.credits)


def _fork_join(swallowed: int, words: int) -> StreamUnit:
    depth, frames = deadlock_free_depth(Swallower.needed(swallowed, words)), 12
    source, sink, *inner = links = [flow.Link() for _ in range(6)]
    units = (
        (flow.source(source, frames * words), (source,)),
        (fork_join(swallowed, words, depth, inner, source, sink, frames), links),
        (flow.sink(sink, frames * words), (sink,)),
    )
    flow.Timeline(units).finish()
    last = sink.offered[words - 1 :: words]
    # The queue, the body and the sum fill up one after the other: how many words that is no formula says.
    return StreamUnit(
        "fork_join",
        lambda: ForkJoin(7, swallowed, words, depth),
        ForkJoinModel(7, words),
        interval=last[-1] - last[-2],
        latency=last[0] - source.taken[0],
        stored_words=None,
    )


_WINDOW = Window(5, 4, 3, (2, 2), (1, 1))
_BUFFER = BufferTiming(1, 9, 21)

UNITS = (
    _pool("pool_max", MaxPool("pool", _WINDOW, DataType.parse("int4"), np.array([0, 1, 1, 0, 1])), 2),
    _pool("pool_sum", SumPool("pool", _WINDOW, DataType.parse("bipolar")), 3),
    _quantize(
        "quantize",
        Quantize(
            "quantize",
            (5, 2, 3),
            DataType.parse("int6"),
            Thresholds(np.sort(np.random.default_rng(8).integers(-32, 33, (5, 3)), axis=1), DataType.parse("int2")),
        ),
        2,
    ),
    _affine(
        "affine_shifts",
        Affine("affine", (5, 2, 3), DataType.parse("int6"), np.array([1, -4, 0, 8, -1]), np.array([3, -70, 5, 0, 1])),
        2,
    ),
    _affine(
        "affine_product",
        Affine("affine", (5, 2, 3), DataType.parse("uint5"), np.array([3, -5, 11, 8, -1]), np.array([3, -70, 5, 0, 1])),
        3,
    ),
    StreamUnit(
        "stream_buffer",
        lambda: StreamBuffer(9, 21, technology("generic")),
        FifoModel(9),
        _BUFFER.interval,
        _BUFFER.latency,
        _BUFFER.depth,
    ),
    _fork_join(5, 16),
)
