"""What one element of a stream means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError

__all__ = ["DataType", "MAX_BITS", "MAX_PLANES", "narrowest"]

MAX_BITS = 32
"""Widest element of a stream: accumulators and their sums between layers."""

MAX_PLANES = 8
"""Widest element that a matrix layer or a network takes: sensors give 8 bits, and every bit plane costs a popcount."""


def narrowest(low: int, high: int) -> tuple[int, bool]:
    """Width and signedness of the narrowest integer that holds ``low..high``; two's complement has 2 bits at least."""
    if low < 0:
        return max((-low - 1).bit_length(), high.bit_length(), 1) + 1, True
    return max(high.bit_length(), 1), False


@dataclass(frozen=True)
class DataType:
    """The type of one activation: bipolar (one bit, -1 or +1), unsigned or signed two's complement.

    Parameters
    ----------
    kind : str
        ``"bipolar"``, ``"uint"`` or ``"int"``.
    bits : int
        Width on the wire, 1 to 32; 1 for bipolar. Matrix layers take up to 8.
    """

    kind: str
    bits: int

    def __post_init__(self) -> None:
        if self.kind not in ("bipolar", "uint", "int"):
            raise NetworkError(f"data type must be bipolar, uint or int, not {self.kind!r}")
        low = 2 if self.kind == "int" else 1
        high = 1 if self.kind == "bipolar" else MAX_BITS
        if not low <= self.bits <= high:
            raise NetworkError(f"data type {self.kind} must have {low} to {high} bits, not {self.bits}")

    @property
    def minimum(self) -> int:
        return {"bipolar": -1, "uint": 0, "int": -(1 << (self.bits - 1))}[self.kind]

    @property
    def maximum(self) -> int:
        return {"bipolar": 1, "uint": (1 << self.bits) - 1, "int": (1 << (self.bits - 1)) - 1}[self.kind]

    def holds(self, value: int) -> bool:
        """Whether an element can be that number."""
        return value in (-1, 1) if self.kind == "bipolar" else self.minimum <= value <= self.maximum

    @property
    def levels(self) -> int:
        """How many values the type has."""
        return 1 << self.bits

    @property
    def coefficients(self) -> tuple[int, ...]:
        """Weight of each bit plane in the accumulator, plane 0 (the least significant) first."""
        planes = [1 << b for b in range(self.bits)]
        if self.kind == "int":
            planes[-1] = -planes[-1]
        return tuple(planes)

    def values(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """The numbers that codes (the unsigned bit patterns) stand for."""
        code = np.asarray(codes, np.int64)
        if self.kind == "bipolar":
            return 2 * code - 1
        if self.kind == "int":
            return np.where(code >= self.levels // 2, code - self.levels, code)
        return code

    @property
    def code_dtype(self) -> np.dtype[np.unsignedinteger]:
        """The narrowest NumPy type that holds its codes."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16 if self.bits <= 16 else np.uint32)

    def codes(self, level: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
        """The bit patterns of levels, 0 for the least value of the type, ``levels - 1`` for its greatest."""
        index = np.asarray(level, np.int64)
        if self.kind == "int":
            index = (index + self.levels // 2) % self.levels
        return index.astype(self.code_dtype)

    def encode(self, values: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
        """The codes of values: the inverse of :meth:`values`."""
        array = np.asarray(values, np.int64)
        if self.kind == "bipolar":
            return (array > 0).astype(np.uint8)
        return (array & (self.levels - 1)).astype(self.code_dtype)

    @classmethod
    def holding(cls, low: int, high: int) -> DataType:
        """The narrowest integer type that holds ``low..high``; unsigned where nothing is negative."""
        bits, signed = narrowest(low, high)
        return cls("int" if signed else "uint", bits)

    @classmethod
    def emitted(cls, name: str, low: int, high: int) -> DataType:
        """:meth:`holding` for what a layer emits; the error names the layer."""
        try:
            return cls.holding(low, high)
        except NetworkError:
            raise NetworkError(f"layer {name}: results must fit {MAX_BITS} bits, not {low}..{high}") from None

    def __str__(self) -> str:
        return "bipolar" if self.kind == "bipolar" else f"{self.kind}{self.bits}"

    @classmethod
    def parse(cls, text: str) -> DataType:
        """The inverse of ``str``: ``bipolar``, ``uint4``, ``int8``."""
        if text == "bipolar":
            return cls("bipolar", 1)
        kind = text.rstrip("0123456789")
        digits = text[len(kind) :]
        if kind not in ("uint", "int") or not digits or len(digits) > 2:
            raise NetworkError(f"data type must be bipolar, uintN or intN, not {text!r}")
        return cls(kind, int(digits))
