"""Exact places on the line of samples as rows of float64 thresholds, and rows as the network's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.input_spec import LAYOUTS, InputSpec, Row
from bnnhw.ir.types import DataType
from bnnhw.streamline.enclosed import Real, enclose
from bnnhw.streamline.preimage import HalfLine

__all__ = ["input_spec", "least_float", "relaid", "threshold_row"]

PRECISION = 128
"""Bits behind the point of the first guess at a number."""

NEAR = 4
"""How far the guess may lie from a number, in float64 numbers, before it is searched for."""


def least_float(number: Real, strict: bool) -> float:
    """The least float64 that is no less than a number, or greater than it; infinity beyond the greatest."""
    guess = _about(number)
    if math.isinf(guess):
        return guess
    for _ in range(NEAR):
        if not _reaches(guess, number, strict):
            guess = math.nextafter(guess, math.inf)
        elif _reaches(below := math.nextafter(guess, -math.inf), number, strict):
            guess = below
        else:
            return guess
    return _searched(number, strict)


def _about(number: Real) -> float:
    """A number in float64, nearly; infinity of its sign where it is too large."""
    low, high = enclose(number, PRECISION)
    try:
        return float((low + high) / 2)
    except OverflowError:
        return math.inf if low > 0 else -math.inf


def _reaches(value: float, number: Real, strict: bool) -> bool:
    if math.isinf(value):
        return value > 0
    sign = (-number + Fraction(value)).sign()
    return sign > 0 or (sign == 0 and not strict)


def _searched(number: Real, strict: bool) -> float:
    """By bisection of the float64 numbers, whose bits are in their order."""
    low, high = -math.inf, math.inf
    while math.nextafter(low, math.inf) < high:
        middle = _from_rank((_rank(low) + _rank(high)) // 2)
        low, high = (low, middle) if _reaches(middle, number, strict) else (middle, high)
    return high


def _rank(value: float) -> int:
    bits = int(np.float64(value).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _from_rank(rank: int) -> float:
    value = float(np.int64(abs(rank)).view(np.float64))
    return value if rank >= 0 else -value


def threshold_row(lines: Sequence[HalfLine | bool]) -> tuple[Row, bool]:
    """Half-lines, those of a higher level inside those of a lower one, as a row of thresholds, and whether it falls."""
    if not any(isinstance(line, HalfLine) and not line.above for line in lines):
        return tuple(_above(line) for line in lines), False
    # What is at most an end is less than the next float64 above it.
    opposite = [not line if isinstance(line, bool) else replace(line, strict=not line.strict) for line in lines]
    return tuple(_above(line) for line in reversed(opposite)), True


def _above(line: HalfLine | bool) -> float:
    if isinstance(line, bool):
        return -math.inf if line else math.inf
    return least_float(line.end, line.strict)


def input_spec(
    shape: tuple[int, ...],
    dtype: DataType,
    rows: Sequence[tuple[Row, bool]],
    numbers: NDArray[np.integer],
    layout: str = LAYOUTS[0],
) -> InputSpec:
    """An input with as few rows as its elements need.

    Parameters
    ----------
    shape, dtype, layout
        As :class:`~bnnhw.ir.InputSpec` has them.
    rows : sequence of (row, falling)
    numbers : integer array (elements,)
        Which row each element has, in the order in which elements enter.
    """
    places: dict[tuple[Row, bool], int] = {}
    same = np.array([places.setdefault(row, len(places)) for row in rows])
    numbers, found = same[numbers], list(places)
    by_channel = numbers.reshape(-1, shape[0])
    if (numbers == numbers[0]).all():
        numbers = numbers[:1]
    elif (by_channel == by_channel[0]).all():
        numbers = by_channel[0]
    kept = [found[number] for number in numbers.tolist()]
    return InputSpec(shape, dtype, tuple(row for row, _ in kept), tuple(falls for _, falls in kept), layout)


def relaid(spec: InputSpec, index: NDArray[np.int32], shape: tuple[int, int, int]) -> InputSpec | None:
    """An input whose elements enter as another map; None if raw samples then had none of the layouts that there are.

    Parameters
    ----------
    spec : InputSpec
    index : int32 array, of the shape of the map
        The place of each element of the map in the order in which they enter now.
    shape : (int, int, int)
        Channels, height and width of the map.
    """
    entering = index.reshape(shape).transpose(1, 2, 0).ravel()
    raw = spec.places()[entering]
    for layout in LAYOUTS:
        plain = InputSpec(shape, spec.dtype, layout=layout)
        if np.array_equal(plain.places(), raw):
            break
    else:
        return None
    if spec.thresholds is None:
        return plain
    falling = spec.falling or (False,) * len(spec.rows)
    numbers = np.arange(spec.elements) % len(spec.rows)
    return input_spec(shape, spec.dtype, list(zip(spec.rows, falling, strict=True)), numbers[entering], layout)
