"""What is simulated of matrix-vector units, and of their processing element."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.engine import LayerFolding
from bnnhw.devices import technology
from bnnhw.ir import DataType, Dense
from bnnhw.reference.product import Product
from bnnhw.rtl.popcount_plan import plan
from bnnhw.rtl.threshold import pack_thresholds
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.processing_element import ProcessingElement
from bnnhw.units.mvu.timing import MvuTiming
from rtl_tests.case import FreeUnit, StreamUnit
from rtl_tests.free_running import Stimulus, integers, late
from rtl_tests.lanes import Expected, expected_groups, join_words, random_words, split, split_words
from tests.layers import random_layer

__all__ = ["UNITS"]

_GENERIC, _ECP5 = technology("generic"), technology("ecp5")


@dataclass(frozen=True)
class MvuModel:
    """Vectors of SF words, NF words of results each."""

    unit: MvuUnit

    @cached_property
    def product(self) -> Product:
        return Product(self.unit.matrix)

    def frame(self, rng: random.Random) -> list[int]:
        layer = self.unit.matrix
        return join_words(
            [rng.randrange(layer.input.levels) for _ in range(layer.synapses)], layer.input.bits, self.unit.simd, rng
        )

    def result(self, words: Sequence[int]) -> list[Expected]:
        unit, layer = self.unit, self.unit.matrix
        vector = np.array([split_words(words, layer.input.bits, unit.simd, layer.synapses)], np.uint8)
        values: NDArray[np.integer] = (
            self.product.accumulators(vector) if layer.activation is None else self.product.output(vector)
        )
        return expected_groups(values.tolist(), unit.lane_bits, unit.pe)


@dataclass(frozen=True)
class BatchModel(MvuModel):
    """So many vectors as share a weight word, one after another."""

    def frame(self, rng: random.Random) -> list[int]:
        return [word for _ in range(self.unit.folding.vectors) for word in super(BatchModel, self).frame(rng)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        size = len(words) // self.unit.folding.vectors
        starts = range(0, len(words), size)
        return [word for start in starts for word in super(BatchModel, self).result(words[start : start + size])]


@dataclass(frozen=True)
class DepthwiseModel:
    """Vectors of SF words for each group of channels; lane l has the taps of the group's channel l."""

    unit: MvuUnit

    def frame(self, rng: random.Random) -> list[int]:
        layer, lanes = self.unit.matrix, self.unit.input_lanes
        groups = -(-layer.neurons // (self.unit.multiplier * lanes))
        return random_words(rng, layer.input.bits, lanes, groups * layer.synapses)

    def result(self, words: Sequence[int]) -> list[Expected]:
        unit, layer, channels = self.unit, self.unit.matrix, self.unit.input_lanes
        lanes = [split(word, layer.input.bits, channels) for word in words]
        product, taps = Product(layer), layer.synapses
        values: list[int] = []
        for n in range(layer.neurons):
            group, lane = divmod(n // unit.multiplier, channels)
            own = [word[lane] for word in lanes[group * taps : (group + 1) * taps]]
            values.append(int(product.output(np.array([own], np.uint8))[0, n]))
        return expected_groups([values], unit.lane_bits, unit.pe)


def _mvu(name: str, layer: Dense, folding: LayerFolding, multiplier: int = 0) -> StreamUnit:
    """A matrix-vector unit, depthwise with so many neurons per channel, or with 0 not."""
    unit = MvuUnit(layer, folding, _GENERIC, multiplier)
    t = unit.timing
    # The neuron folds whose results the queue holds; the words they gave up, and those of a last fold under way.
    vectors, folds = divmod(t.credits, t.vector_folds)
    last = t.synapse_folds - 1 if folds == t.vector_folds - 1 else 0
    stored = t.buffer_words + vectors * t.synapse_folds + last
    model = DepthwiseModel(unit) if multiplier else MvuModel(unit)
    return StreamUnit(name, unit.component, model, t.interval, t.latency, stored)


def _batch(name: str, layer: Dense, folding: LayerFolding) -> StreamUnit:
    """A unit in which vectors share weight words: the first is taken alone, from then on as many as may be."""
    unit = MvuUnit(layer, folding, _GENERIC)
    t = unit.timing
    cycles = t.fold_cycles * t.neuron_folds
    # The last of the first M is the last but one of the second batch, all but one of which leave before it or with it.
    latency = t.latency + cycles + (folding.vectors - 2) * t.neuron_folds
    return StreamUnit(name, unit.component, BatchModel(unit), cycles, latency, None)


def _layer(
    synapses: int, neurons: int, dtype: str, output: str | None, seed: int, coefficients: Sequence[int] = (1,)
) -> Dense:
    return random_layer(np.random.default_rng(seed), neurons, synapses, dtype, output, coefficients)


def _element() -> FreeUnit:
    """Neurons of random length over two input planes, with words that do not count in between."""
    simd, planes, span = 7, ((1, 0, 0), (2, 1, 0)), (0, 3 * 7 * 6)
    timing = MvuTiming(6, 1, 1, plan(simd, _ECP5).latency, 1, 1, 1)
    lag = timing.count + timing.combine - 1
    make: Callable[[], ProcessingElement] = lambda: ProcessingElement(  # noqa: E731
        simd, planes, span, DataType("bipolar", 1), timing, _ECP5
    )

    def stimulus(rng: random.Random, cycles: int) -> Stimulus:
        stages = plan(simd, _ECP5).lane_stages
        low, high, weights = ([rng.getrandbits(simd) for _ in range(cycles)] for _ in range(3))
        counts = [int(rng.random() < 0.7) for _ in range(cycles)]
        ends, length = [0] * cycles, 0
        for t in range(cycles):
            length += counts[t]
            if counts[t] and (length == 6 or rng.random() < 0.2):
                ends[t], length = 1, 0
        thresholds = [rng.randint(20, 60) for _ in range(cycles)]
        packed = pack_thresholds(np.array(thresholds)[:, None], span, inverted=not _ECP5.subtracts)
        mask = (1 << simd) - 1
        late_low, late_high = late(low, stages, rng), late(high, stages, rng)
        sums, total = [-1] * cycles, 0
        for t in range(cycles):
            if counts[t]:
                total += (~(low[t] ^ weights[t]) & mask).bit_count() + 2 * (~(high[t] ^ weights[t]) & mask).bit_count()
            if ends[t]:
                sums[t], total = total, 0
        return {
            "x": [a | b << simd for a, b in zip(late_low, late_high, strict=True)],
            "w": late(weights, stages, rng),
            "valid": [0] * lag + counts[: cycles - lag],
            "ends": [0] * lag + ends[: cycles - lag],
            "thresholds": integers(packed),
            "_thresholds": thresholds,
            "_sums": sums,
        }

    def expected(stimulus: Stimulus) -> list[int | None]:
        sums, thresholds = stimulus["_sums"], stimulus["_thresholds"]
        # The comparison is the last cycle before the result: its threshold is that of the cycle before.
        latency = lag + 1 + timing.accumulate + timing.threshold
        results: list[int | None] = [None] * latency
        for t in range(len(sums) - latency):
            results.append(int(sums[t] >= thresholds[t + latency - 1]) if sums[t] >= 0 else None)
        return results

    return FreeUnit("element", make, stimulus, expected, "result")


UNITS = (
    _mvu("mvu", _layer(10, 5, "uint2", "int2", 5, (1, 2)), LayerFolding(2, 4, "lut")),
    _mvu("mvu_serial", _layer(10, 5, "int3", None, 9), LayerFolding(2, 4, "block", planes="serial")),
    _mvu("mvu_block", _layer(9, 4, "bipolar", None, 6), LayerFolding(4, 3, "block")),
    _mvu("mvu_depthwise", _layer(9, 5, "uint2", "int2", 8), LayerFolding(2, 1, "block"), 1),
    _mvu("mvu_multiplier", _layer(4, 9, "uint2", "int2", 10), LayerFolding(6, 1, "lut"), 3),
    _mvu("mvu_replayed_channel", _layer(4, 8, "bipolar", "int2", 11), LayerFolding(2, 1, "block"), 4),
    _batch("mvu_vectors", _layer(10, 5, "uint2", "int2", 5), LayerFolding(2, 4, "lut", vectors=3)),
    # More elements than one register feeds: reset a cycle late.
    _mvu("mvu_groups", _layer(8, 17, "bipolar", None, 12), LayerFolding(17, 4, "lut")),
    _batch("mvu_vectors_groups", _layer(9, 18, "bipolar", "bipolar", 13), LayerFolding(6, 3, "block", vectors=3)),
    _element(),
)
