"""Whole weights as planes of bits.

With ``v = sum_j d_j * s_j``, ``s_j`` in {-1, +1} and ``d_j > 0``, ``v`` takes values of one parity, from ``-N`` to
``N = sum_j d_j``, and ``(v + N) / 2 = sum_j d_j * b_j`` with the bits ``b_j`` of the planes. The coefficients
``1, 2, 4 .. 2**(n - 2)`` and ``N - (2**(n - 1) - 1)`` reach every number in ``0 .. N``, and no fewer than
``n = bit_length(N)`` planes can.

- Weights that are all odd (binary ones, or the 2-bit -3, -1, 1, 3) are v as they are.
- Others (ternary ones, every ``Quant`` of 2 or more bits) are doubled first: ``v = 2 w``. Ternary weights are two
  planes of coefficient 1, narrow 3-bit ones three of 1, 2 and 3. The factor of 2 is divided out in what follows
  the product.
- A divisor common to all weights is taken out before.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.layers import WeightPlane

__all__ = ["MAX_WEIGHT", "multiples", "weight_planes"]

MAX_WEIGHT = 255
"""Greatest whole number that a weight may be: 8 planes."""

_MANTISSA = 53
"""Bits of a float64's significand."""


def multiples(rows: NDArray[np.float64]) -> tuple[NDArray[np.int16], NDArray[np.float64]] | None:
    """Numbers as small integers times the greatest common divisor of each row, exactly.

    Parameters
    ----------
    rows : float64 array (rows, columns)

    Returns
    -------
    integers : int16 array (rows, columns)
    unit : float64 array (rows,)
        ``rows = integers * unit``; positive. None in place of both if an integer would exceed :data:`MAX_WEIGHT`.
    """
    fraction, exponent = np.frexp(rows)
    # Odd integers times powers of 2; trailing zeros are counted by the lowest bit that is set.
    whole = (fraction * float(1 << _MANTISSA)).astype(np.int64)
    lowest = np.where(whole, whole & -whole, 1)
    zeros = np.frexp(lowest.astype(np.float64))[1] - 1
    odd, exponent = whole // lowest, exponent - _MANTISSA + zeros
    least = np.where(whole, exponent, np.iinfo(np.int32).max).min(axis=1, keepdims=True)
    least = np.where((whole == 0).all(axis=1, keepdims=True), 0, least)
    shift = np.where(whole, exponent - least, 0)
    # Of 53 bits and 8 more nothing overflows.
    if (shift > MAX_WEIGHT.bit_length()).any():
        return None
    scaled = odd << shift
    divisor = np.gcd.reduce(scaled, axis=1)
    divisor = np.where(divisor, divisor, 1)
    integers = scaled // divisor[:, None]
    unit = np.ldexp(divisor.astype(np.float64), least[:, 0])
    if (np.abs(integers) > MAX_WEIGHT).any() or not np.array_equal(integers * unit[:, None], rows):
        return None
    return integers.astype(np.int16), unit


def weight_planes(values: NDArray[np.integer]) -> tuple[tuple[WeightPlane, ...], Fraction]:
    """Planes of some whole weights.

    Parameters
    ----------
    values : integer array (neurons, synapses)

    Returns
    -------
    planes : tuple of WeightPlane
    unit : Fraction
        ``values = unit * sum_j d_j * s_j``.
    """
    divisor = int(np.gcd.reduce(values, axis=None)) or 1
    whole = values.astype(np.int32) // divisor
    factor = 1 if (whole % 2 != 0).all() else 2
    reach = factor * max(1, int(np.abs(whole).max()))
    rest = (factor * whole + reach) // 2
    number = reach.bit_length()
    coefficients = [1 << j for j in range(number - 1)]
    coefficients.append(reach - sum(coefficients))
    planes = []
    # The last coefficient may be less than a power of two: it is taken first, wherever the others can't reach.
    last = rest > sum(coefficients[:-1])
    rest = rest - np.where(last, coefficients[-1], 0)
    for j, coefficient in enumerate(coefficients):
        bits = last if j == number - 1 else (rest >> j) & 1
        planes.append(WeightPlane(coefficient, BitMatrix.from_bits(bits)))
    return tuple(sorted(planes, key=lambda plane: plane.coefficient)), Fraction(divisor, factor)
