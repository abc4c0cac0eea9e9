"""Values of the header of the network file (:mod:`bnnhw.ir.archive`), checked as they are read."""

from __future__ import annotations

from typing import Any

from bnnhw.errors import FileError

__all__ = ["field", "size", "sizes"]


def field(where: str, mapping: Any, key: str, kind: type) -> Any:
    """One entry of the header, checked for its type (a bool is no int here)."""
    if not isinstance(mapping, dict) or key not in mapping:
        raise FileError(f"header: {where} must have {key!r}")
    value = mapping[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FileError(f"header: {where}: {key!r} must be of type {kind.__name__}, not {value!r:.60}")
    return value


def size(where: str, mapping: Any, key: str) -> int:
    """A positive size of the header."""
    value = field(where, mapping, key, int)
    if not 1 <= value < 1 << 31:
        raise FileError(f"header: {where}: {key!r} must be in 1..2**31 - 1, not {value!r:.60}")
    return value


def sizes(where: str, mapping: Any, key: str, length: int, least: int) -> tuple[int, ...]:
    """A list of so many sizes, each of at least ``least``."""
    value = field(where, mapping, key, list)
    if len(value) != length or any(type(size) is not int or not least <= size < 1 << 31 for size in value):
        raise FileError(
            f"header: {where}: {key!r} must be a list of {length} integers in {least}..2**31 - 1, not {value!r:.60}"
        )
    return tuple(value)
