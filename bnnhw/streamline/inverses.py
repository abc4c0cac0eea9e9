"""The inverses of curves: where a curve reaches a bound, exactly.

A curve's values lie between two ends, which it reaches at the ends of its domain or never. Between them the inverse of
the bound is taken: an exact number where it is one, and otherwise enclosed (:mod:`bnnhw.streamline.enclosed`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath

from bnnhw.errors import NetworkError
from bnnhw.streamline.enclosed import Real, through
from bnnhw.streamline.roots import Number

__all__ = ["INVERSES", "inverse"]

FAR = Fraction(1 << 12)
"""Exponentials of more have no bearing: 2**4096 is beyond whatever float64 makes of an accumulator."""


@dataclass(frozen=True)
class _End:
    """An end of a curve's values.

    Parameters
    ----------
    low, high : Fraction
        What it lies between; equal if it is a rational number.
    at : Fraction or None
        The argument that gives it; None: it is never reached.
    """

    low: Fraction
    high: Fraction
    at: Fraction | None = None

    def side(self, value: Real) -> int:
        """-1, 0 or +1: on which side of it a value is."""
        if self.low == self.high:
            return (value + -self.low).sign()
        if (value + -self.high).sign() >= 0:
            return 1
        if (value + -self.low).sign() <= 0:
            return -1
        raise NetworkError("a bound behind a curve is too close to the curve's end to be decided")


def _number(value: int | Fraction, at: int | None = None) -> _End:
    return _End(Fraction(value), Fraction(value), None if at is None else Fraction(at))


def _multiple_of_pi(factor: Fraction, at: int | None = None) -> _End:
    with mpmath.workprec(1024):
        mantissa, exponent = mpmath.frexp(mpmath.pi)
        whole = int(mpmath.floor(mpmath.ldexp(mantissa, 1000)))
    below, above = (Fraction(whole + more) * Fraction(2) ** (int(exponent) - 1000) for more in (0, 1))
    ends = sorted((below * factor, above * factor))
    return _End(ends[0], ends[1], None if at is None else Fraction(at))


Exact = Callable[[Number], Number | None]


def _at(value: int | Fraction, argument: int) -> Exact:
    """Exact at one rational value alone."""
    return lambda number: Number(Fraction(argument)) if number == Number(Fraction(value)) else None


def _rational(function: Callable[[Fraction], Fraction]) -> Exact:
    """A rational function of rational numbers."""
    return lambda number: None if number.roots else Number(function(number.rational))


def _squared(number: Number) -> Number | None:
    """Of a number with one root: ``(r + s * sqrt(q))**2 = r**2 + q + 2 * r * s * sqrt(q)``."""
    if len(number.roots) > 1:
        return None
    square, rational = Number(number.rational**2), number.rational
    for sign, q in number.roots:
        square = (Number(Fraction(2 * sign)) * rational).times_root(q) + (rational**2 + q)
    return square


def _root(number: Number) -> Number | None:
    return None if number.roots else Number(Fraction(1)).times_root(number.rational)


def _whole_cube_root(value: int) -> int | None:
    with mpmath.workprec(value.bit_length() + 32):
        root = int(mpmath.nint(mpmath.cbrt(abs(value))))
    root = -root if value < 0 else root
    return root if root**3 == value else None


def _cube_root(number: Number) -> Number | None:
    if number.roots:
        return None
    parts = [_whole_cube_root(part) for part in number.rational.as_integer_ratio()]
    return Number(Fraction(parts[0], parts[1])) if parts[0] is not None and parts[1] else None


ORIGIN = _at(0, 0)
NOWHERE: Exact = lambda _: None  # noqa: E731


@dataclass(frozen=True)
class _Inverse:
    """The inverse of a curve.

    Parameters
    ----------
    function : function
        Of mpmath's numbers.
    low, high : _End or None
        Between which it is defined; None stands for infinity.
    exact : function
        The same of an exact number; None where it is none.
    """

    function: Callable[[Any], Any]
    low: _End | None = None
    high: _End | None = None
    exact: Exact = ORIGIN


def _far(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that grows as an exponential, of what has a bearing."""
    return lambda c: function(min(max(c, -int(FAR)), int(FAR)))


ONE, HALF = Fraction(1), Fraction(1, 2)

INVERSES: Mapping[str, _Inverse] = {
    "acos": _Inverse(lambda c: -mpmath.cos(c), _number(0, -1), _multiple_of_pi(ONE, 1), NOWHERE),
    "acosh": _Inverse(_far(mpmath.cosh), _number(0, 1), None, NOWHERE),
    "asin": _Inverse(mpmath.sin, _multiple_of_pi(-HALF, -1), _multiple_of_pi(HALF, 1)),
    "asinh": _Inverse(_far(mpmath.sinh)),
    "atan": _Inverse(mpmath.tan, _multiple_of_pi(-HALF), _multiple_of_pi(HALF)),
    "atanh": _Inverse(mpmath.tanh),
    "cube": _Inverse(lambda c: mpmath.sign(c) * mpmath.cbrt(abs(c)), exact=_cube_root),
    "elu": _Inverse(
        lambda c: c if c >= 0 else mpmath.log1p(c),
        _number(-1),
        exact=lambda number: number if number.sign() >= 0 else None,
    ),
    "erf": _Inverse(mpmath.erfinv, _number(-1), _number(1)),
    "exp": _Inverse(mpmath.log, _number(0), exact=_at(1, 0)),
    "log": _Inverse(_far(mpmath.exp), exact=_at(0, 1)),
    "reciprocal": _Inverse(lambda c: -1 / c, _number(0), exact=_rational(lambda c: -1 / c)),
    "sigmoid": _Inverse(lambda c: mpmath.log(c / (1 - c)), _number(0), _number(1), _at(HALF, 0)),
    "sinh": _Inverse(mpmath.asinh),
    "softplus": _Inverse(lambda c: mpmath.log(mpmath.expm1(c)), _number(0), exact=NOWHERE),
    "softsign": _Inverse(lambda c: c / (1 - abs(c)), _number(-1), _number(1), _rational(lambda c: c / (1 - abs(c)))),
    "sqrt": _Inverse(lambda c: c * c, _number(0, 0), exact=_squared),
    "square": _Inverse(mpmath.sqrt, _number(0, 0), exact=_root),
    "tanh": _Inverse(mpmath.atanh, _number(-1), _number(1)),
}
"""By the name of the curve."""


def _beyond(end: _End | None, value: Real, above: bool, upper: bool) -> Number | bool | None:
    """What a half-line that ends at a value says, where that is not inside of an end of the curve.

    Parameters
    ----------
    end : _End or None
    value : Real
    above : bool
        Whether the value itself belongs to what is above it: ``y >= c``, or not ``y <= c``.
    upper : bool
        Which end.

    Returns
    -------
    Number, bool or None
        The argument that gives the end; whether it is reached always; None inside.
    """
    if end is None:
        return None
    side = end.side(value) * (1 if upper else -1)
    if side < 0:
        return None
    # At the upper end nothing is above it, and at the lower one all is; but for the end itself.
    if side == 0 and end.at is not None and above == upper:
        return Number(end.at)
    return not upper


def inverse(name: str, value: Real, from_above: bool) -> Real | bool:
    """Where a curve reaches a value: an argument, or whether it is beyond it always (True) or never (False).

    Parameters
    ----------
    name : str
    value : Number or Enclosed
    from_above : bool
        Whether the value itself counts as above, which matters where it is an end of the curve.
    """
    entry = INVERSES[name]
    for end, upper in ((entry.high, True), (entry.low, False)):
        found = _beyond(end, value, from_above, upper)
        if found is not None:
            return found
    exact = entry.exact(value) if isinstance(value, Number) else None
    if exact is not None:
        return exact
    low, high = entry.low, entry.high
    return through(entry.function, value, None if low is None else low.high, None if high is None else high.low)
