"""What one element of a stream means, and how raw samples become elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError

__all__ = ["DataType", "InputSpec", "MAX_BITS", "MAX_PLANES", "narrowest"]

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


@dataclass(frozen=True)
class InputSpec:
    """What a network takes.

    Parameters
    ----------
    shape : tuple of int
        Shape of one frame: ``(features,)``, or ``(channels, height, width)``; elements enter the
        accelerator channel fastest, then width, then height.
    dtype : DataType
        Type of one element.
    thresholds : tuple of float, or None
        How a raw sample becomes an element: its level is the number of thresholds that are less than
        or equal to it, so there are ``dtype.levels - 1`` of them, ascending (equal ones and infinity
        skip levels). None: samples are the values of elements already.
    """

    shape: tuple[int, ...]
    dtype: DataType
    thresholds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.dtype.bits > MAX_PLANES:
            raise NetworkError(f"input: elements must have at most {MAX_PLANES} bits, not {self.dtype.bits}")
        if len(self.shape) not in (1, 3) or any(size < 1 for size in self.shape):
            raise NetworkError(f"input: shape must be (features,) or (channels, height, width), not {self.shape}")
        if self.thresholds is not None:
            if len(self.thresholds) != self.dtype.levels - 1:
                raise NetworkError(
                    f"input: {self.dtype} must have {self.dtype.levels - 1} thresholds, not {len(self.thresholds)}"
                )
            # Written so that a NaN anywhere fails too.
            if not all(a <= b for a, b in zip(self.thresholds, self.thresholds[1:], strict=False)) or any(
                t != t for t in self.thresholds
            ):
                raise NetworkError("input: thresholds must ascend")

    @property
    def map(self) -> tuple[int, int, int]:
        """Channels, height, width of a frame; features are channels."""
        channels, height, width = (*self.shape, 1, 1)[:3]
        return channels, height, width

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return int(np.prod(self.shape))

    def encode(self, samples: NDArray[np.number]) -> NDArray[np.uint8]:
        """Raw samples ``(frames, *shape)`` or ``(frames, elements)`` -> codes ``(frames, elements)``.

        Codes come in stream order: channel fastest, then width, then height.
        """
        array = np.asarray(samples)
        if array.shape[1:] not in (self.shape, (self.elements,)):
            sizes = ", ".join(map(str, self.shape))
            raise NetworkError(f"samples must have shape (frames, {sizes}), not {array.shape}")
        array = array.reshape(len(array), *self.shape)
        if len(self.shape) == 3:
            array = array.transpose(0, 2, 3, 1)
        array = array.reshape(len(array), self.elements)
        if self.thresholds is not None:
            return self.dtype.codes(np.searchsorted(np.asarray(self.thresholds), array, side="right"))
        if self.dtype.kind == "bipolar":
            if not np.isin(array, (-1, 1)).all():
                raise NetworkError("samples of a bipolar input must be -1 or +1")
            return (array > 0).astype(np.uint8)
        if ((array < self.dtype.minimum) | (array > self.dtype.maximum)).any() or (array != np.rint(array)).any():
            raise NetworkError(
                f"samples of a {self.dtype} input must be integers in {self.dtype.minimum}..{self.dtype.maximum}"
            )
        return (array.astype(np.int64) & (self.dtype.levels - 1)).astype(np.uint8)
