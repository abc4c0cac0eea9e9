"""Floors and ceilings of r + sign * sqrt(q)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.streamline.roots import ceil_root, floor_root
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
