"""The bound of float64's error, against rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bnnhw.ir import Divide, PRelu, Relu, Scale, Shift, Step, apply
from bnnhw.streamline.float_error import apply_bounded, exact_chain


def exactly(steps: tuple[Step, ...], value: int) -> Fraction:
    """A chain of one neuron without batch norms."""
    y = Fraction(value)
    for step in steps:
        match step:
            case Scale():
                y *= Fraction(float(step.factor[0]))
            case Divide():
                y /= Fraction(float(step.divisor[0]))
            case Shift():
                y += Fraction(float(step.offset[0]))
            case PRelu():
                y *= Fraction(float(step.slope[0])) if y < 0 else 1
            case _:
                y = max(y, Fraction(0))
    return y


def column(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(
    "bend",
    [PRelu(column(2.0**20)), PRelu(column(0.1)), PRelu(column(1.0)), Relu()],
    ids=["steep", "flat", "line", "relu"],
)
def test_the_bound_holds_where_rounding_is_all_there_is(bend: Step) -> None:
    # At 3 these cancel to what the products were rounded by, on either side of 0.
    for sign in (-1, 1):
        steps: tuple[Step, ...] = (Scale(column(0.1 * sign)), Shift(column(-0.3 * sign)), bend, Divide(column(0.7)))
        values = np.arange(-40, 41)
        y, error = apply_bounded(steps, values[:, None])
        off = [abs(Fraction(a) - exactly(steps, int(v))) for a, v in zip(y[:, 0].tolist(), values, strict=True)]
        assert all(d <= Fraction(e) for d, e in zip(off, error[:, 0].tolist(), strict=True))
        assert any(off) or isinstance(bend, Relu)
        # And it is no more than some units in the last place of what went in.
        assert (error < 64 * 2.0**-53 * np.maximum(getattr(bend, "slope", column(1.0)), 1) * 4).all()


@pytest.mark.parametrize("most, exact", [(2**52 + 1, False), ((2**53 - 1) // 3, True)])
def test_steep_slopes_leave_the_whole_numbers_of_float64(most: int, exact: bool) -> None:
    steps: tuple[Step, ...] = (PRelu(column(3.0)),)
    assert (Fraction(float(apply(steps, column(-most))[0])) == exactly(steps, -most)) == exact
    assert exact_chain(steps, np.array([[-most], [most]])).tolist() == [exact]
