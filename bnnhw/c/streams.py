"""How the elements of a stream lie in memory, and the C that reads and writes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnhw.ir import DataType, Shape
from bnnhw.ir.types import MAX_PLANES

__all__ = ["Stream"]


@dataclass(frozen=True, eq=False)
class Stream:
    """The elements between two layers, in stream order: position by position, channels fastest.

    Elements of up to 8 bits are bit planes: bit ``b`` of element ``e`` is bit ``e % W`` of word
    ``b * stride + e / W``, with words of W bits; bits past the last element are 0. Wider elements are integers.

    Parameters
    ----------
    name : str
        Prefix of the program's C names.
    word_bits : int
    shape : (int, int, int)
    dtype : DataType
    """

    name: str
    word_bits: int
    shape: Shape
    dtype: DataType

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def packed(self) -> bool:
        """Whether it is bit planes, which is what matrices read."""
        return self.dtype.bits <= MAX_PLANES

    @property
    def planes(self) -> int:
        return self.dtype.bits

    @property
    def stride(self) -> int:
        """Words per bit plane."""
        return -(-self.elements // self.word_bits)

    @property
    def ctype(self) -> str:
        """The C type of which its memory is an array."""
        if self.packed:
            return f"{self.name}_word"
        return f"{'int' if self.dtype.kind == 'int' else 'uint'}{16 if self.dtype.bits <= 16 else 32}_t"

    @property
    def size(self) -> int:
        """How many of them."""
        return self.stride * self.planes if self.packed else self.elements

    @property
    def number(self) -> str:
        """The C type that holds its elements' values."""
        return "int64_t" if self.dtype.maximum >= 1 << 31 else "int32_t"

    @property
    def _flip(self) -> int:
        """What turns a code of two's complement into a level."""
        return self.dtype.levels // 2 if self.dtype.kind == "int" else 0

    def code(self, pointer: str, index: str) -> str:
        """The bit pattern of an element of packed ones: uint32_t."""
        return f"{self.name}_code({pointer}, {self.stride}, {self.planes}, {index})"

    def value(self, pointer: str, index: str) -> str:
        """The number that an element stands for: of type :attr:`number`."""
        if not self.packed:
            return f"({self.number}){pointer}[{index}]"
        code = f"({self.number}){self.code(pointer, index)}"
        if self.dtype.kind == "bipolar":
            return f"2 * {code} - 1"
        return f"({code} ^ {self._flip}) - {self._flip}" if self._flip else code

    def put(self, index: str, value: str) -> str:
        """A statement that writes an element, given its value, to ``y``, which held zeros."""
        if not self.packed:
            return f"y[{index}] = ({self.ctype})({value});"
        code = f"{value} > 0" if self.dtype.kind == "bipolar" else f"(uint32_t)({value})"
        return self.put_code(index, code)

    def put_code(self, index: str, code: str) -> str:
        """The same, given the code of a packed element."""
        if self.planes == 1:
            return f"y[{index} / {self.word_bits}] |= ({self.ctype})({code}) << ({index} % {self.word_bits});"
        return f"{self.name}_put(y, {self.stride}, {self.planes}, {index}, {code});"

    def put_level(self, index: str, level: str) -> str:
        """The same, given its level: 0 for the least value of the type."""
        if not self.packed:
            return self.put(index, f"(int32_t){level} - {-self.dtype.minimum}" if self._flip else level)
        return self.put_code(index, f"{level} ^ {self._flip}u" if self._flip else level)

    @property
    def parts(self) -> tuple[str, ...]:
        """The shared functions that writing needs."""
        return ("clear", "put") if self.packed and self.planes > 1 else ("clear",) if self.packed else ()

    @property
    def clear(self) -> str:
        """A statement before the first write."""
        return f"{self.name}_clear(y, {self.size});" if self.packed else ""
