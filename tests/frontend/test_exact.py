"""Steps in rational arithmetic, against the same steps in float64 where these need no rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bnnhw.frontend.onnx.exact import common_unit, exact_affine, exact_value
from bnnhw.ir import BatchNorm, Clip, Curve, Divide, PRelu, Relu, Scale, Shift, Step, apply


def row(*values: float) -> np.ndarray:
    return np.array(values)


STRAIGHT: list[Step] = [
    Scale(row(0.5, -3)),
    Divide(row(4, -0.25)),
    Shift(row(-1.5, 7)),
    # Standard deviations 2 and 1.5; a gamma of 0 leaves beta.
    BatchNorm(row(3, -2), row(0.5, 1), row(1, -2), row(3.75, 2), 0.25),
    BatchNorm(row(0, 4), row(0.5, 1), row(1, -2), row(3.75, 3.75), 0.25),
]
BENT: list[Step] = [
    Relu(),
    PRelu(row(0.5, 3)),
    Clip(row(-1, -np.inf), row(2, 0.5)),
    Clip(row(-np.inf, 0), row(np.inf, np.inf)),
]


def name(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("step", [*STRAIGHT, *BENT], ids=name)
def test_what_a_step_makes_of_a_number(step: Step) -> None:
    for chain in ((step,), (Shift(row(1, 1)), step), (step, Shift(row(1, 1)))):
        for x in (-3.0, -0.5, 0.0, 0.75, 6.0):
            found = [exact_value(chain, neuron, Fraction(x)) for neuron in (0, 1)]
            assert np.allclose(np.array(found, float), apply(chain, row(x, x)[None])[0], rtol=1e-15)


@pytest.mark.parametrize("step", STRAIGHT, ids=name)
def test_slopes_and_offsets(step: Step) -> None:
    chain = (Scale(row(2, 2)), Shift(row(3, -1)), step)
    affine = exact_affine(chain, 2)
    assert affine is not None
    for x in (-3, 0, 5):
        values = [slope * x + offset for slope, offset in zip(*affine, strict=True)]
        assert values == [exact_value(chain, neuron, Fraction(x)) for neuron in (0, 1)]


def test_what_is_no_straight_line() -> None:
    for step in (*BENT, Curve("tanh")):
        assert exact_affine((Shift(row(1, 1)), step), 2) is None
    assert exact_value((Curve("tanh"), Shift(row(1, 1))), 0, Fraction(1)) is None
    # The root of 2 is no fraction.
    norm = BatchNorm(row(1, 1), row(0, 0), row(0, 0), row(4, 2), 0.0)
    assert exact_affine((norm,), 2) is None and exact_affine((norm,), 1) == ([Fraction(1, 2)], [Fraction(0)])
    assert exact_value((norm,), 0, Fraction(3)) == Fraction(3, 2) and exact_value((norm,), 1, Fraction(3)) is None


@pytest.mark.parametrize("numbers, unit", [
    ("6 4 0", "2"), ("1/2 1/3", "1/6"), ("-3/4 9/8", "3/8"), ("0 0", "1"), ("", "1"), ("5/7", "5/7")
])  # fmt: skip
def test_common_units(numbers: str, unit: str) -> None:
    assert common_unit(map(Fraction, numbers.split())) == Fraction(unit)
