"""The units that compute on streams: matrix-vector unit, argmax, and a whole accelerator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.predict import predict
from bnnhw.folding.pipeline import accumulator_shape, argmax_pipeline, mvu_pipeline
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.units.argmax.rtl import Argmax
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, Thresholds, WeightPlane
from bnnhw.reference import evaluate
from bnnhw.reference.product import Product
from rtl_tests.bench import Expected, StreamUnit

__all__ = ["FOLDED", "UNITS", "pack_lanes"]

_GENERIC = technology("generic")


def make_layer(
    name: str,
    synapses: int,
    neurons: int,
    dtype: str,
    output: str | None,
    seed: int,
    coefficients: Sequence[int] = (1,),
) -> Dense:
    """A streamlined layer of random weights and thresholds."""
    rng = np.random.default_rng(seed)
    planes = tuple(WeightPlane(c, BitMatrix.from_bits(rng.integers(0, 2, (neurons, synapses)))) for c in coefficients)
    layer = Dense(name, DataType.parse(dtype), planes, None)
    if output is None:
        return layer
    code = DataType.parse(output)
    low, high = layer.accumulator_range
    # Around the middle, where accumulators are.
    values = rng.integers((3 * low + high) // 4, (low + 3 * high) // 4, (neurons, code.levels - 1))
    return Dense(name, layer.input, planes, Thresholds(np.sort(values, axis=1), code))


def pack_lanes(values: Sequence[int], width: int, lanes: int) -> list[int]:
    """Values side by side, the first in the lowest bits, in words of so many lanes."""
    mask = (1 << width) - 1
    return [
        sum((v & mask) << (i * width) for i, v in enumerate(values[start : start + lanes]))
        for start in range(0, len(values), lanes)
    ]


def random_frame(rng: random.Random, levels: int, elements: int, width: int, lanes: int) -> list[int]:
    """Words of a frame; the lanes past its last element hold anything."""
    padded = -(-elements // lanes) * lanes
    return pack_lanes([rng.randrange(levels) for _ in range(padded)], width, lanes)


def unpack_lanes(words: Sequence[int], width: int, lanes: int, count: int) -> list[int]:
    mask = (1 << width) - 1
    return [(word >> (lane * width)) & mask for word in words for lane in range(lanes)][:count]


@dataclass(frozen=True)
class MvuModel:
    layer: Dense
    folding: LayerFolding

    @cached_property
    def product(self) -> Product:
        return Product(self.layer)

    def frame(self, rng: random.Random) -> list[int]:
        dtype = self.layer.input
        return random_frame(rng, dtype.levels, self.layer.synapses, dtype.bits, self.folding.simd)

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer, lanes = self.layer, self.folding.pe
        codes = unpack_lanes(words, layer.input.bits, self.folding.simd, layer.synapses)
        vector = np.array([codes], np.uint8)
        if layer.activation is None:
            width = accumulator_shape(*layer.accumulator_range)[0]
            values: NDArray[np.integer] = self.product.accumulators(vector)[0]
        else:
            width, values = layer.output.bits, self.product.output(vector)[0]
        used = pack_lanes([-1] * layer.neurons, width, lanes)
        return [Expected(v, m) for v, m in zip(pack_lanes(values.tolist(), width, lanes), used, strict=True)]


@dataclass(frozen=True)
class DepthwiseModel:
    """Vectors of SF words for each group of channels; lane l has the taps of the group's channel l."""

    layer: Dense
    folding: LayerFolding
    multiplier: int

    def frame(self, rng: random.Random) -> list[int]:
        lanes = self.folding.channels(self.multiplier)
        groups = -(-self.layer.neurons // (self.multiplier * lanes))
        return [rng.getrandbits(lanes * self.layer.input.bits) for _ in range(groups * self.layer.synapses)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer, pe, taps = self.layer, self.folding.pe, self.layer.synapses
        assert layer.activation is not None
        channels = self.folding.channels(self.multiplier)
        lanes = [unpack_lanes([word], layer.input.bits, channels, channels) for word in words]
        product = Product(layer)
        values: list[int] = []
        for n in range(layer.neurons):
            group, lane = divmod(n // self.multiplier, channels)
            own = [word[lane] for word in lanes[group * taps : (group + 1) * taps]]
            values.append(int(product.output(np.array([own], np.uint8))[0, n]))
        width = layer.output.bits
        used = pack_lanes([-1] * layer.neurons, width, pe)
        return [Expected(v, m) for v, m in zip(pack_lanes(values, width, pe), used, strict=True)]


@dataclass(frozen=True)
class ArgmaxModel:
    output: Output
    layer: Dense
    folding: LayerFolding

    def frame(self, rng: random.Random) -> list[int]:
        low, high = self.layer.accumulator_range
        width = accumulator_shape(low, high)[0]
        # Few values: ties are common.
        some = [rng.randint(low, high) for _ in range(3)]
        padded = self.folding.neuron_folds(self.layer) * self.folding.pe
        return pack_lanes([rng.choice(some) for _ in range(padded)], width, self.folding.pe)

    def result(self, words: Sequence[int]) -> list[Expected]:
        width, is_signed = accumulator_shape(*self.layer.accumulator_range)
        values = np.array(unpack_lanes(words, width, self.folding.pe, self.output.classes), np.int64)
        if is_signed:
            values -= (values >> (width - 1)) << width
        scores = self.output.multiplier * values + self.output.offset
        index = int(np.argmax(scores))
        return [_result(index, int(scores[index]), self.output, self.layer, self.folding)]


def _result(index: int, score: int, output: Output, layer: Dense, folding: LayerFolding) -> Expected:
    score_width = accumulator_shape(*argmax_pipeline(output, layer, folding).score_range)[0]
    index_width = max((output.classes - 1).bit_length(), 1)
    mask = (1 << (index_width + score_width)) - 1
    return Expected((index | score << index_width) & mask, mask)


@dataclass(frozen=True)
class AcceleratorModel:
    folded: FoldedNetwork

    def frame(self, rng: random.Random) -> list[int]:
        layer, folding = self.folded.pairs[0]
        return random_frame(rng, layer.input.levels, layer.synapses, layer.input.bits, folding.simd)

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer, folding = self.folded.pairs[0]
        codes = unpack_lanes(words, layer.input.bits, folding.simd, layer.synapses)
        scores = evaluate(self.folded.network, np.array([codes], np.uint8))
        index = int(scores.classes[0])
        return [_result(index, int(scores.scores[0, index]), self.folded.network.output, *self.folded.pairs[-1])]


def _mvu(name: str, layer: Dense, folding: LayerFolding, multiplier: int = 0) -> StreamUnit:
    """A matrix-vector unit, depthwise with so many neurons a channel, or with 0 not."""
    p = mvu_pipeline(layer, folding, _GENERIC, multiplier)
    # The neuron folds whose results the queue holds; the words they gave up, and those of a last fold under way.
    vectors, folds = divmod(p.credits, p.vector_folds)
    last = p.synapse_folds - 1 if folds == p.vector_folds - 1 else 0
    stored = p.buffer_words + vectors * p.synapse_folds + last
    make = lambda: Mvu(layer, folding, _GENERIC, multiplier=multiplier)  # noqa: E731
    model = DepthwiseModel(layer, folding, multiplier) if multiplier else MvuModel(layer, folding)
    return StreamUnit(name, make, model, p.interval, p.latency, stored)


def _argmax(name: str, output: Output, layer: Dense, folding: LayerFolding) -> StreamUnit:
    p = argmax_pipeline(output, layer, folding)
    make = lambda: Argmax(output, layer, folding)  # noqa: E731
    stored = p.credits * p.words + p.words - 1
    return StreamUnit(name, make, ArgmaxModel(output, layer, folding), p.interval, p.latency, stored)


def _folded() -> FoldedNetwork:
    """Three layers that take every turn: two bits plane by plane, padding, converters up and general, both memories."""
    layers = (
        make_layer("first", 19, 10, "uint2", "bipolar", 1),
        make_layer("second", 10, 7, "bipolar", "uint2", 2),
        make_layer("third", 7, 5, "uint2", None, 3),
    )
    rng = np.random.default_rng(4)
    output = Output("output", rng.integers(1, 4, 5), rng.integers(-9, 9, 5))
    network = Network(InputSpec((19,), layers[0].input), (*layers, output))
    first = LayerFolding(4, 5, "block", planes="serial")
    return FoldedNetwork(network, (first, LayerFolding(2, 3, "lut"), LayerFolding(2, 4, "lut")))


FOLDED = _folded()


def _accelerator() -> StreamUnit:
    prediction = predict(FOLDED.graph(_GENERIC))
    return StreamUnit(
        "accelerator",
        lambda: Accelerator(FOLDED, "generic"),
        AcceleratorModel(FOLDED),
        prediction.cycles_per_frame,
        prediction.latency_cycles,
        None,
    )


UNITS = (
    _mvu("mvu", make_layer("layer", 10, 5, "uint2", "int2", 5, (1, 2)), LayerFolding(2, 4, "lut")),
    _mvu("mvu_serial", make_layer("layer", 10, 5, "int3", None, 9), LayerFolding(2, 4, "block", planes="serial")),
    _mvu("mvu_block", make_layer("layer", 9, 4, "bipolar", None, 6), LayerFolding(4, 3, "block")),
    _mvu("mvu_depthwise", make_layer("layer", 9, 5, "uint2", "int2", 8), LayerFolding(2, 1, "block"), 1),
    _mvu("mvu_multiplier", make_layer("layer", 4, 9, "uint2", "int2", 10), LayerFolding(6, 1, "lut"), 3),
    _mvu("mvu_replayed_channel", make_layer("layer", 4, 8, "bipolar", "int2", 11), LayerFolding(2, 1, "block"), 4),
    _argmax(
        "argmax",
        Output("output", np.array([1, -2, 3, 1, 2]), np.array([0, 4, -5, 0, 1])),
        make_layer("layer", 9, 5, "bipolar", None, 7),
        LayerFolding(2, 1),
    ),
    _accelerator(),
)
