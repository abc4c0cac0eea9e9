"""Floor and ceiling of ``r + sign * sqrt(q)`` for rational r and q, in integers alone."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

__all__ = ["ceil_root", "floor_root"]


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
