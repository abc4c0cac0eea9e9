"""Quantizers as bounds: which level a number reaches, exactly.

A quantizer gives one of the integers ``low .. high``, and gives ``k`` or more iff its input reaches the bound of
``k``. With scale ``s > 0`` and zero point ``z`` QONNX computes ``k = clip(round(x / s + z), low, high)``, so the
bound of ``k`` is ``(k - r - z) * s`` with ``r`` in {0, 1/2, 1} given by the rounding mode, reached or exceeded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from bnnhw.errors import NetworkError
from bnnhw.ir.types import MAX_PLANES, DataType, narrowest

__all__ = ["ROUNDINGS", "Bound", "Bounds", "element_type", "integer_range", "padded", "quant_bounds", "round_exactly"]

HALF = Fraction(1, 2)

Bound: TypeAlias = Fraction | float
"""A bound; a float only for the infinities: reached always or never."""

ROUNDINGS: Mapping[str, Callable[[int], tuple[Fraction, bool]]] = {
    "ROUND": lambda k: (HALF, k % 2 != 0),
    "HALF_EVEN": lambda k: (HALF, k % 2 != 0),
    "HALF_UP": lambda k: (HALF, k <= 0),
    "HALF_DOWN": lambda k: (HALF, k >= 1),
    "FLOOR": lambda _: (Fraction(0), False),
    "CEIL": lambda _: (Fraction(1), True),
    "DOWN": lambda k: (Fraction(0), False) if k >= 1 else (Fraction(1), True),
    "UP": lambda k: (Fraction(1), True) if k >= 1 else (Fraction(0), False),
}
"""Rounding mode of QONNX -> for a level k, how far below k it begins, and whether that point itself is left out."""


@dataclass(frozen=True)
class Bounds:
    """Ascending bounds, one per level above the lowest.

    Parameters
    ----------
    values : tuple of Fraction
    strict : tuple of bool
        Whether a bound must be exceeded.
    """

    values: tuple[Fraction, ...]
    strict: tuple[bool, ...]


def integer_range(bits: int, signed: bool, narrow: bool) -> tuple[int, int]:
    """Least and greatest integer of a ``Quant``."""
    if signed:
        return -(1 << (bits - 1)) + narrow, (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - narrow


def quant_bounds(low: int, high: int, scale: Fraction, zero_point: Fraction, rounding: str) -> Bounds:
    """The bounds of a ``Quant`` (formula: the module's docstring)."""
    levels = range(low + 1, high + 1)
    ways = [ROUNDINGS[rounding](k) for k in levels]
    values = tuple((k - below - zero_point) * scale for k, (below, _) in zip(levels, ways, strict=True))
    return Bounds(values, tuple(strict for _, strict in ways))


def round_exactly(value: Fraction, rounding: str) -> int:
    """A rational number rounded to an integer."""
    k = value.numerator // value.denominator + 1
    below, strict = ROUNDINGS[rounding](k)
    bound = k - below
    return k if value > bound or (value == bound and not strict) else k - 1


def element_type(low: int, high: int) -> DataType:
    """The narrowest type that holds the integers ``low .. high``."""
    bits, signed = narrowest(low, max(high, 0))
    if bits > MAX_PLANES:
        raise NetworkError(f"elements must have at most {MAX_PLANES} bits, not {bits}: quantize to fewer")
    return DataType("int" if signed else "uint", bits)


def padded(low: int, bounds: list[float], strict: list[bool], dtype: DataType) -> tuple[list[float], list[bool]]:
    """Bounds of the levels above ``low`` as those of all levels of a type: reached always below, never above."""
    below = low - dtype.minimum
    above = dtype.levels - 1 - below - len(bounds)
    infinity = float("inf")
    return [-infinity] * below + bounds + [infinity] * above, [False] * below + strict + [False] * above
