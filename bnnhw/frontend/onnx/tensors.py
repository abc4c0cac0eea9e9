"""Tensors of an ONNX file as arrays, their declared sizes compared with the bytes that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnhw.errors import FileError, UnsupportedError

__all__ = ["FLOATING", "INTEGERS", "Whole", "is_float", "is_whole", "read_tensor", "type_word"]


@dataclass(frozen=True)
class _Type:
    """How a type lies in a tensor.

    Parameters
    ----------
    bits : int
        Of a value.
    typed : str
        The field that holds values which are not raw, one each: of 4-bit ones, two each.
    dtype : str
        NumPy's name; empty where NumPy has none, and the values are read by onnx.
    """

    bits: int
    typed: str
    dtype: str = ""


_KINDS = onnx.TensorProto
_TYPES: Mapping[int, _Type] = {
    _KINDS.FLOAT: _Type(32, "float_data", "<f4"),
    _KINDS.DOUBLE: _Type(64, "double_data", "<f8"),
    _KINDS.FLOAT16: _Type(16, "int32_data"),
    _KINDS.BFLOAT16: _Type(16, "int32_data"),
    _KINDS.BOOL: _Type(8, "int32_data", "?"),
    _KINDS.INT64: _Type(64, "int64_data", "<i8"),
    _KINDS.UINT64: _Type(64, "uint64_data", "<u8"),
    _KINDS.INT32: _Type(32, "int32_data", "<i4"),
    _KINDS.UINT32: _Type(32, "uint64_data", "<u4"),
    _KINDS.INT16: _Type(16, "int32_data", "<i2"),
    _KINDS.UINT16: _Type(16, "int32_data", "<u2"),
    _KINDS.INT8: _Type(8, "int32_data", "<i1"),
    _KINDS.UINT8: _Type(8, "int32_data", "|u1"),
    _KINDS.INT4: _Type(4, "int32_data"),
    _KINDS.UINT4: _Type(4, "int32_data"),
}


@dataclass(frozen=True)
class Whole:
    """An integer type of ONNX's."""

    bits: int
    signed: bool

    @property
    def minimum(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


INTEGERS: Mapping[int, Whole] = {
    number: Whole(kind.bits, not name.startswith("U"))
    for name, number in onnx.TensorProto.DataType.items()
    if "INT" in name and (kind := _TYPES.get(number))
}

FLOATING: Mapping[int, Any] = {
    _KINDS.FLOAT: np.float32,
    _KINDS.DOUBLE: np.float64,
}
"""Types that hold whatever a network computes: those that a Cast may name."""


def type_word(number: int) -> str:
    """The name of a type of ONNX's."""
    try:
        return onnx.TensorProto.DataType.Name(number).lower()
    except ValueError:
        return f"type {number}"


def is_float(array: NDArray[Any]) -> bool:
    """Whether an array holds floating-point numbers, bfloat16 included."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def is_whole(array: NDArray[Any]) -> bool:
    """Whether an array holds integers, ONNX's 4-bit ones included."""
    return array.dtype.kind in "iu" or array.dtype.name in ("int4", "uint4")


def read_tensor(tensor: onnx.TensorProto, where: str) -> NDArray[Any]:
    """The array of a tensor; ``where`` names it in errors.

    Raises
    ------
    FileError
        Its bytes are not those that its shape needs.
    UnsupportedError
        Its type is not read, its data is in another file, or a value is no number.
    """
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise UnsupportedError(f"{where}: data in another file is not read; save the model as one file")
    kind = _TYPES.get(tensor.data_type)
    if kind is None:
        raise UnsupportedError(
            f"{where}: values of type {type_word(tensor.data_type)} are not read: export the model with float32, and "
            "integers of 4 to 64 bits"
        )
    dims = tuple(tensor.dims)
    if any(size < 0 for size in dims):
        raise FileError(f"{where}: dimensions must not be negative, not {dims}")
    number = math.prod(dims)
    if tensor.HasField("raw_data"):
        have, want = len(tensor.raw_data), -(-number * kind.bits // 8)
        if have != want:
            raise FileError(f"{where}: shape {dims} must have {want} bytes of data, not {have}")
    else:
        have, want = len(getattr(tensor, kind.typed)), -(-number * min(kind.bits, 8) // 8)
        if have != want:
            raise FileError(f"{where}: shape {dims} must have {want} values, not {have}")
    if not kind.dtype:
        array: NDArray[Any] = onnx.numpy_helper.to_array(tensor)
    elif tensor.HasField("raw_data"):
        array = np.frombuffer(tensor.raw_data, kind.dtype)
    else:
        values = np.array(getattr(tensor, kind.typed))
        array = values.astype(kind.dtype)
        if (array != values).any() and array.dtype.kind in "iu":
            raise FileError(f"{where}: values must fit type {type_word(tensor.data_type)}")
    if is_float(array):
        # float16 and bfloat16 are float32, each number of theirs.
        array = array if array.dtype.itemsize > 2 else array.astype(np.float32)
        if np.isnan(array).any():
            raise UnsupportedError(f"{where}: values must be numbers, not NaN")
    return array.reshape(dims)
