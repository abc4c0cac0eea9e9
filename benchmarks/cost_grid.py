"""The units whose cost is measured: a grid that the cost model is fitted on, and units outside it that test it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Family, Technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import (
    Affine,
    DataType,
    MaxPool,
    Output,
    Quantize,
    SumPool,
    Thresholds,
    Window,
)
from bnnhw.units.add.model import AddUnit
from bnnhw.units.affine.model import AffineUnit
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.best.model import BestUnit
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.invert.model import InvertUnit
from bnnhw.units.join.model import JoinUnit
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.pool.model import PoolUnit
from bnnhw.units.quantize.model import QuantizeUnit
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.window.model import WindowUnit
from tests.layers import MapNetwork, random_layer, random_network, with_engines

__all__ = ["grid", "outside"]

Named: TypeAlias = Iterator[tuple[str, Unit]]

LANES = ((1, 4), (1, 49), (2, 8), (4, 16), (8, 8), (8, 64), (16, 16), (16, 3), (32, 9))
"""PE and SIMD."""

FOLDS = ((1, 8), (4, 4), (8, 7), (10, 1), (16, 16))
"""Neuron folds and synapse folds."""

Kind: TypeAlias = tuple[str, str | None, tuple[int, ...], str]
"""Types of inputs and of results (None: accumulators), coefficients of weight planes, how input planes are taken."""

BINARY: Kind = ("bipolar", "bipolar", (1,), "parallel")

TYPES: tuple[Kind, ...] = (
    ("bipolar", None, (1,), "parallel"),
    ("bipolar", "uint2", (1,), "parallel"),
    ("uint2", "uint2", (1,), "parallel"),
    ("int2", "int2", (1,), "parallel"),
    ("uint2", "uint2", (1, -2), "parallel"),
    ("uint4", "uint4", (1,), "parallel"),
    ("uint8", "bipolar", (1,), "parallel"),
    ("uint8", "bipolar", (1,), "serial"),
)
TYPED = ((1, 8, 8, 4), (4, 16, 4, 4), (8, 9, 8, 3), (2, 3, 16, 9))
"""PE, SIMD, neuron folds and synapse folds of each of the types."""

LEVELED = ((1, 16, 64, 1), (2, 32, 16, 2), (4, 16, 16, 4), (8, 8, 4, 8))
"""PE, SIMD, neuron folds and synapse folds of units of several thresholds per neuron, in logic and in block RAM."""

LARGEST = {"lut": 12_000, "block": 40_000}
"""Most weight bits of a unit, by memory: what is synthesized in some seconds."""

NUMBERS = ("bipolar", "uint2", "int3", "uint4", "int5", "uint8")


def grid(family: Family) -> Named:
    """Name and unit of every point that the cost model is fitted on."""
    yield from _matrices(family)
    yield from _random("", range(45), range(12), 5, family)


def outside(family: Family) -> Named:
    """Name and unit of units of other sizes."""
    for seed in range(4):
        for thresholds in ("lut", "block"):
            yield f"outside: levels {seed}, thresholds in {thresholds}", _leveled(seed, thresholds, family)
    yield from _random("outside: ", range(1000, 1020), range(1000, 1003), 2, family)


def _random(label: str, matrices: range, networks: range, each: int, family: Family) -> Named:
    for seed in matrices:
        yield f"{label}matrix {seed}", _matrix(seed, family)
    for kind, made in _OTHERS.items():
        for seed in range(matrices.start, matrices.start + each):
            rng = np.random.default_rng((seed, sum(kind.encode())))
            yield f"{label}{kind} {seed}", made(rng, family.technology)
    for seed in networks:
        folded = random_network(seed, tables=seed % 2 > 0)
        if seed % 2:
            folded = with_engines(folded, seed, tables=True)
        yield from _units(f"{label}network {seed}", folded, family)
    for seed in matrices[:3]:
        inputs = int(np.random.default_rng(seed).integers(2, 20)) * 10
        network = MapNetwork((inputs, 1, 1))
        network.lookup(3 * inputs, 4).dense(10, (1, 1), None)
        yield from _units(f"{label}tables {seed}", with_engines(network.folded(), None), family)


def _matrices(family: Family) -> Named:
    def unit(pe: int, simd: int, nf: int, sf: int, memory: str, kind: Kind, thresholds: str = "lut") -> Unit:
        dtype, output, coefficients, planes = kind
        rng = np.random.default_rng((pe, simd, nf, sf))
        layer = random_layer(rng, pe * nf, simd * sf, dtype, output, coefficients)
        return MvuUnit(layer, LayerFolding(pe, simd, memory, planes=planes, thresholds=thresholds), family.technology)

    for pe, simd in LANES:
        for nf, sf in FOLDS:
            for memory, largest in LARGEST.items():
                # Few words are never in a block RAM.
                if pe * simd * nf * sf <= largest and (memory == "lut" or nf * sf >= 16):
                    yield f"{pe} x {simd}, {nf} x {sf}, {memory}", unit(pe, simd, nf, sf, memory, BINARY)
    for kind in TYPES:
        for pe, simd, nf, sf in TYPED:
            dtype, output, coefficients, planes = kind
            said = f"{dtype} to {output or 'sums'}, {'/'.join(map(str, coefficients))}, {planes}"
            yield f"{pe} x {simd}, {nf} x {sf}, lut, {said}", unit(pe, simd, nf, sf, "lut", kind)
    for dtype, output in (("uint4", "uint4"), ("bipolar", "uint3")):
        for pe, simd, nf, sf in LEVELED:
            for thresholds in ("lut", "block"):
                said = f"{pe} x {simd}, {nf} x {sf}, block, {dtype} to {output}, thresholds in {thresholds}"
                yield said, unit(pe, simd, nf, sf, "block", (dtype, output, (1,), "parallel"), thresholds)


def _units(network: str, folded: FoldedNetwork, family: Family) -> Named:
    for node in folded.graph(family.technology).nodes:
        yield f"{network}, {node.name}", node.unit


def _sized(rng: np.random.Generator, most: int) -> int:
    """Small numbers as likely as large ones."""
    return round(2 ** rng.uniform(0, np.log2(most)))


def _matrix(seed: int, family: Family) -> Unit:
    """A matrix unit of any sizes, with padding or without; every fifth depthwise."""
    rng = np.random.default_rng(seed)
    kind = BINARY if rng.random() < 0.5 else TYPES[int(rng.integers(len(TYPES)))]
    dtype, output, coefficients, planes = kind
    memory = str(rng.choice(["lut", "block"]))
    while True:
        pe, simd, nf, sf = (_sized(rng, most) for most in (32, 64, 32, 40))
        if pe * simd * nf * sf * len(coefficients) <= LARGEST[memory] and pe * simd <= 600:
            break
    multiplier = 0
    neurons, synapses = pe * nf, simd * sf
    if seed % 5 == 4:
        multiplier, simd, sf, synapses = (pe if pe < 5 else 1), 1, 9, 9
    elif rng.random() < 0.5:
        neurons -= int(rng.integers(pe)) * (nf > 1)
        synapses -= int(rng.integers(simd)) * (sf > 1)
    layer = random_layer(rng, neurons, synapses, dtype, output, coefficients)
    folding = LayerFolding(pe, min(simd, synapses), memory, planes=planes)
    return MvuUnit(layer, folding, family.technology, multiplier, vectors=int(rng.integers(1, 30)))


def _leveled(seed: int, thresholds: str, family: Family) -> Unit:
    """A matrix unit of several thresholds per neuron, in some neuron folds."""
    rng = np.random.default_rng((seed, 1))
    pe, simd, nf, sf = _sized(rng, 6), _sized(rng, 32), 2 + _sized(rng, 60), _sized(rng, 8)
    dtype, output = (
        str(rng.choice(["bipolar", "uint2", "uint4", "uint8"])),
        str(rng.choice(["uint2", "uint3", "uint4"])),
    )
    layer = random_layer(rng, pe * nf, simd * sf, dtype, output)
    return MvuUnit(layer, LayerFolding(pe, simd, "block", thresholds=thresholds), family.technology)


def _kind(rng: np.random.Generator, *kinds: str) -> DataType:
    return DataType.parse(str(rng.choice(kinds or NUMBERS)))


def _affine(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    channels, lanes = _sized(rng, 24), _sized(rng, 8)
    most = int(rng.choice([1, 3, 9, 100]))
    multiplier, offset = rng.integers(-most, most + 1, channels), rng.integers(-50, 50, channels)
    layer = Affine("layer", (channels, 3, 3), _kind(rng), multiplier, offset * int(rng.integers(2)))
    return AffineUnit(layer, min(lanes, channels))


def _quantize(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    channels, lanes = _sized(rng, 40), _sized(rng, 16)
    dtype, out = _kind(rng), _kind(rng, "bipolar", "uint2", "int2", "uint3", "uint4")
    values = rng.integers(dtype.minimum, dtype.maximum + 2, (channels, out.levels - 1))
    return QuantizeUnit(
        Quantize("layer", (channels, 2, 5), dtype, Thresholds(np.sort(values), out)), min(lanes, channels)
    )


def _add(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    first, lanes = _kind(rng), _sized(rng, 16)
    return AddUnit(first, _kind(rng), StreamFormat(lanes, first.bits, lanes, 20 * lanes))


def _join(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    first, second, lanes = _kind(rng), _kind(rng), _sized(rng, 16)
    dtype = DataType.holding(min(first.minimum, second.minimum), max(first.maximum, second.maximum))
    one, two = (int(rng.integers(1, 12)) * lanes for _ in range(2))
    formats = StreamFormat(lanes, first.bits, one, 6 * one), StreamFormat(lanes, second.bits, two, 6 * two)
    return JoinUnit(first, second, formats[0], formats[1], dtype)


def _pooled(rng: np.random.Generator, kinds: tuple[str, ...]) -> MaxPool | SumPool:
    channels, dtype = _sized(rng, 48), _kind(rng, "bipolar", "bipolar", "uint2", "int3", "uint4", "uint8")
    kernel = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    window, kind = Window(channels, 6, 6, kernel, kernel), str(rng.choice(kinds))
    if kind == "sum":
        return SumPool("layer", window, dtype)
    return MaxPool("layer", window, dtype, (rng.integers(0, 2, channels) * (kind == "mixed")).astype(np.bool_))


def _pool(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    layer = _pooled(rng, ("sum", "max", "mixed"))
    return PoolUnit(layer, min(_sized(rng, 32), layer.window.channels))


def _invert(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    layer = _pooled(rng, ("mixed",))
    assert isinstance(layer, MaxPool)
    return InvertUnit(layer, min(_sized(rng, 32), layer.window.channels))


def _argmax(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    classes = _sized(rng, 20)
    multiplier = rng.integers(1, int(rng.choice([2, 5, 60])), classes)
    offset = rng.integers(-30, 30, classes) * int(rng.integers(2))
    lanes = min(_sized(rng, 16), classes)
    return ArgmaxUnit(Output("out", multiplier, offset), (0, _sized(rng, 3000)), lanes, bool(rng.random() < 0.3))


def _best(rng: np.random.Generator, technology: Technology) -> Unit:
    classes, multiplier, offset = _sized(rng, 20), int(rng.choice([1, 2])), int(rng.choice([0, -9]))
    output = Output("out", np.full(classes, multiplier), np.full(classes, offset))
    return BestUnit(output, (0, _sized(rng, 3000)), classes, technology)


def _spatial(rng: np.random.Generator, technology: Technology) -> Unit:
    dtype, output, coefficients, _ = TYPES[int(rng.integers(4))] if rng.random() < 0.6 else BINARY
    layer = random_layer(rng, _sized(rng, 48), _sized(rng, 64), dtype, output, coefficients)
    return SpatialUnit(layer, technology)


def _buffer(rng: np.random.Generator, technology: Technology) -> Unit:
    width = _sized(rng, 64)
    return BufferUnit(StreamFormat(width, 1, width, 40 * width), _sized(rng, 300), technology)


def _width(rng: np.random.Generator, technology: Technology) -> Unit:  # noqa: ARG001
    one, other = _sized(rng, 12), _sized(rng, 12)
    scale = _sized(rng, 8)
    if rng.random() < 0.6:
        # One width divides the other.
        other = one * other
        one, other = (one, other) if rng.random() < 0.5 else (other, one)
    return WidthUnit(scale * one, scale * other, scale * _sized(rng, 60) * (one if rng.random() < 0.5 else 1))


def _window(rng: np.random.Generator, technology: Technology) -> Unit:
    height, width, lanes = int(rng.choice([1, 7, 12])), int(rng.integers(5, 20)), _sized(rng, 24)
    kernel = (1 if height == 1 else int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    stride, pad = int(rng.integers(1, 3)), int(rng.integers(2))
    above, left = pad * (kernel[0] // 2), pad * (kernel[1] // 2)
    padding = above, left, above, left
    groups = int(rng.integers(1, 5))
    window = Window(groups * lanes, height, width, kernel, (min(stride, height), stride), (1, 1), padding)
    return WindowUnit(
        window, int(rng.choice([1, 1, 2, 4])), lanes, 0, str(rng.choice(["vector", "channels"])), technology
    )


_OTHERS = {
    "affine": _affine,
    "quantize": _quantize,
    "add": _add,
    "join": _join,
    "pool": _pool,
    "invert": _invert,
    "argmax": _argmax,
    "best": _best,
    "spatial": _spatial,
    "buffer": _buffer,
    "width": _width,
    "window": _window,
}
