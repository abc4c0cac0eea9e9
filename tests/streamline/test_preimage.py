"""Half-lines carried back through each step: on both sides of every end, and on it, they say what the step says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import ceil, floor

import numpy as np
import pytest

from bnnhw.ir import BatchNorm, Clip, Divide, Gap, PRelu, Relu, Scale, Shift, Staircase, Step
from bnnhw.streamline.preimage import HalfLine, preimage
from bnnhw.streamline.roots import Number

INFINITY = float("inf")
GRID = [Fraction(n, 4) for n in range(-18, 19)]
"""Inputs and bounds: every end of the steps below is one of them."""


def column(value: float) -> np.ndarray:
    return np.array([value])


def norm(gamma: float, beta: float, mean: float, var: float, eps: float = 0.0) -> BatchNorm:
    return BatchNorm(*(column(value) for value in (gamma, beta, mean, var)), eps)


def clip(low: float, high: float) -> tuple[Step, Callable[[Fraction], Fraction]]:
    return Clip(column(low), column(high)), lambda x: Fraction(min(max(x, low), high))


def gap(low: float, high: float, below: float, above: float) -> tuple[Step, Callable[[Fraction], Fraction]]:
    step = Gap(column(low), column(high), column(below), column(above))
    return step, lambda x: x + Fraction(below) if x < low else x + Fraction(above) if x > high else Fraction(0)


STEPS: dict[str, tuple[Step, Callable[[Fraction], Fraction]]] = {
    "a scale": (Scale(column(0.5)), lambda x: x / 2),
    "a scale that falls": (Scale(column(-4.0)), lambda x: -4 * x),
    "a scale of 0": (Scale(column(0.0)), lambda _: Fraction(0)),
    "a division": (Divide(column(0.5)), lambda x: 2 * x),
    "a division that falls": (Divide(column(-2.0)), lambda x: -x / 2),
    "a shift": (Shift(column(-0.75)), lambda x: x - Fraction(3, 4)),
    "a norm": (norm(3.0, 0.5, -0.25, 4.0), lambda x: 3 * (x + Fraction(1, 4)) / 2 + Fraction(1, 2)),
    "a norm that falls": (norm(-0.5, 1.0, 0.5, 0.1875, 0.0625), lambda x: 1 - (x - Fraction(1, 2))),
    "a norm of 0": (norm(0.0, 0.5, 7.0, 1.0), lambda _: Fraction(1, 2)),
    "a rectifier": (Relu(), lambda x: max(x, Fraction(0))),
    "a rectifier with a slope": (PRelu(column(0.25)), lambda x: x if x >= 0 else x / 4),
    "a rectifier with a slope of 0": (PRelu(column(0.0)), lambda x: max(x, Fraction(0))),
    "a clip": clip(-1.25, 2.0),
    "a clip to one number": clip(0.5, 0.5),
    "a clip from below": clip(0.0, INFINITY),
    "a clip from above": clip(-INFINITY, -0.5),
    "no clip": clip(-INFINITY, INFINITY),
    "a gap that is shrunk": gap(-1.0, 2.0, 1.0, -2.0),
    "a gap that jumps": gap(-1.0, 2.0, 0.0, 0.0),
    "a gap that half jumps": gap(-1.5, 0.5, 0.75, 0.25),
    "a gap of one number": gap(0.0, 0.0, -1.0, 0.5),
    "a gap without an end below": gap(-INFINITY, 0.5, 0.0, 1.0),
    "a gap without an end above": gap(-0.5, INFINITY, -1.0, 0.0),
    "a floor": (Staircase("floor"), lambda x: Fraction(floor(x))),
    "a ceiling": (Staircase("ceil"), lambda x: Fraction(ceil(x))),
    "to the nearest": (Staircase("round"), lambda x: Fraction(round(x))),
}  # fmt: skip


@pytest.mark.parametrize("falls", [False, True], ids=["rising", "falling"])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_on_a_grid(name: str, falls: bool) -> None:
    """All bounds, reached and exceeded; with a change of sign behind the step the half-lines go down."""
    step, exactly = STEPS[name]
    steps = (step, Scale(column(-1.0))) if falls else (step,)
    for bound, strict in product(GRID, (False, True)):
        line = preimage(steps, 0, bound, strict)
        for x in GRID:
            y = -exactly(x) if falls else exactly(x)
            expected = y > bound if strict else y >= bound
            assert (line if isinstance(line, bool) else line.holds(float(x))) == expected, (bound, strict, x)


def test_what_holds_for_all_or_none_is_no_half_line() -> None:
    """Beyond what a step gives, and at its ends where the condition includes them."""
    assert [preimage((Relu(),), 0, b, s) for b, s in ((-1.0, False), (0.0, False))] == [True, True]
    assert preimage((Relu(),), 0, 0.0, True) == HalfLine(Number(Fraction(0)), True, True)
    clipped = (Clip(column(-1.0), column(2.0)),)
    assert [preimage(clipped, 0, b, False) for b in (-1.5, -1.0, 2.5)] == [True, True, False]
    assert [preimage(clipped, 0, b, True) for b in (-1.5, 2.0, 2.5)] == [True, False, False]
    assert preimage(clipped, 0, -1.0, True) == HalfLine(Number(Fraction(-1)), True, True)
    assert preimage(clipped, 0, 2.0, False) == HalfLine(Number(Fraction(2)), True, False)
    # What comes before in the chain is not looked at any more.
    assert preimage((Shift(column(1.0)), *clipped), 0, 2.5, False) is False
    assert preimage((norm(0.0, 0.5, 0.0, 1.0),), 0, 0.5, False) is True
    assert preimage((Scale(column(0.0)),), 0, 0.0, True) is False


def test_parameters_are_the_neuron_s_own() -> None:
    pair = np.array([1.0, 2.0])
    for step in (Scale(pair), Divide(1 / pair), BatchNorm(pair, pair * 0, pair * 0, pair * 0 + 1, 0.0)):
        assert preimage((step,), 1, 3.0, False) == HalfLine(Number(Fraction(3, 2)), True, False)
    assert preimage((Shift(pair),), 1, 3.0, False) == HalfLine(Number(Fraction(1)), True, False)
    assert preimage((PRelu(pair),), 1, -3.0, False) == HalfLine(Number(Fraction(-3, 2)), True, False)
    assert preimage((Clip(-pair, pair),), 1, 2.0, False) == HalfLine(Number(Fraction(2)), True, False)
    assert preimage((Gap(-pair, pair, pair, -pair),), 1, 1.0, False) == HalfLine(Number(Fraction(3)), True, False)
