"""Scores in one order against all pairs of them: whether integers agree, how many pairs do not, how far they lie."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bnnhw.ir import Output, Scale, Shift, Step, apply
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.layers import Dense
from bnnhw.streamline import order as module
from bnnhw.streamline.order import ScoreOrder
from tests.layers import random_layer


def head(seed: int) -> tuple[Dense, tuple[Step, ...], np.ndarray]:
    """Three classes of a few accumulators each, one of which may fall, many of whose scores are equal."""
    rng = np.random.default_rng(seed)
    layer = random_layer(rng, 3, 5, ["bipolar", "uint2"][seed % 2], None)
    factor = rng.choice([-1.0, 0.5, 1.0, 2.0], 3)
    return layer, (Scale(factor), Shift(rng.integers(-3, 4, 3) / 2)), factor < 0


def pairs(layer: Dense, steps: tuple[Step, ...], output: Output) -> list[float]:
    """How far the scores of every pair lie apart that the integers order otherwise than float64."""
    affine, (low, high) = dot_affine(layer), layer.accumulator_range
    acc = np.arange(low, high + 1)[:, None]
    y = apply(steps, affine.scale * acc + affine.constants)
    s = acc * output.multiplier + output.offset
    found: list[float] = []
    for i, j in combinations(range(3), 2):
        gap, ours = y[:, None, i] - y[None, :, j], s[:, None, i] >= s[None, :, j]
        found += np.abs(gap[ours != (gap >= 0)]).tolist()
    return found


@pytest.mark.parametrize("large", [1, 1 << 52])
@pytest.mark.parametrize("seed", range(12))
def test_any_integers(seed: int, large: int) -> None:
    """Also of scores near 2**62, which leave no room for a class beside them."""
    layer, steps, falls = head(seed)
    order = ScoreOrder(layer, steps, falls)
    rng = np.random.default_rng(seed)
    agreed = 0
    for _ in range(8):
        wobble = rng.integers(0, 2, 3) * rng.integers(0, 2)
        multiplier = np.rint(4 * steps[0].factor * dot_affine(layer).scale).astype(np.int64) + wobble  # type: ignore[union-attr]
        constants = 4 * (steps[0].factor * dot_affine(layer).constants + steps[1].offset)  # type: ignore[union-attr]
        offset = 4 * np.rint(constants).astype(np.int64) + rng.integers(-1, 2, 3) * rng.integers(0, 2)
        output = Output("o", 4 * multiplier * large, offset * large)
        gaps = pairs(layer, steps, output)
        assert order.holds(output) == (not gaps)
        assert order.misfits(output) == len(gaps)
        assert order.margin(output) == max(gaps, default=0.0)
        agreed += not gaps
    assert agreed or seed % 3


def test_a_limit_is_passed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, steps, falls = head(3)
    order = ScoreOrder(layer, steps, falls)
    output = Output("o", -np.ones(3, np.int64), np.zeros(3, np.int64))
    widest = max(pairs(layer, steps, output))
    assert order.margin(output, 0.0) > 0 and order.margin(output) == widest == order.margin(output, widest)
    # The first pair that is looked at is not the widest: a limit that it meets is not passed yet.
    monkeypatch.setattr(module, "SUSPECTS", 1)
    first = order.margin(output, 0.0)
    assert 0 < first < widest == order.margin(output, first)
