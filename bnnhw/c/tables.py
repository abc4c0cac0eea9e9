"""Constant tables: the narrowest C type that holds their numbers, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["declaration", "definition", "integer_type", "literal", "pack"]

_WIDTH = 116
"""Characters of a line."""

_TYPES = ("uint8_t", "int8_t", "uint16_t", "int16_t", "int32_t", "int64_t")
"""None of 32 or 64 bits without a sign: all are compared with signed numbers."""


def integer_type(low: int, high: int) -> str:
    """The narrowest C type that holds ``low..high``."""
    for name in _TYPES:
        dtype = np.iinfo(name.removesuffix("_t"))
        if int(dtype.min) <= low and high <= int(dtype.max):
            return name
    raise OverflowError(f"{low}..{high} fits no type of C")


def pack(bits: NDArray[np.uint8], word_bits: int) -> NDArray[np.uint64]:
    """Bits (..., K) as words (..., ceil(K / word_bits)), the first bit lowest; bits past the last are 0."""
    spare = -bits.shape[-1] % word_bits
    padded = np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, spare)])
    octets = np.packbits(padded, axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view(f"<u{word_bits // 8}").astype(np.uint64)


def literal(value: Any, ctype: str) -> str:
    """A number as C has it; floating-point ones are exact."""
    if ctype in ("float", "double"):
        suffix = "f" if ctype == "float" else ""
        if np.isinf(value):
            return f"{'-' if value < 0 else ''}(1.0{suffix} / 0.0{suffix})"
        number = np.float32(value) if ctype == "float" else np.float64(value)
        text = np.format_float_scientific(number, unique=True, trim="0")
        short = np.format_float_positional(number, unique=True, trim="0")
        return f"{min(short, text, key=len)}{suffix}"
    if ctype.startswith("uint") or ctype.endswith("_word"):
        return hex(int(value))
    if ctype == "int64_t" and value == np.iinfo(np.int64).min:
        return f"({int(value) + 1} - 1)"
    if ctype == "int32_t" and value == np.iinfo(np.int32).min:
        return f"({int(value) + 1} - 1)"
    return str(int(value))


def declaration(name: str, ctype: str, array: NDArray[Any]) -> str:
    """The definition of a table of any shape, as a list."""
    values = array.ravel().tolist()
    if ctype.startswith("uint") or ctype.endswith("_word"):
        texts = [f"0x{value:x}" for value in values]
    elif ctype.startswith("int") and (not values or min(values) > np.iinfo(np.int32).min):
        texts = [str(value) for value in values]
    else:
        texts = [literal(value, ctype) for value in values]
    return definition(name, ctype, texts)


def definition(name: str, ctype: str, texts: Sequence[str]) -> str:
    """The same of numbers that are text already."""
    lines, line = [], "   "
    for text in texts:
        if len(line) + len(text) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {text},"
    lines.append(line)
    body = "\n".join(lines)
    return f"static const {ctype} {name}[{len(texts)}] = {{\n{body}\n}};\n"
