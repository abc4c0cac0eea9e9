"""The proofs of width converters: each kind, with and without bits past the frame's end."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.units.width.contract import WidthContract
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _width(*sizes: int) -> Callable[[], WidthConverter]:
    return lambda: WidthConverter(WidthUnit(*sizes))


PROOFS: dict[str, Case] = {
    "width-up": Case(WidthContract, _width(2, 6, 12)),
    "width-up-filled": Case(WidthContract, _width(2, 6, 9), quick=True, faults=8),
    "width-down": Case(WidthContract, _width(6, 2, 12)),
    "width-down-filled": Case(WidthContract, _width(6, 2, 9), quick=True, faults=8),
    "width-general-widening": Case(WidthContract, _width(2, 3, 7), quick=True, faults=8),
    "width-general-narrowing": Case(WidthContract, _width(3, 2, 7)),
    "width-general-gcd": Case(WidthContract, _width(4, 6, 14)),
    "width-shorter-than-a-word": Case(WidthContract, _width(2, 5, 3)),
}
