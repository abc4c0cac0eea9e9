"""Exact numbers of the form ``r + sum of sqrt(q)``, r and q rational: the places where a chain of steps meets a bound.

One batch normalization brings one square root in, and floor, ceiling and sign are then decided in integers
alone. Batch normalizations in series bring products of roots; those numbers are enclosed in ever narrower
intervals until the answer is certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from bnnhw.errors import NetworkError

__all__ = ["Number", "ceil_root", "floor_root"]

MAX_PRECISION = 1 << 13
"""Bits behind the point up to which a number with several roots is enclosed before it is given up."""


def floor_root(rational: Fraction, square: Fraction, sign: int) -> int:
    """``floor(rational + sign * sqrt(square))``, exactly.

    With ``rational = A / B`` and ``square = P / Q`` the number is ``(A Q + sign * sqrt(N)) / (B Q)``,
    ``N = B**2 P Q``. Dividing by a positive integer and taking the floor commutes with taking the floor
    of the numerator first, and ``floor(sqrt(N))`` and ``ceil(sqrt(N))`` are integer square roots.

    Parameters
    ----------
    rational, square : Fraction
        ``square`` must not be negative.
    sign : int
        -1 or +1 (0 with a square of 0 is harmless).
    """
    a, b = rational.as_integer_ratio()
    p, q = square.as_integer_ratio()
    n = b * b * p * q
    root = isqrt(n)
    if sign >= 0:
        return (a * q + root) // (b * q)
    return (a * q - (root if root * root == n else root + 1)) // (b * q)


def ceil_root(rational: Fraction, square: Fraction, sign: int) -> int:
    """``ceil(rational + sign * sqrt(square))``, exactly: the floor of its negative, negated."""
    return -floor_root(-rational, square, -sign)


def _exact_root(square: Fraction) -> Fraction | None:
    p, q = square.as_integer_ratio()
    a, b = isqrt(p), isqrt(q)
    return Fraction(a, b) if a * a == p and b * b == q else None


@dataclass(frozen=True)
class Number:
    """``rational + sum of sign * sqrt(square)``.

    Parameters
    ----------
    rational : Fraction
    roots : tuple of (int, Fraction)
        ``(sign, square)``: irrational, sign -1 or +1.
    """

    rational: Fraction
    roots: tuple[tuple[int, Fraction], ...] = ()

    def __add__(self, value: Fraction) -> Number:
        return Number(self.rational + value, self.roots)

    def __mul__(self, factor: Fraction) -> Number:
        if not factor:
            return Number(Fraction(0))
        sign, square = (1 if factor > 0 else -1), factor * factor
        return Number(self.rational * factor, tuple((s * sign, q * square) for s, q in self.roots))

    def __neg__(self) -> Number:
        return self * Fraction(-1)

    def times_root(self, square: Fraction) -> Number:
        """The number times ``sqrt(square)``, square positive."""
        root = _exact_root(square)
        if root is not None:
            return self * root
        rational, roots = Fraction(0), []
        if self.rational:
            roots.append((1 if self.rational > 0 else -1, self.rational**2 * square))
        for sign, other in self.roots:
            root = _exact_root(other * square)
            if root is None:
                roots.append((sign, other * square))
            else:
                rational += sign * root
        return Number(rational, tuple(roots))

    def floor(self) -> int:
        """The greatest integer not above it. Raises NetworkError where several roots can't be told from an integer."""
        if not self.roots:
            return self.rational.numerator // self.rational.denominator
        if len(self.roots) == 1:
            sign, square = self.roots[0]
            return floor_root(self.rational, square, sign)
        precision = 64
        while precision <= MAX_PRECISION:
            unit = 1 << precision
            # The scaled number lies between the sum of the floors and that plus one for each summand.
            low = (self * Fraction(unit)).floors()
            if low // unit == (low + len(self.roots) + 1) // unit:
                return low // unit
            precision *= 2
        raise NetworkError("a bound on a sum of square roots is too close to a whole number to be decided")

    def floors(self) -> int:
        """The sum of the floors of its summands."""
        whole = self.rational.numerator // self.rational.denominator
        return whole + sum(floor_root(Fraction(0), square, sign) for sign, square in self.roots)

    def ceil(self) -> int:
        """The least integer not below it; raises as :meth:`floor`."""
        return -(-self).floor()

    def sign(self) -> int:
        """-1, 0 or +1; raises as :meth:`floor`."""
        if not self.roots:
            return (self.rational > 0) - (self.rational < 0)
        if len(self.roots) == 1:
            sign, square = self.roots[0]
            if self.rational == 0 or (self.rational > 0) == (sign > 0):
                return sign
            return sign if square > self.rational**2 else -sign
        # Never 0: then it could not be told from a whole number.
        return 1 if self.floor() >= 0 else -1
