"""The bound of float64's error, against rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bnnhw.ir import BatchNorm, Clip, Curve, Divide, Gap, PRelu, Relu, Scale, Shift, Staircase, Step, apply
from bnnhw.ir.curves import STAIRS
from bnnhw.streamline.float_error import _bent, apply_bounded, bound, exact_chain


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


U = 2.0**-53
NORM = BatchNorm(column(2.0), column(1.0), column(-3.0), column(4.0), 0.0)


@pytest.mark.parametrize("steps, value, y, units", [
    ((Scale(column(3.0)),), 5, 15, 15), ((Scale(column(3.0)), Scale(column(-2.0))), 5, -30, 60),
    ((Divide(column(4.0)),), 12, 3, 3), ((Scale(column(3.0)), Divide(column(-2.0))), 4, -6, 12),
    ((Scale(column(3.0)), Shift(column(8.0))), 4, 20, 32), ((Scale(column(3.0)), Relu()), -4, 0, 12),
    ((Scale(column(3.0)), PRelu(column(4.0))), -4, -48, 96), ((Scale(column(3.0)), PRelu(column(4.0))), 4, 12, 60),
    ((Scale(column(3.0)), PRelu(column(0.5))), -4, -6, 18), ((Scale(column(3.0)), NORM), 4, 16, 12 + 60 + 16),
    ((Scale(column(3.0)), Clip(column(-5.0), column(5.0))), 4, 5, 0),
    ((Scale(column(3.0)), Clip(column(-5.0), column(5.0))), -4, -5, 0),
    ((Scale(column(3.0)), Clip(column(-5.0), column(12.0))), 4, 12, 12),
    ((Scale(column(3.0)), Clip(column(-12.0), column(12.0))), -4, -12, 12),
    ((Scale(column(3.0)), Clip(column(-5.0), column(5.0))), 1, 3, 3),
    ((Curve("cube"),), 2, 8, 16 * 8), ((Staircase("floor"),), 2, 2, 0),
    ((Gap(column(-1.0), column(1.0), column(0.5), column(-0.5)),), 3, 2.5, 2.5),
])  # fmt: skip
def test_bounds_by_hand(steps: tuple[Step, ...], value: int, y: float, units: float) -> None:
    """In units of half the last place of 1, of which the bound is twice as many; and what an underflow may lose."""
    found, error = apply_bounded(steps, np.array([[value]]))
    assert found[0, 0] == y and error[0, 0] == 2 * units * U + (0 if units else 2.0**-999)


@pytest.mark.parametrize("inside", [True, False])
def test_a_clip_that_the_error_just_reaches(inside: bool) -> None:
    """15 off by 15 units in the last place: an end that it may be at still says nothing of it."""
    reach = 15 * U
    low, high = -(15 - reach), 15 - reach
    if not inside:
        low, high = np.nextafter(low, 0), np.nextafter(high, 0)
    steps: tuple[Step, ...] = (Scale(column(3.0)), Clip(column(low), column(high)))
    y, error = apply_bounded(steps, np.array([[5], [-5]]))
    assert y[:, 0].tolist() == [high, low]
    assert error[:, 0].tolist() == [2 * reach if inside else 2.0**-999] * 2


def test_a_curve_between_its_ends() -> None:
    """A square of 3, off by 1/4: from 7.5625 to 10.5625, and 16 units in the last place of each and of the middle."""
    value, found = _bent(np.square, column(3.0), column(0.25), 16)
    assert value[0] == 9 and found[0] == pytest.approx(1.5625 + 2 * 16 * U * 10.5625 + 16 * U * 9, rel=0, abs=1e-14)
    value, found = _bent(np.square, column(3.0), column(0.0), 16)
    assert found[0] == 16 * U * 9
    for factor, exact in ((2.0**-899, True), (2.0**-900, False)):
        assert exact_chain((Scale(column(factor)),), np.array([[0], [1]])).tolist() == [exact]


def test_what_overflows_has_no_bound() -> None:
    # Nor has what is computed from it, if it is 0 times that.
    steps: tuple[Step, ...] = (Scale(column(1e308)), Clip(column(-1.0), column(1.0)), Scale(column(0.0)))
    y, error = apply_bounded(steps, np.array([[5]]))
    assert (y[0, 0], error[0, 0]) == (0.0, np.inf)
    y, error = apply_bounded((Scale(column(1e308)),), np.array([[1], [2]]))
    assert np.isfinite(y[0]) and error[0, 0] < 1e293 and error[1, 0] == np.inf


@pytest.mark.parametrize("name, y, error, apart", [
    ("floor", 1.0, 2.0**-60, 1), ("floor", 1.5, 0.25, 0), ("floor", 1.5, 0.5, 1), ("floor", 1.75, 0.25, 1),
    ("floor", 1.0, 0.0, 0), ("ceil", 1.0, 2.0**-60, 1), ("ceil", 1.5, 0.5, 1), ("ceil", 1.25, 0.25, 1),
    ("ceil", -1.0, 2.0**-70, 1), ("round", 0.5, 2.0**-60, 1), ("round", 1.5, 2.0**-60, 1), ("floor", 3.5, 2.0, 2),
    ("floor", 3.25, 2.0, 2), ("ceil", 3.75, 2.0, 2),
])  # fmt: skip
def test_operands_near_a_jump(name: str, y: float, error: float, apart: float) -> None:
    """The exact operand may be on the other side of it, however little the other is off."""
    value, found = _bent(STAIRS[name], np.array([y]), np.array([error]), 0)
    assert (value[0], found[0]) == (STAIRS[name](np.array([y]))[0], apart)


TWO_53 = 1 << 53


@pytest.mark.parametrize("steps, most", [
    ((), TWO_53), ((Scale(column(3.0)),), TWO_53 // 3), ((Scale(column(-3.0)),), TWO_53 // 3),
    ((Scale(column(0.75)),), TWO_53 // 3), ((Scale(column(4.0)),), TWO_53 - 1), ((Scale(column(0.25)),), TWO_53 - 1),
    ((Shift(column(0.5)),), (1 << 52) - 1), ((Shift(column(-8.0)),), TWO_53 - 9), ((Shift(column(0.0)),), TWO_53 - 1),
    ((Divide(column(4.0)),), TWO_53 - 1), ((Divide(column(-0.5)),), TWO_53 - 1), ((Relu(),), TWO_53 - 1),
    ((Divide(column(4.0)), Shift(column(1.0))), TWO_53 - 5), ((Divide(column(0.25)), Shift(column(4.0))), TWO_53 - 2),
    ((PRelu(column(0.5)),), (1 << 52) - 1), ((PRelu(column(2.0)),), (1 << 52) - 1), ((PRelu(column(1.0)),), TWO_53 - 1),
    ((Clip(column(-0.5), column(7.0)),), (1 << 52) - 1), ((Clip(column(-np.inf), column(0.25)),), (1 << 51) - 1),
    ((Clip(column(-8.0), column(np.inf)),), TWO_53 - 1), ((Scale(column(3.0)), Scale(column(5.0))), TWO_53 // 15),
    ((Scale(column(0.0)), Shift(column(0.5))), TWO_53), ((Scale(column(6.0)),), TWO_53 // 3),
])  # fmt: skip
def test_whole_numbers_up_to_which_nothing_is_rounded(steps: tuple[Step, ...], most: int) -> None:
    """On either side of 0."""
    for ends in ([-most, most], [0, most], [-most, 0], [most, 0], [-most, 1]):
        assert exact_chain(steps, np.array(ends)[:, None]).tolist() == [True]
    for ends in ([0, most + 1], [-most - 1, 0], [-most - 1, most]):
        assert exact_chain(steps, np.array(ends)[:, None]).tolist() == [False]


@pytest.mark.parametrize("step", [Divide(column(3.0)), NORM, Curve("cube"), Staircase("floor")])
def test_steps_that_may_round(step: Step) -> None:
    assert exact_chain((step,), np.array([[0], [1]])).tolist() == [False]


def test_a_clip_counts_its_own_ends() -> None:
    """They are sums' summands behind it, and may be longer than what is clipped."""
    far = float(1 << 52)
    steps: tuple[Step, ...] = (Clip(column(far), column(np.inf)), Shift(column(0.5)))
    assert exact_chain(steps, np.array([[0], [1]])).tolist() == [False]
    steps = (Clip(column(-np.inf), column(-far)), Shift(column(0.5)))
    assert exact_chain(steps, np.array([[0], [1]])).tolist() == [False]


def test_a_bound_of_a_range() -> None:
    """The greater of its ends', and none where nothing is rounded, neuron by neuron."""
    steps: tuple[Step, ...] = (Scale(np.array([0.1, 2.0])),)
    ends = np.array([[-7, -7], [30, 30]])
    assert bound(steps, ends).tolist() == [2 * 0.1 * 30 * U, 0.0]
    assert bound(steps, ends[::-1]).tolist() == [2 * 0.1 * 30 * U, 0.0]
