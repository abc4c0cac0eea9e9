"""Real numbers that are known by ever narrower enclosures: where curves such as the hyperbolic tangent meet a bound.

Inverses of curves at algebraic numbers other than their trivial ones are transcendental (Lindemann and Weierstrass),
or, of the error function, not known to be anything else; so none of them is a whole number, and some precision tells on
which side of one it is. Functions are computed by mpmath, whose results are off by a few units in the last place: an
enclosure leaves :data:`GUARD` bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, TypeAlias

import mpmath

from bnnhw.errors import NetworkError
from bnnhw.streamline.roots import Number

__all__ = ["Enclosed", "Real", "enclose", "through"]

GUARD = 32
FIRST, LAST = 64, 1 << 13
"""Bits behind the point at first, and those at which a number is given up."""

Interval: TypeAlias = tuple[Fraction, Fraction]


def _product(a: Interval, b: Interval) -> Interval:
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


@dataclass(frozen=True, eq=False)
class Enclosed:
    """A real number.

    Parameters
    ----------
    enclose : function of int
        An interval that contains it, of rational ends, for a precision in bits; the more bits, the narrower.
    """

    enclose: Callable[[int], Interval]

    def __add__(self, value: Fraction) -> Enclosed:
        def moved(bits: int) -> Interval:
            low, high = self.enclose(bits)
            return low + value, high + value

        return Enclosed(moved)

    def __mul__(self, factor: Fraction) -> Enclosed:
        return Enclosed(lambda bits: _product(self.enclose(bits), (factor, factor)))

    def __neg__(self) -> Enclosed:
        return self * Fraction(-1)

    def times_root(self, square: Fraction) -> Enclosed:
        """The number times ``sqrt(square)``, square positive."""
        return Enclosed(lambda bits: _product(self.enclose(bits), _root(square, bits)))

    def floor(self) -> int:
        """The greatest integer not above it. Raises NetworkError where it can't be told from an integer."""
        bits = FIRST
        while bits <= LAST:
            low, high = self.enclose(bits)
            if low // 1 == high // 1:
                return low // 1
            bits *= 2
        raise NetworkError("a bound behind a curve is too close to a whole number to be decided")

    def ceil(self) -> int:
        """The least integer not below it; raises as :meth:`floor`."""
        return -(-self).floor()

    def sign(self) -> int:
        """-1 or +1; raises as :meth:`floor`. Never 0: then it could not be told from a whole number."""
        return 1 if self.floor() >= 0 else -1


Real: TypeAlias = Number | Enclosed


def _root(square: Fraction, bits: int) -> Interval:
    low = isqrt(square.numerator * square.denominator << (2 * bits))
    return Fraction(low, square.denominator << bits), Fraction(low + 1, square.denominator << bits)


def enclose(number: Real, bits: int) -> Interval:
    """An interval that contains a number."""
    if isinstance(number, Enclosed):
        return number.enclose(bits)
    low = high = number.rational
    for sign, square in number.roots:
        below, above = _root(square, bits)
        low, high = low + min(sign * below, sign * above), high + max(sign * below, sign * above)
    return low, high


def through(function: Callable[[Any], Any], number: Real, low: Fraction | None, high: Fraction | None) -> Enclosed:
    """A rising function of a number that lies between two ends, at which the function may be infinite.

    Parameters
    ----------
    function : function of mpmath's numbers
    number : Number or Enclosed
    low, high : Fraction or None
        None stands for infinity.
    """

    def applied(bits: int) -> Interval:
        below, above = enclose(number, bits)
        unknown = Fraction(1 << LAST)
        start = _apply(function, below, bits)[0] if low is None or below > low else -unknown
        return start, _apply(function, above, bits)[1] if high is None or above < high else unknown

    return Enclosed(applied)


def _apply(function: Callable[[Any], Any], value: Fraction, bits: int) -> Interval:
    # Differences from 1 and the like cancel as many bits as the number is long.
    length = value.denominator.bit_length() + value.numerator.bit_length()
    with mpmath.workprec(2 * bits + length + 2 * GUARD):
        y = function(mpmath.mpf(value.numerator) / value.denominator)
        sign, mantissa, exponent, _ = y._mpf_
        exact = Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)
    slack = abs(exact) / (1 << (bits + GUARD)) + Fraction(1, 1 << (bits + GUARD))
    return exact - slack, exact + slack
