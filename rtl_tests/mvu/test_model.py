"""The cycles of each part of a matrix-vector unit, counted by hand; test_rtl.py shows that hardware keeps them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import sign
from bnnhw.ir.activation import FloatActivation
from bnnhw.rtl.popcount_plan import plan
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.timing import MvuTiming
from tests.layers import random_layer


def timing(
    folding: LayerFolding,
    tech: str = "ice40",
    dtype: str = "bipolar",
    output: str | None = "bipolar",
    coefficients: tuple[int, ...] = (1,),
) -> MvuTiming:
    """Cycles of a layer of 10 neurons with 12 synapses."""
    layer = random_layer(np.random.default_rng(0), 10, 12, dtype, output, coefficients)
    return MvuUnit(layer, folding, technology(tech)).timing


@pytest.mark.parametrize("pe, simd, folds", [(1, 1, (12, 10)), (10, 12, (1, 1)), (3, 5, (3, 4)), (5, 4, (3, 2))])
def test_folds(pe: int, simd: int, folds: tuple[int, int]) -> None:
    p = timing(LayerFolding(pe, simd))
    assert (p.synapse_folds, p.neuron_folds) == folds
    assert p.interval == folds[0] * folds[1]
    assert p.buffer_words == (2 if folds[1] == 1 else 2 * folds[0])


@pytest.mark.parametrize(
    "memory, tech, read",
    [
        ("lut", "ice40", 2),
        ("lut", "ecp5", 2),
        ("lut", "generic", 2),
        ("block", "ice40", 1),
        ("block", "ecp5", 2),
        ("block", "generic", 2),
    ],
)
def test_read(memory: str, tech: str, read: int) -> None:
    assert timing(LayerFolding(2, 4, memory), tech).read == read


@pytest.mark.parametrize(
    "dtype, coefficients, combine",
    [
        ("bipolar", (1,), 0),
        ("bipolar", (3,), 1),  # one plane with a coefficient passes one register
        ("uint1", (1,), 0),
        ("uint2", (1,), 1),
        ("uint3", (1,), 2),
        ("uint2", (1, -2), 2),
        ("uint3", (1, 2), 3),  # six planes
        ("uint8", (1,), 3),
    ],
)
def test_combine(dtype: str, coefficients: tuple[int, ...], combine: int) -> None:
    assert timing(LayerFolding(2, 4), dtype=dtype, coefficients=coefficients).combine == combine


@pytest.mark.parametrize("output, threshold", [(None, 0), ("bipolar", 1), ("uint1", 1), ("uint2", 2), ("int4", 2)])
def test_threshold(output: str | None, threshold: int) -> None:
    assert timing(LayerFolding(2, 4), output=output).threshold == threshold


@pytest.mark.parametrize("tech", ["generic", "ice40", "ecp5"])
@pytest.mark.parametrize("simd", [1, 5, 12])
def test_latency(tech: str, simd: int) -> None:
    """SF * NF + L, L being read, count, accumulate (not at SF = 1), compare, queue."""
    p = timing(LayerFolding(5, simd, "lut"), tech)
    sf = -(-12 // simd)
    depth = 2 + plan(simd, technology(tech)).latency + (sf > 1) + 1 + 1
    assert p.depth == depth
    assert p.latency == sf * 2 + depth
    assert p.credits * sf >= depth + 1 > (p.credits - 1) * sf


def unit(neurons: int, synapses: int, folding: LayerFolding, multiplier: int = 0, vectors: int = 1) -> MvuUnit:
    layer = random_layer(np.random.default_rng(0), neurons, synapses, "uint2", "uint3")
    return MvuUnit(layer, folding, technology("generic"), multiplier, vectors)


def test_streams() -> None:
    """A vector in words of SIMD elements, its neurons in words of PE; so many vectors per frame, one by default."""
    one = unit(10, 12, LayerFolding(3, 5))
    assert one.inputs == (StreamFormat(5, 2, 12, 12),)
    assert one.outputs == (StreamFormat(3, 3, 10, 10),)
    assert (one.repeats, one.interval) == (1, 4 * 3)
    seven = unit(10, 12, LayerFolding(3, 5), vectors=7)
    assert seven.inputs == (StreamFormat(5, 2, 12, 84),)
    assert seven.outputs == (StreamFormat(3, 3, 10, 70),)
    assert (seven.repeats, seven.interval) == (7, 7 * 4 * 3)


@pytest.mark.parametrize("pe, lanes, words", [(1, 1, 3), (2, 1, 3), (4, 1, 3), (8, 2, 2), (12, 3, 1)])
def test_streams_of_a_depthwise_unit(pe: int, lanes: int, words: int) -> None:
    """Three channels of four neurons, nine taps: a lane is a channel, and each word of channels comes nine times."""
    depthwise = unit(12, 9, LayerFolding(pe, 1), 4, vectors=5)
    assert depthwise.inputs == (StreamFormat.whole_words(lanes, 2, 5 * words * 9),)
    assert depthwise.outputs == (StreamFormat(pe, 3, 12, 60),)
    p = depthwise.timing
    assert p.interval == 9 * -(-12 // pe)
    assert p.vector_folds == max(4 // pe, 1)
    assert p.passes == p.vector_folds
    assert p.buffer_words == (2 * 9 if pe < 4 else 2)


def test_serial_planes() -> None:
    """A plane after the other: twice the cycles, one popcount, a sum over planes in their stead."""
    side, after = (unit(10, 12, LayerFolding(3, 5, "lut", planes=word)).timing for word in ("parallel", "serial"))
    assert (side.serial, side.combine, side.shift_add, side.read) == (1, 1, 0, 2)
    assert (after.serial, after.combine, after.shift_add, after.read) == (2, 0, 1, 3)
    assert (after.interval, after.passes) == (2 * side.interval, 2 * side.passes)
    assert after.fold_cycles == 2 * side.fold_cycles
    assert after.weight_words == side.weight_words == 12
    assert after.depth == side.depth + 1
    assert after.credits == -(-(after.depth + 1) // 6)


def test_one_pass_needs_no_replay() -> None:
    """One neuron fold in one plane takes words as they come; two planes need them again."""
    assert unit(3, 12, LayerFolding(3, 2, "lut")).timing.buffer_words == 2
    assert unit(3, 12, LayerFolding(3, 2, "lut", planes="serial")).timing.buffer_words == 2 * 6


def test_errors() -> None:
    def refused(message: str, neurons: int, folding: LayerFolding, multiplier: int) -> None:
        with pytest.raises(ValueError, match=rf"^layer layer: {re.escape(message)}$"):
            unit(neurons, 9, folding, multiplier)

    refused("SIMD must be 1 in a depthwise unit, not 3", 12, LayerFolding(4, 3), 4)
    only = "PE of a depthwise convolution must be a divisor or a multiple of its 4 neurons per channel"
    refused(f"{only}, not 3; nearest: 2 or 4", 12, LayerFolding(3, 1), 4)
    refused(f"{only}, not 6; nearest: 4 or 8", 12, LayerFolding(6, 1), 4)
    refused(f"{only}, not 11; nearest: 8 or 12", 12, LayerFolding(11, 1), 4)
    layer = random_layer(np.random.default_rng(0), 3, 12)
    trained = replace(layer, activation=FloatActivation((), sign(3)))
    with pytest.raises(ValueError, match=r"^layer layer must be streamlined$"):
        MvuUnit(trained, LayerFolding(1, 1), technology("generic"))
