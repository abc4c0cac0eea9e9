"""Numbers known by enclosures: each contains the number, and is as narrow as it says."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from bnnhw.errors import NetworkError
from bnnhw.streamline import enclosed as module
from bnnhw.streamline.enclosed import LAST, Enclosed, enclose, through
from bnnhw.streamline.roots import Number

ULP = Fraction(1, 1 << (64 + 32))
"""What the last of 64 bits leaves, with the 32 that guard it."""


def exactly(value: mpmath.mpf) -> Fraction:
    return Fraction(int(value.man) if value >= 0 else -int(value.man)) * Fraction(2) ** int(value.exp)


@pytest.mark.parametrize("value", [Fraction(3), Fraction(-5, 4), Fraction(1, 1 << 20), Fraction(0)])
def test_a_function_leaves_units_of_the_last_place(value: Fraction) -> None:
    """Of the number's own size and of 1: small numbers and 0 have room on both sides too."""
    slack = (abs(value) + 1) * ULP
    assert through(lambda x: x, Number(value), None, None).enclose(64) == (value - slack, value + slack)


@pytest.mark.parametrize("value", [Fraction(1, 8), Fraction(-1, 3), Fraction(7), Fraction(-30)])
@pytest.mark.parametrize("name", ["tanh", "exp", "erf", "expm1", "atan"])
def test_enclosures_contain_the_number(name: str, value: Fraction) -> None:
    low, high = through(getattr(mpmath, name), Number(value), None, None).enclose(64)
    with mpmath.workprec(600):
        exact = exactly(getattr(mpmath, name)(mpmath.mpf(value.numerator) / value.denominator))
    assert low < exact < high
    assert high - low <= 4 * (abs(exact) + 1) * ULP


def test_ends_where_a_function_is_infinite() -> None:
    """An enclosure that reaches an end says nothing on that side; one that is inside does."""
    unknown = Fraction(1 << LAST)
    one = Enclosed(lambda bits: (1 - Fraction(1, 1 << bits), 1 + Fraction(1, 1 << bits)))
    below, above = one.enclose(64)
    for low, high, expected in (
        (Fraction(0), Fraction(2), (True, True)),
        (below, Fraction(2), (False, True)),
        (Fraction(0), above, (True, False)),
        (below, above, (False, False)),
        (below - Fraction(1, 1 << 99), above + Fraction(1, 1 << 99), (True, True)),
    ):
        found = through(lambda x: x, one, low, high).enclose(64)
        assert (found[0] > -1, found[1] < 3) == expected
        assert found[0] == -unknown or expected[0]
        assert found[1] == unknown or expected[1]


def test_roots_are_enclosed_to_as_many_bits_as_are_asked_for() -> None:
    """The lower end is the greatest multiple of ``2**-bits / denominator`` not above the number, the upper the next."""
    unit = Fraction(1, 1 << 10)
    two = Enclosed(lambda _: (Fraction(1), Fraction(1))).times_root(Fraction(2))
    assert two.enclose(10) == (1448 * unit, 1449 * unit)  # 1448.15
    ninth = Enclosed(lambda _: (Fraction(1), Fraction(1))).times_root(Fraction(2, 9))
    assert ninth.enclose(10) == (4344 * unit / 9, 4345 * unit / 9)  # 4344.46
    # Factors of either sign, exact and not.
    three = Enclosed(lambda _: (Fraction(-3), Fraction(-2))).times_root(Fraction(2))
    assert three.enclose(10) == (-3 * 1449 * unit, -2 * 1448 * unit)
    assert (-two * Fraction(2)).enclose(10) == (-2 * 1449 * unit, -2 * 1448 * unit)
    assert (two + Fraction(1, 2)).enclose(10) == (1448 * unit + Fraction(1, 2), 1449 * unit + Fraction(1, 2))
    number = Number(Fraction(1), ((1, Fraction(2)), (-1, Fraction(2, 9))))
    assert enclose(number, 10) == (1 + 1448 * unit - 4345 * unit / 9, 1 + 1449 * unit - 4344 * unit / 9)
    assert enclose(Number(Fraction(3, 4)), 10) == (Fraction(3, 4), Fraction(3, 4))


def test_what_cancels_as_many_bits_as_a_number_is_long() -> None:
    """The logarithm of 2**-2000, from 1 less a number of as many bits."""
    low, high = through(lambda x: -mpmath.log(1 - x), Number(1 - Fraction(1, 1 << 2000)), None, None).enclose(64)
    with mpmath.workprec(600):
        exact = exactly(2000 * mpmath.log(2))
    assert low < exact < high and high - low <= 4 * (exact + 1) * ULP


@pytest.mark.parametrize("last, decided", [(64, False), (128, True), (256, True), (255, True), (127, False)])
def test_the_last_precision_is_tried(monkeypatch: pytest.MonkeyPatch, last: int, decided: bool) -> None:
    """A number 2**-100 above 3: 64 bits do not tell, 128 do."""
    near = Fraction(3) + Fraction(1, 1 << 100)
    number = Enclosed(lambda bits: (near - Fraction(1, 1 << bits), near + Fraction(1, 1 << bits)))
    monkeypatch.setattr(module, "LAST", last)
    if decided:
        assert number.floor() == 3
    else:
        with pytest.raises(
            NetworkError, match=r"^a bound behind a curve is too close to a whole number to be decided$"
        ):
            number.floor()
