"""Where a chain of monotone steps reaches a bound: the condition on its output, carried back to its input, exactly.

A condition is a half-line: ``x >= c``, ``x > c``, ``x <= c`` or ``x < c``, or it always or never holds. Each step
turns the half-line of its output into one of its input:

- ``y = x * f``: ``c / f``, the other way round for f < 0; for f = 0, whether 0 meets the condition;
- ``y = x / d``: ``c * d``, the other way round for d < 0;
- ``y = x + b``: ``c - b``;
- ``y = gamma * (x - mean) / s + beta``: ``mean + (c - beta) * s / gamma``, the other way round for gamma < 0, whether
  beta meets the condition for gamma = 0; ``s = sqrt(var + eps)``, never rounded. ``var + eps`` is the float64 sum,
  because that is what frameworks compute;
- ``y = max(x, 0)``: a half-line of ``y`` that ends below 0 holds always or never, any other is that of ``x``;
- ``y = x`` where ``x >= 0``, else ``a * x``: ``c`` where it is not negative, otherwise ``c / a``; for a = 0 as
  ``max(x, 0)``;
- ``y = min(max(x, l), h)``: a half-line of ``y`` that ends beyond l or h holds always or never, any other is that of
  ``x``;
- ``y`` that is ``x`` moved by one number below a gap, by another above it, and 0 in the gap: always or never, an end of
  the gap, or ``c`` moved back;
- a curve ``y = f(x)``: the inverse of f at c, or always or never beyond its ends (:mod:`bnnhw.streamline.inverses`);
- a whole number near ``x``: where the least whole number that meets the condition begins.

All parameters are taken as the rational numbers that their float64 values are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import isinf
from typing import assert_never

from bnnhw.ir.steps import BatchNorm, Clip, Curve, Divide, Gap, PRelu, Relu, Scale, Shift, Staircase, Step
from bnnhw.streamline.enclosed import Real
from bnnhw.streamline.inverses import inverse
from bnnhw.streamline.roots import Number

__all__ = ["HalfLine", "preimage"]


@dataclass(frozen=True)
class HalfLine:
    """The values at or beyond an end.

    Parameters
    ----------
    end : Number or Enclosed
    above : bool
        Whether it goes up from there.
    strict : bool
        Whether the end itself is left out.
    """

    end: Real
    above: bool
    strict: bool

    def holds(self, value: float) -> bool:
        """Whether a value lies in it."""
        sign = (-self.end + Fraction(value)).sign() * (1 if self.above else -1)
        return sign > 0 or (sign == 0 and not self.strict)

    def scaled(self, factor: Fraction, offset: Fraction) -> HalfLine:
        """The values ``factor * v + offset``, factor not 0."""
        return HalfLine(self.end * factor + offset, self.above == (factor > 0), self.strict)


def _through_norm(line: HalfLine, norm: BatchNorm, neuron: int) -> HalfLine | bool:
    gamma, beta, mean = (float(array[neuron]) for array in (norm.gamma, norm.beta, norm.mean))
    if gamma == 0:
        return line.holds(beta)
    variance = Fraction(float(norm.var[neuron]) + norm.eps)
    end = ((line.end + -Fraction(beta)) * (1 / Fraction(gamma))).times_root(variance) + Fraction(mean)
    return HalfLine(end, line.above == (gamma > 0), line.strict)


def _through_relu(line: HalfLine) -> HalfLine | bool:
    # max(x, 0) is at least 0: a half-line that does not end above 0 says the same of all negative x as of 0.
    end = line.end.sign()
    if end < 0 or (end == 0 and line.above != line.strict):
        return line.above
    return line


def _through_clip(line: HalfLine, low: float, high: float) -> HalfLine | bool:
    if not isinf(high):
        side = (line.end + -Fraction(high)).sign()
        if side > 0 or (side == 0 and line.above == line.strict):
            return not line.above
    if not isinf(low):
        side = (line.end + -Fraction(low)).sign()
        if side < 0 or (side == 0 and line.above != line.strict):
            return line.above
    return line


def _through_curve(line: HalfLine, name: str) -> HalfLine | bool:
    found = inverse(name, line.end, line.above != line.strict)
    if isinstance(found, bool):
        return line.above == found
    return HalfLine(found, line.above, line.strict)


def _through_gap(line: HalfLine, gap: Gap, neuron: int) -> HalfLine | bool:
    low, high, below, above = (float(array[neuron]) for array in (gap.low, gap.high, gap.below, gap.above))
    end = line.end.sign()
    # Whether 0 belongs to what is above the end.
    if end < 0 or (end == 0 and line.above != line.strict):
        # All from the middle on does; below it what is at least this, of which the middle is no part.
        if isinf(low):
            return line.above
        moved = line.end + -Fraction(below)
        inside = (moved + -Fraction(low)).sign() < 0
        return replace(line, end=moved) if inside else HalfLine(_rational(low), line.above, not line.above)
    if isinf(high):
        return not line.above
    moved = line.end + -Fraction(above)
    inside = (moved + -Fraction(high)).sign() > 0
    return replace(line, end=moved) if inside else HalfLine(_rational(high), line.above, line.above)


def _rational(value: float) -> Number:
    return Number(Fraction(value))


def _through_staircase(line: HalfLine, name: str) -> HalfLine:
    """The least whole number above the end is reached from a half below it on, or less, or more."""
    # Above is what is at least this whole number.
    counted = line.above != line.strict
    least = line.end.ceil() if counted else line.end.floor() + 1
    match name:
        case "floor":
            end, included = Fraction(least), True
        case "ceil":
            end, included = Fraction(least - 1), False
        case _:
            # Ties go to even numbers.
            end, included = least - Fraction(1, 2), least % 2 == 0
    return HalfLine(Number(end), line.above, line.above != included)


def _through(line: HalfLine, step: Step, neuron: int) -> HalfLine | bool:
    match step:
        case Scale():
            factor = float(step.factor[neuron])
            return line.scaled(1 / Fraction(factor), Fraction(0)) if factor else line.holds(0.0)
        case Divide():
            return line.scaled(Fraction(float(step.divisor[neuron])), Fraction(0))
        case Shift():
            return line.scaled(Fraction(1), -Fraction(float(step.offset[neuron])))
        case BatchNorm():
            return _through_norm(line, step, neuron)
        case Relu():
            return _through_relu(line)
        case PRelu():
            slope = float(step.slope[neuron])
            if not slope:
                return _through_relu(line)
            return line.scaled(1 / Fraction(slope), Fraction(0)) if line.end.sign() < 0 else line
        case Clip():
            return _through_clip(line, float(step.low[neuron]), float(step.high[neuron]))
        case Gap():
            return _through_gap(line, step, neuron)
        case Curve():
            return _through_curve(line, step.name)
        case Staircase():
            return _through_staircase(line, step.name)
        case _:
            assert_never(step)


def preimage(steps: tuple[Step, ...], neuron: int, bound: float | Fraction, strict: bool) -> HalfLine | bool:
    """Where the output of a chain reaches a finite bound.

    Parameters
    ----------
    steps : tuple of Step
    neuron : int
        Whose parameters.
    bound : float or Fraction
    strict : bool
        Whether the output must exceed the bound.

    Returns
    -------
    HalfLine or bool
        The inputs for which it does; True or False if all or none do.
    """
    line: HalfLine | bool = HalfLine(Number(Fraction(bound)), above=True, strict=strict)
    for step in reversed(steps):
        if isinstance(line, bool):
            return line
        line = _through(line, step, neuron)
    return line
