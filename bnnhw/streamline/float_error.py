"""A chain of steps in float64 together with a bound of the error that its roundings collect.

Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.3): every
operation multiplies its exact result by ``1 + d``, ``|d| <= u = 2**-53``, so its result ``y`` is off by at most
``u * |y| / (1 - u)`` plus what its operand was off, carried through. Bounds are doubled at the end, which covers
the second order and the roundings of the bounds themselves, and increased by what an underflow may lose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.curves import CURVES, STAIRS
from bnnhw.ir.steps import (
    BatchNorm,
    Clip,
    Curve,
    Divide,
    Gap,
    PRelu,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
    standard_deviation,
)

__all__ = ["apply_bounded", "bound", "exact_chain"]

U = 2.0**-53
CURVE_UNITS = 16
"""Units in the last place that a curve is off at most: vector libraries promise 4 for a function, and some take two."""

TINY = 2.0**-1000
"""More than any underflow of a step loses, times any factor that keeps the result finite in practice."""


def apply_bounded(
    steps: tuple[Step, ...], values: NDArray[np.integer] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As :func:`bnnhw.ir.steps.apply`, and the bound of its error.

    Parameters
    ----------
    steps : tuple of Step
    values : array (..., neurons)
        Exact.

    Returns
    -------
    y, error : float64 array (..., neurons)
        The chain's exact output is within ``error`` of ``y``, where both are finite; otherwise ``error`` is
        infinity.
    """
    y = np.asarray(values, np.float64)
    error = np.zeros(y.shape)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        for step in steps:
            match step:
                case Scale():
                    y = y * step.factor
                    error = error * np.abs(step.factor) + U * np.abs(y)
                case Divide():
                    y = y / step.divisor
                    error = error / np.abs(step.divisor) + U * np.abs(y)
                case Shift():
                    y = y + step.offset
                    error = error + U * np.abs(y)
                case BatchNorm():
                    y, error = _normalized(step, y, error)
                case Relu():
                    y = np.maximum(y, 0.0)
                case PRelu():
                    # Whichever side of 0 the exact operand is on, neither side is steeper than this.
                    y = np.where(y < 0, y * step.slope, y)
                    error = error * np.maximum(step.slope, 1.0) + U * np.abs(y)
                case Clip():
                    # Far beyond an end the exact operand is there too.
                    far = (y - error > step.high) | (y + error < step.low)
                    y = np.minimum(np.maximum(y, step.low), step.high)
                    error = np.where(far, 0.0, error)
                case Gap():
                    y, error = _bent(step.apply, y, error, 1)
                case Curve():
                    y, error = _bent(CURVES[step.name], y, error, CURVE_UNITS)
                case Staircase():
                    y, error = _bent(STAIRS[step.name], y, error, 0)
                case _:
                    assert_never(step)
            error = error + TINY
        error = np.where(np.isfinite(y) & np.isfinite(error), 2 * error, np.inf)
    return y, error


def _bent(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    y: NDArray[np.float64],
    error: NDArray[np.float64],
    units: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A rising function, off by so many units: of the exact operand it lies between those of the ends around it."""
    low, value, high = (function(x) for x in (np.nextafter(y - error, -np.inf), y, np.nextafter(y + error, np.inf)))
    apart = np.maximum(high - value, value - low) + 2 * units * U * np.maximum(np.abs(low), np.abs(high))
    # A step rounded nowhere before gives its function of the very operand.
    return value, np.where(error == 0, 0.0, apart) + units * U * np.abs(value)


def _normalized(
    norm: BatchNorm, y: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    deviation = standard_deviation(norm)
    difference = y - norm.mean
    # Relative to the summand: difference, product, root and quotient round once each.
    summand = norm.gamma * difference / deviation
    carried = error * np.abs(norm.gamma) / deviation + 4 * U * np.abs(summand)
    y = summand + norm.beta
    return y, carried + U * np.abs(y)


def _granularity(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The exponent of the greatest power of two that each value is a multiple of; plenty for 0."""
    mantissa, exponent = np.frexp(values)
    digits = np.abs(mantissa * 2.0**53).astype(np.int64)
    lowest = np.log2(np.maximum(digits & -digits, 1).astype(np.float64))
    return np.where(digits == 0, 2000.0, exponent - 53 + lowest)


def exact_chain(steps: tuple[Step, ...], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a chain rounds nowhere in a range of whole numbers: bool (neurons,).

    A product or a sum that is a multiple of ``2**g`` and below ``2**(g + 53)`` is exact. (Such a bound is rounded
    itself: one that is computed to be below is.)

    Parameters
    ----------
    steps : tuple of Step
    ends : int64 array (2, neurons)
        Least and greatest argument, in either order.
    """
    whole = np.abs(ends).max(axis=0)
    most, grain, exact = whole.astype(np.float64), np.zeros(whole.shape), whole <= 1 << 53
    for step in steps:
        match step:
            case Scale():
                grain, most = grain + _granularity(step.factor), most * np.abs(step.factor)
            case Divide():
                exact &= np.frexp(step.divisor)[0] % 0.5 == 0
                grain, most = grain - _granularity(step.divisor), most / np.abs(step.divisor)
            case Shift():
                grain, most = np.minimum(grain, _granularity(step.offset)), most + np.abs(step.offset)
            case Relu():
                pass
            case PRelu():
                grain = np.minimum(grain, grain + _granularity(step.slope))
                most = most * np.maximum(step.slope, 1.0)
            case Clip():
                for end in (step.low, step.high):
                    bounds = np.where(np.isinf(end), 0.0, end)
                    grain, most = np.minimum(grain, _granularity(bounds)), np.maximum(most, np.abs(bounds))
            case BatchNorm() | Gap() | Curve() | Staircase():
                return np.zeros(most.shape, np.bool_)
            case _:
                assert_never(step)
        # Far from where numbers lose digits because they are small.
        exact &= (most < 2.0 ** np.clip(grain + 53, -1000, 1000)) & (grain > -900)
    return exact


def bound(steps: tuple[Step, ...], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """A bound of the error of a chain of affine steps over a range: float64 (neurons,), 0 where nothing is rounded.

    That of :func:`apply_bounded` is a convex function of the argument, so an end of the range has the greatest.

    Parameters
    ----------
    steps : tuple of Step
    ends : int64 array (2, neurons)
        As for :func:`exact_chain`.
    """
    return np.where(exact_chain(steps, ends), 0.0, apply_bounded(steps, ends)[1].max(axis=0))
