"""Dot products and accumulators, counted match by match."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bnnhw.ir.arithmetic import dot_affine, weight_values
from tests.layers import random_layer


@pytest.mark.parametrize(
    ("dtype", "coefficients"),
    [
        *itertools.product(("bipolar", "uint1", "uint3", "int2", "int4"), ((1,), (1, 2), (2, -1))),
        ("uint2", (3, 1, -4)),
    ],
)
def test_dot_products(dtype: str, coefficients: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    layer = random_layer(rng, 5, 9, dtype, None, coefficients)
    values = [
        [sum(p.coefficient * (1 if p.bits.bits()[n, k] else -1) for p in layer.weights) for k in range(9)]
        for n in range(5)
    ]
    assert weight_values(layer).tolist() == values
    affine = dot_affine(layer)
    assert affine.scale == (2 if dtype == "bipolar" else 1)
    low, high = layer.accumulator_range
    for codes in rng.integers(0, layer.input.levels, (30, 9)):
        numbers = layer.input.values(codes)
        for n in range(5):
            acc = 0
            for bit, plane in itertools.product(range(layer.input.bits), layer.weights):
                ones = plane.bits.bits()[n]
                matches = sum(int(code >> bit & 1 == w) for code, w in zip(codes.tolist(), ones.tolist(), strict=True))
                acc += layer.input.coefficients[bit] * plane.coefficient * matches
            assert low <= acc <= high
            assert affine.scale * acc + affine.constants[n] == sum(
                x * w for x, w in zip(numbers.tolist(), values[n], strict=True)
            )
    # No wider than if all matches that count down were there and none that count up, or the other way round.
    weights = [c * p.coefficient for c in layer.input.coefficients for p in layer.weights]
    assert low >= 9 * sum(w for w in weights if w < 0)
    assert high <= 9 * sum(w for w in weights if w > 0)
