"""Floors and ceilings of r + sign * sqrt(q)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.streamline import roots
from bnnhw.streamline.roots import Number, ceil_root, floor_root
from tests.strategies import fixed

RATIONALS = st.one_of(st.fractions(-50, 50, max_denominator=40), st.floats(-1e6, 1e6).map(Fraction))
SQUARES = st.one_of(
    st.fractions(0, 50, max_denominator=9),
    st.fractions(-9, 9, max_denominator=6).map(lambda x: x * x),
    st.floats(0, 1e6).map(Fraction),
)


def at_most(number: int, rational: Fraction, square: Fraction, sign: int) -> bool:
    """Whether number <= rational + sign * sqrt(square), by comparing squares."""
    gap = number - rational
    if sign > 0:
        return gap <= 0 or gap * gap <= square
    return gap <= 0 and gap * gap >= square


@fixed
@given(RATIONALS, SQUARES, st.sampled_from([-1, 1]))
def test_floor_and_ceiling(rational: Fraction, square: Fraction, sign: int) -> None:
    floor = floor_root(rational, square, sign)
    assert at_most(floor, rational, square, sign)
    assert not at_most(floor + 1, rational, square, sign)
    ceiling = ceil_root(rational, square, sign)
    assert ceiling in (floor, floor + 1)
    whole = at_most(floor, rational, square, sign) and (floor - rational) ** 2 == square
    assert (ceiling == floor) == whole


@pytest.mark.parametrize(
    "rational, square, sign, floor, ceiling",
    [
        ("1/2", "1/4", 1, 1, 1),
        ("1/2", "1/4", -1, 0, 0),
        ("0", "2", 1, 1, 2),
        ("0", "2", -1, -2, -1),
        ("3", "0", 0, 3, 3),
    ],
)
def test_by_hand(rational: str, square: str, sign: int, floor: int, ceiling: int) -> None:
    assert floor_root(Fraction(rational), Fraction(square), sign) == floor
    assert ceil_root(Fraction(rational), Fraction(square), sign) == ceiling


def test_a_root_one_part_in_10_to_the_40_short_of_an_integer() -> None:
    square = 9 - Fraction(1, 10**40)
    assert floor_root(Fraction(0), square, 1) == 2
    assert ceil_root(Fraction(0), square, -1) == -2


def test_numbers_times_a_fraction() -> None:
    number = Number(Fraction(1, 2), ((1, Fraction(2)), (-1, Fraction(7))))
    assert number * Fraction(-3) == Number(Fraction(-3, 2), ((-1, Fraction(18)), (1, Fraction(63))))
    assert number * Fraction(1, 2) == Number(Fraction(1, 4), ((1, Fraction(1, 2)), (-1, Fraction(7, 4))))
    assert number * Fraction(0) == Number(Fraction(0))
    assert (number * Fraction(0)).sign() == 0


@pytest.mark.parametrize("rational, sign, square, expected", [
    (0, 1, 2, 1), (0, -1, 2, -1), (1, 1, 2, 1), (-1, -1, 2, -1), (1, -1, 2, -1), (2, -1, 2, 1), (-1, 1, 2, 1),
    (-2, 1, 2, -1),
])  # fmt: skip
def test_signs(rational: int, sign: int, square: int, expected: int) -> None:
    """Of r + sign * sqrt(square)."""
    assert Number(Fraction(rational), ((sign, Fraction(square)),)).sign() == expected


def test_signs_of_several_roots() -> None:
    """Within 1 of 0 on both sides."""
    number = Number(Fraction(0), ((1, Fraction(3)), (-1, Fraction(2))))  # 0.318
    assert (number.sign(), (-number).sign(), (number + Fraction(-1)).sign()) == (1, -1, -1)


def test_times_a_root() -> None:
    number = Number(Fraction(-3), ((1, Fraction(2)), (-1, Fraction(5))))
    assert number.times_root(Fraction(4)) == Number(Fraction(-6), ((1, Fraction(8)), (-1, Fraction(20))))
    assert number.times_root(Fraction(2)) == Number(Fraction(2), ((-1, Fraction(18)), (-1, Fraction(10))))
    assert Number(Fraction(0), ((-1, Fraction(2)),)).times_root(Fraction(8)) == Number(Fraction(-4))


@pytest.mark.parametrize("most, decided", [(63, False), (64, True), (65, True)])
def test_the_last_precision_is_tried(monkeypatch: pytest.MonkeyPatch, most: int, decided: bool) -> None:
    number = Number(Fraction(0), ((1, Fraction(2)), (1, Fraction(3))))
    monkeypatch.setattr(roots, "MAX_PRECISION", most)
    if decided:
        assert number.floor() == 3
    else:
        with pytest.raises(NetworkError, match=r"^a bound on a sum of square roots is too close to a whole number"):
            number.floor()
