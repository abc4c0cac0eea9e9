"""The cycles of each part of a matrix-vector unit, counted by hand; test_rtl.py shows that hardware keeps them."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
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
