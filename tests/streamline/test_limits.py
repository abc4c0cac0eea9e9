"""Limits of what is proved: what they are, and that as much as they say is still done."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from bnnhw.ir import Divide, Scale, Step
from bnnhw.streamline import (
    decision,
    enclosed,
    float_error,
    inverses,
    lines,
    order,
    output_affine,
    roots,
    thresholds,
)
from tests.streamline.test_lines import convert, wide

LIMITS: tuple[tuple[ModuleType, str, object], ...] = (
    # float64: half a unit in the last place of 1, and numbers so small that products of two of them vanish.
    (float_error, "U", 2.0**-53),
    (float_error, "TINY", 2.0**-1000),
    (float_error, "CURVE_UNITS", 16),
    # Precisions, in bits.
    (enclosed, "GUARD", 32),
    (lines, "ROOT_BITS", 256),
    (roots, "MAX_PRECISION", 8192),
    # What int64 and float64's 53 bits hold of scores, multipliers and their differences.
    (order, "MOST", 2**62),
    (output_affine, "MAX_SCORE", 2**62),
    (output_affine, "MAX_MULTIPLIER", 2**48),
    (lines, "MAX_PROPORTION", 2**20),
    (decision, "FAR", 2**30),
    (inverses, "FAR", 4096),
    # What is listed or tried: seconds, and a quarter of a GiB.
    (thresholds, "EXHAUST", 2**24),
    (output_affine, "EXHAUST", 2**22),
    (lines, "BUDGET", 2**26),
    (order, "SUSPECTS", 1024),
    (thresholds, "MAX_WARNINGS", 20),
    # Multipliers tried: all below the first, 16 per octave from there on.
    (output_affine, "DENSE", 64),
    (output_affine, "PER_OCTAVE", 16),
)


@pytest.mark.parametrize("module, name, value", LIMITS, ids=lambda v: v if isinstance(v, str) else "")
def test_limits(module: ModuleType, name: str, value: object) -> None:
    """Changed on purpose alone: what is within them is proved, and takes seconds."""
    assert getattr(module, name) == value


def test_a_budget_may_be_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties are looked at in parts of 1,024, 2,048 and so on: the last may take all that is left, and no more."""
    layer, chain = wide(2, 64), (Divide(np.array([3.0, 1.5])), Scale(np.array([2.0, 1.0])))
    steps: tuple[Step, ...] = chain
    size, spent = lines.FIRST, 0
    # The accumulators of both classes: ties of equal slopes are all of them.
    low, high = layer.accumulator_range
    looked = 0
    while looked < high - low + 1:
        size = min(2 * size, lines.CHUNK)
        spent, looked = spent + size, looked + size
    monkeypatch.setattr(lines, "BUDGET", spent)
    assert convert(layer, steps)[1] == ()
    monkeypatch.setattr(lines, "BUDGET", spent - 1)
    assert len(convert(layer, steps)[1]) == 1
