"""Inverses of curves where they are exact, and what bounds at and beyond the ends of a curve say."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
import pytest

from bnnhw.errors import NetworkError
from bnnhw.streamline.enclosed import Enclosed, Real, enclose
from bnnhw.streamline.inverses import INVERSES, _End, inverse
from bnnhw.streamline.roots import Number
from tests.streamline.curves import FORMULAS, INSIDE


def root(square: Fraction | int, rational: Fraction | int = 0, sign: int = 1) -> Number:
    return Number(Fraction(rational), ((sign, Fraction(square)),))


def exactly(value: Fraction | int) -> Number:
    return Number(Fraction(value))


THIRD = Fraction(1, 3)
HALF = Fraction(1, 2)

RATIONAL = {"elu", "reciprocal", "softsign", "sqrt", "square"}
"""Curves whose inverse of a third is an exact number."""

EXACT: list[tuple[str, Number, Number]] = [
    *((name, exactly(0), exactly(0)) for name in ("asin", "asinh", "atan", "atanh", "elu", "erf", "sinh", "tanh")),
    ("cube", exactly(0), exactly(0)),
    ("cube", exactly(Fraction(8, 27)), exactly(Fraction(2, 3))),
    ("cube", exactly(-343), exactly(-7)),
    ("cube", exactly((1 << 60) ** 3), exactly(1 << 60)),
    ("cube", exactly(Fraction(1, 125)), exactly(Fraction(1, 5))),
    ("elu", exactly(THIRD), exactly(THIRD)),
    ("elu", root(2), root(2)),
    ("exp", exactly(1), exactly(0)),
    ("log", exactly(0), exactly(1)),
    ("reciprocal", exactly(THIRD), exactly(-3)),
    ("reciprocal", exactly(Fraction(5, 2)), exactly(Fraction(-2, 5))),
    ("sigmoid", exactly(HALF), exactly(0)),
    ("softsign", exactly(HALF), exactly(1)),
    ("softsign", exactly(-THIRD), exactly(-HALF)),
    ("sqrt", exactly(Fraction(3, 2)), exactly(Fraction(9, 4))),
    ("sqrt", root(2, 1), root(8, 3)),  # (1 + sqrt(2))**2 = 3 + 2 * sqrt(2)
    ("sqrt", root(2, -1), root(8, 3, -1)),
    ("sqrt", root(3, 2, -1), root(48, 7, -1)),  # (2 - sqrt(3))**2 = 7 - 4 * sqrt(3)
    ("sqrt", root(5), exactly(5)),
    ("square", exactly(Fraction(9, 4)), exactly(Fraction(3, 2))),
    ("square", exactly(2), root(2)),
]


@pytest.mark.parametrize("name, value, expected", EXACT)
def test_exact(name: str, value: Number, expected: Number) -> None:
    """Whether the value itself counts or not."""
    for from_above in (False, True):
        assert inverse(name, value, from_above) == expected


@pytest.mark.parametrize(
    "name, value",
    [
        *((name, exactly(THIRD)) for name in sorted({*INVERSES} - RATIONAL)),
        ("elu", exactly(-THIRD)), ("exp", exactly(2)), ("log", exactly(1)), ("sigmoid", exactly(Fraction(2, 3))),
        ("cube", exactly(9)), ("cube", exactly(Fraction(8, 9))), ("cube", root(2)), ("square", root(2)),
        ("softsign", root(2, -1)), ("sqrt", Number(Fraction(1), ((1, Fraction(2)), (1, Fraction(3))))),
    ],
)  # fmt: skip
def test_enclosed_elsewhere(name: str, value: Number) -> None:
    found = inverse(name, value, True)
    assert isinstance(found, Enclosed)
    low, high = found.enclose(64)
    assert Fraction(0) < high - low < Fraction(1, 1 << 48)


# By name: the end, its argument where it is reached, and whether it is the upper one.
ENDS: list[tuple[str, int, int | None, bool]] = [
    ("acos", 0, -1, False), ("acosh", 0, 1, False), ("elu", -1, None, False), ("erf", -1, None, False),
    ("erf", 1, None, True), ("exp", 0, None, False), ("reciprocal", 0, None, False), ("sigmoid", 0, None, False),
    ("sigmoid", 1, None, True), ("softplus", 0, None, False), ("softsign", -1, None, False),
    ("softsign", 1, None, True), ("sqrt", 0, 0, False), ("square", 0, 0, False), ("tanh", -1, None, False),
    ("tanh", 1, None, True),
]  # fmt: skip


@pytest.mark.parametrize("name, end, at, upper", ENDS)
def test_ends(name: str, end: int, at: int | None, upper: bool) -> None:
    """Beyond a lower end always, beyond an upper one never; at it, its argument where only that tells them apart."""
    step = Fraction(1, 1 << 40)
    outside, inside = (end + step, end - step) if upper else (end - step, end + step)
    for from_above in (False, True):
        assert inverse(name, exactly(outside), from_above) is (not upper)
        assert not isinstance(inverse(name, exactly(inside), from_above), bool)
        found = inverse(name, exactly(end), from_above)
        if at is not None and from_above == upper:
            assert found == exactly(at)
        else:
            assert found is (not upper)


@pytest.mark.parametrize("name, factor, upper, at", [
    ("acos", 1, True, 1), ("asin", -HALF, False, -1), ("asin", HALF, True, 1), ("atan", -HALF, False, None),
    ("atan", HALF, True, None),
])  # fmt: skip
def test_ends_that_are_multiples_of_pi(name: str, factor: Fraction | int, upper: bool, at: int | None) -> None:
    """Known to 1,000 bits: what is closer can't be decided, and no rational number is that close by chance."""
    pi = Fraction(3141592653589793238462643383279502884197169399375105820974944592307816406286209, 10**78)
    step = Fraction(1, 10**70)
    end = pi * factor
    beyond, inside = (end + step, end - step) if upper else (end - step, end + step)
    for from_above in (False, True):
        assert inverse(name, exactly(beyond), from_above) is (not upper)
        assert not isinstance(inverse(name, exactly(inside), from_above), bool)
    entry = INVERSES[name]
    found = entry.high if upper else entry.low
    assert found is not None and found.at == (None if at is None else Fraction(at))
    assert abs(found.low - end) < Fraction(1, 10**77) and 0 < found.high - found.low < Fraction(1, 1 << 990)
    with mpmath.workprec(2000):
        exact = mpmath.pi * mpmath.mpf(factor.numerator) / factor.denominator
        assert all(
            (mpmath.mpf(e.numerator) / e.denominator - exact) * s > 0 for e, s in ((found.low, -1), (found.high, 1))
        )


def test_sides_of_an_end_that_is_known_to_some_digits() -> None:
    end = _End(Fraction(1), Fraction(2))
    sides = [end.side(exactly(value)) for value in (Fraction(1, 2), 1, 2, Fraction(5, 2))]
    assert sides == [-1, -1, 1, 1]
    with pytest.raises(NetworkError, match=r"^a bound behind a curve is too close to the curve's end to be decided$"):
        end.side(exactly(Fraction(3, 2)))
    assert [_End(Fraction(1), Fraction(1)).side(exactly(value)) for value in (0, 1, 2)] == [-1, 0, 1]


def arguments(name: str) -> list[float]:
    """Some of every kind: below and above 0, near the ends of what the curve takes, and far away."""
    low, high = INSIDE.get(name, (-8.0, 8.0))
    wanted = (-4.9, -0.7, -0.3, -0.001, 0.001, 0.3, 0.7, 1.3, 4.9)
    return [x for x in wanted if low < x < high]


def rational(value: Any) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)


@pytest.mark.parametrize("name, x", [(name, x) for name in sorted(INVERSES) for x in arguments(name)])
def test_inverses_of_any_number(name: str, x: float) -> None:
    """Behind a norm a value holds a root, and behind another curve it is known by its digits: both are inverted."""
    with mpmath.workdps(120):
        y = rational(FORMULAS[name](mpmath.mpf(x)))
    # y, less the root of 2 in so many digits, and the root again: within 1e-60 of y, and no rational number.
    near = Fraction(isqrt(2 * 10**120), 10**60)
    digits = Enclosed(lambda bits: (y - Fraction(1, 1 << bits), y + Fraction(1, 1 << bits)))
    values: list[Real] = [root(2, y - near), digits]
    for value in values:
        found = inverse(name, value, True)
        assert not isinstance(found, bool)
        low, high = enclose(found, 180)
        assert high - low < Fraction(1, 1 << 60)
        slack = Fraction(1, 10**40)
        assert low - slack <= Fraction(x) <= high + slack
