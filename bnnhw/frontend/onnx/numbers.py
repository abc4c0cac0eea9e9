"""Numbers and types that a user or a file states in words."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.errors import NetworkError

if TYPE_CHECKING:
    from bnnhw.ir.types import DataType

__all__ = ["integer_type", "offsets", "scales"]

MAX_VALUES = 1 << 12
"""Most numbers in a list: channels, or features."""

NUMBER = re.compile(r"-?[0-9]{1,9}(/0*[1-9][0-9]{0,8}|\.[0-9]{1,30})?")

NAMES = {"binary": "uint1", "ternary": "int2", "bool": "uint1"}
"""Other words for types, QONNX's among them."""


def _numbers(text: str, what: str, example: str, least: Fraction | None) -> tuple[Fraction, ...]:
    words = [word.strip() for word in text.split(",", MAX_VALUES - 1)]
    numbers = [Fraction(word) if NUMBER.fullmatch(word) else None for word in words]
    found = [number for number in numbers if number is not None and (least is None or number > least)]
    if len(found) < len(words):
        several = ", or one per channel, separated by commas" if "," in text else ""
        raise ValueError(f"must be {what}, such as {example}{several}, not {text!r:.60}")
    return tuple(found)


def scales(text: str) -> tuple[Fraction, ...]:
    """Positive numbers, written as decimal fractions or as quotients of two integers."""
    return _numbers(text, "a positive number", "1/255 or 0.5", Fraction(0))


def offsets(text: str) -> tuple[Fraction, ...]:
    """Numbers, as :func:`scales` are written, negative ones too."""
    return _numbers(text, "a number", "-1 or 0.5", None)


def integer_type(text: str) -> DataType:
    """A type of integers, as its name says, in capitals or not.

    Raises
    ------
    ValueError
        It is none, or one that is too wide for a network's input.
    """
    from bnnhw.ir.types import MAX_PLANES, DataType

    word = text.strip().lower()
    try:
        dtype = DataType.parse(NAMES.get(word, word))
    except NetworkError:
        dtype = None
    if dtype is None or dtype.bits > MAX_PLANES:
        raise ValueError(
            f"must be bipolar, uint1 to uint{MAX_PLANES} or int2 to int{MAX_PLANES}, such as int8, not {text!r:.60}"
        )
    return dtype
