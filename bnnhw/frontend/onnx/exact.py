"""Steps in rational arithmetic: which of them are affine, what each makes of a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from math import ceil, floor, gcd, isinf, isqrt, lcm
from typing import assert_never

from bnnhw.ir.curves import domain
from bnnhw.ir.steps import BatchNorm, Clip, Curve, Divide, Gap, PRelu, Relu, Scale, Shift, Staircase, Step

__all__ = ["common_unit", "exact_affine", "exact_value"]


WHOLE: Mapping[str, Callable[[Fraction], int]] = {"ceil": ceil, "floor": floor, "round": round}
"""The whole number next to a rational one, by the name of the staircase; Python rounds ties to even ones too."""

POWERS = {"cube": 3, "square": 2}
"""Curves that are powers."""


def _root(value: Fraction) -> Fraction | None:
    """The square root, if it is rational."""
    parts = isqrt(value.numerator), isqrt(value.denominator)
    root = Fraction(*parts)
    return root if root * root == value else None


def _through(step: Step, neuron: int, slope: Fraction, offset: Fraction) -> tuple[Fraction, Fraction] | None:
    match step:
        case Scale():
            factor = Fraction(float(step.factor[neuron]))
            return slope * factor, offset * factor
        case Divide():
            divisor = Fraction(float(step.divisor[neuron]))
            return slope / divisor, offset / divisor
        case Shift():
            return slope, offset + Fraction(float(step.offset[neuron]))
        case BatchNorm():
            gamma, beta, mean = (Fraction(float(a[neuron])) for a in (step.gamma, step.beta, step.mean))
            if not gamma:
                return Fraction(0), beta
            root = _root(Fraction(float(step.var[neuron]) + step.eps))
            return None if root is None else (slope * gamma / root, (offset - mean) * gamma / root + beta)
        case Relu() | PRelu() | Clip() | Gap() | Curve() | Staircase():
            return None
        case _:
            assert_never(step)


def exact_affine(steps: tuple[Step, ...], neurons: int) -> tuple[list[Fraction], list[Fraction]] | None:
    """Slopes and offsets of a chain of steps, one per neuron; None if it is not affine with rational parameters.

    A batch norm is one where its standard deviation is rational.
    """
    slopes, offsets = [], []
    for neuron in range(neurons):
        now: tuple[Fraction, Fraction] | None = (Fraction(1), Fraction(0))
        for step in steps:
            now = _through(step, neuron, *now)
            if now is None:
                return None
        slopes.append(now[0])
        offsets.append(now[1])
    return slopes, offsets


def exact_value(steps: tuple[Step, ...], neuron: int, value: Fraction) -> Fraction | None:
    """What a chain of steps makes of a number; None if a step is not rational."""
    for step in steps:
        match step:
            case Relu():
                value = max(value, Fraction(0))
            case PRelu():
                value = value * Fraction(float(step.slope[neuron])) if value < 0 else value
            case Clip():
                low, high = float(step.low[neuron]), float(step.high[neuron])
                value = value if isinf(low) else max(value, Fraction(low))
                value = value if isinf(high) else min(value, Fraction(high))
            case Gap():
                low, high, below, above = (float(a[neuron]) for a in (step.low, step.high, step.below, step.above))
                beyond = Fraction(below) if value < low else Fraction(above) if value > high else None
                value = Fraction(0) if beyond is None else value + beyond
            case Staircase():
                value = Fraction(WHOLE[step.name](value))
            case Curve() if step.name in POWERS:
                low, high = domain(step.name)
                if not low <= value <= high:
                    return None
                value = value ** POWERS[step.name]
            case _:
                affine = _through(step, neuron, Fraction(1), Fraction(0))
                if affine is None:
                    return None
                value = affine[0] * value + affine[1]
    return value


def common_unit(numbers: Iterable[Fraction]) -> Fraction:
    """The greatest common divisor of some rational numbers; 1 of none but 0."""
    found = [number for number in numbers if number]
    denominator = lcm(*(number.denominator for number in found))
    return Fraction(gcd(*(int(number * denominator) for number in found)), denominator) or Fraction(1)
