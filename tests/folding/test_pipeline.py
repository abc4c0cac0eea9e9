"""The cycles of each part of a unit, counted by hand; that hardware keeps them is shown in tests/hardware."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import Output
from bnnhw.ir.types import narrowest
from bnnhw.rtl.popcount_plan import plan
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.timing import MvuTiming
from tests.hardware.bench import random_layer


def test_narrowest() -> None:
    """The narrowest integer that holds a range: no bit more than needed, over every small range."""
    for low in range(-20, 20):
        for high in range(max(low, 0), 20):
            width, signed = narrowest(low, high)

            def holds(bits: int, low: int = low, high: int = high, signed: bool = signed) -> bool:
                least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
                return least <= low and high <= most

            assert signed == (low < 0)
            assert holds(width)
            # Two's complement has two bits at least: DataType knows no int1.
            assert width == 1 + signed or not holds(width - 1)


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


@pytest.mark.parametrize(
    "pe, multiplier, offset, depth",
    [(1, 1, 0, 3), (2, 1, 0, 4), (3, 1, 0, 5), (10, 1, 0, 7), (1, 2, 0, 4), (1, 1, -1, 4), (4, 3, 5, 7)],
)
def test_argmax(pe: int, multiplier: int, offset: int, depth: int) -> None:
    """Capture, multiply and add where they do something, ceil(log2 PE) comparisons, running best, queue."""
    layer = random_layer(np.random.default_rng(0), 10, 12, output=None)
    output = Output("out", np.full(10, multiplier), np.full(10, offset))
    unit = ArgmaxUnit(output, layer.accumulator_range, pe)
    p = unit.timing
    words = -(-10 // pe)
    assert (p.lanes, p.words, p.interval, p.depth) == (pe, words, words, depth)
    assert p.latency == words - 1 + depth
    assert unit.score_range == (offset, 12 * multiplier + offset)


def test_score_range_of_mixed_signs() -> None:
    layer = random_layer(np.random.default_rng(0), 3, 12, output=None, coefficients=(1, -2))
    unit = ArgmaxUnit(Output("out", np.array([1, -5, 0]), np.array([0, 7, 500])), layer.accumulator_range, 1)
    # Accumulators are in -24..12.
    assert unit.score_range == (-5 * 12 + 7, max(-5 * -24 + 7, 500))
