"""Shapes of signals, from the ranges of what they hold."""

from __future__ import annotations

from amaranth.hdl import Shape

from bnnhw.ir.types import narrowest

__all__ = ["integer_shape"]


def integer_shape(low: int, high: int) -> Shape:
    """The narrowest integer that holds ``low..high``."""
    width, is_signed = narrowest(low, high)
    return Shape(width, signed=is_signed)
