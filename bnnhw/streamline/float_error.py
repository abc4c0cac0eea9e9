"""A chain of steps in float64 together with a bound of the error that its roundings collect.

Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.3): every
operation multiplies its exact result by ``1 + d``, ``|d| <= u = 2**-53``, so its result ``y`` is off by at most
``u * |y| / (1 - u)`` plus what its operand was off, carried through. Bounds are doubled at the end, which covers
the second order and the roundings of the bounds themselves, and increased by what an underflow may lose.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.steps import BatchNorm, Divide, PRelu, Relu, Scale, Shift, Step, standard_deviation

__all__ = ["apply_bounded"]

U = 2.0**-53
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
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
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
                case _:
                    assert_never(step)
            error = error + TINY
        error = np.where(np.isfinite(y) & np.isfinite(error), 2 * error, np.inf)
    return y, error


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
