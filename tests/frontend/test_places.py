"""Exact places on the line of samples as float64 thresholds: the least that reaches them, wherever they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bnnhw.frontend.onnx.input_rows import _searched, least_float, threshold_row
from bnnhw.ir import Curve
from bnnhw.streamline.preimage import HalfLine, preimage
from bnnhw.streamline.roots import Number
from tests.strategies import fixed

GREATEST = Fraction(math.nextafter(math.inf, 0))
LEAST = Fraction(5e-324)


def reached(value: float, number: Number, strict: bool) -> bool:
    if math.isinf(value):
        return value > 0
    sign = (Number(Fraction(value)) + -number.rational).rational
    gap = Number(sign, tuple((-s, square) for s, square in number.roots)).sign()
    return gap > 0 or (gap == 0 and not strict)


def check(number: Number) -> None:
    for strict in (False, True):
        found = least_float(number, strict)
        assert reached(found, number, strict)
        assert not reached(math.nextafter(found, -math.inf), number, strict)
        assert _searched(number, strict) == found


@fixed
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-3, 3), st.sampled_from([1, 3, 1 << 60]))
def test_near_any_float(value: float, parts: int, divisor: int) -> None:
    """At a float64, and a little beside it; below the least of all nothing is to be found (test_ends)."""
    unit = Fraction(math.nextafter(value, math.inf) if value < 1e308 else value) - Fraction(value)
    number = Fraction(value) + unit * parts / divisor
    assume(number >= -GREATEST)
    check(Number(number))


@pytest.mark.parametrize("factor", ["1", "-1", "1e-200", "-1e-310", "1e300"])
def test_roots_of_any_size(factor: str) -> None:
    """Also far below the precision of the first guess."""
    check(Number(Fraction(0), ((1, Fraction(2)),)) * Fraction(factor))
    check(Number(Fraction(1), ((-1, Fraction(3)),)) * Fraction(factor))


@pytest.mark.parametrize("bound", [0.25, 1e-30, -1e-60, 1e-100])
def test_behind_curves(bound: float) -> None:
    """Near 0 an inverse is known to so many bits behind the point, which are few of its own: it is searched for."""
    line = preimage((Curve("tanh"),), 0, bound, False)
    assert isinstance(line, HalfLine)
    found = least_float(line.end, False)
    with mpmath.workdps(400):
        assert mpmath.tanh(mpmath.mpf(found)) >= mpmath.mpf(bound)
        assert mpmath.tanh(mpmath.mpf(math.nextafter(found, -math.inf))) < mpmath.mpf(bound)


@pytest.mark.parametrize("number, strict, due", [
    (GREATEST * 2, False, math.inf), (-GREATEST * 2, True, -math.inf), (GREATEST, True, math.inf),
    (GREATEST, False, float(GREATEST)), (LEAST / 2, False, 5e-324), (-LEAST / 2, True, 0.0),
    (Fraction(0), True, 5e-324), (Fraction(0), False, 0.0), (Fraction(1, 10), False, 0.1),
    (Fraction(1, 10), True, 0.1), (Fraction(3, 10), False, 0.30000000000000004), (Fraction(1, 2), True, 0.5 + 2**-53),
])  # fmt: skip
def test_ends(number: Fraction, strict: bool, due: float) -> None:
    assert least_float(Number(number), strict) == due


def lines(above: bool, ends: Iterable[tuple[float, bool] | bool]) -> list[HalfLine | bool]:
    return [e if isinstance(e, bool) else HalfLine(Number(Fraction(e[0])), above, e[1]) for e in ends]


def test_rows() -> None:
    """A level counts the thresholds that are reached; where levels fall with the sample, those that are not."""
    assert threshold_row(lines(True, [True, (0.5, False), (0.5, True), False])) == (
        (-math.inf, 0.5, math.nextafter(0.5, 1), math.inf), False
    )  # fmt: skip
    # Levels of x <= 2, x < 1 and never: the opposites, x > 2, x >= 1 and always, from the last on.
    assert threshold_row(lines(False, [(2, False), (1, True), False])) == (
        (-math.inf, 1, math.nextafter(2, 3)), True
    )  # fmt: skip
