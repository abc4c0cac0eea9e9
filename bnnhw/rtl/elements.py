"""Elements of a stream as numbers."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Value

from bnnhw.ir import DataType

__all__ = ["element_value"]


def element_value(code: Value, dtype: DataType) -> Value:
    """The number that a code stands for: a bipolar 0 is -1."""
    if dtype.kind == "bipolar":
        return Cat(Const(1, 1), ~code[0]).as_signed()
    return code.as_signed() if dtype.kind == "int" else code
