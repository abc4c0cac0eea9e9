"""A QONNX graph in the making, and QONNX's names of types."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bnnhw.errors import UnsupportedError
from bnnhw.ir import DataType

__all__ = ["DOMAIN", "FLOAT32", "INPUT", "OUTPUT", "Graph", "check_reach", "integer_name", "type_name"]

DOMAIN = "qonnx.custom_op.general"

FLOAT32 = 1 << 24
"""float32 holds every integer up to this, and every half of one up to half of this."""

INPUT, OUTPUT = "global_in", "global_out"


class Graph:
    """A graph in the making: nodes in order, each reading the tensor the last one wrote.

    Parameters
    ----------
    shape : tuple of int
        Of the input, frames included.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.element = TensorProto.FLOAT
        self.tensors: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.annotations: list[onnx.TensorAnnotation] = []
        self.tensor = INPUT
        self._names = {INPUT, OUTPUT}

    def _unique(self, name: str) -> str:
        """``name``, or where it is taken (a layer may have any name) one like it."""
        candidate = name
        for number in itertools.count(1):
            if candidate not in self._names:
                break
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate

    def constant(self, name: str, array: NDArray[Any], dtype: str | None = None) -> str:
        name = self._unique(name)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        if dtype is not None:
            self.annotate(name, dtype)
        return name

    def annotate(self, tensor: str, dtype: str) -> None:
        note = onnx.TensorAnnotation(tensor_name=tensor)
        note.quant_parameter_tensor_names.add(key="finn_datatype", value=dtype)
        self.annotations.append(note)

    def node(
        self,
        operator: str,
        name: str,
        *inputs: str,
        shape: tuple[int, ...] | None = None,
        dtype: str | None = None,
        **attributes: Any,
    ) -> None:
        """``shape`` and ``dtype`` are those of its output; None: the shape of its input, no integers."""
        result = self._unique(f"{name}_out")
        self.shape = self.shape if shape is None else shape
        self.tensors.append(helper.make_tensor_value_info(result, self.element, self.shape))
        self.nodes.append(helper.make_node(operator, [self.tensor, *inputs], [result], name, **attributes))
        self.tensor = result
        if dtype is not None:
            self.annotate(result, dtype)

    def multithreshold(self, name: str, thresholds: NDArray[np.float32], dtype: DataType, kind: str) -> None:
        """``kind`` is the type of the thresholds."""
        constant = self.constant(f"{name}_thresholds", thresholds, kind)
        scale = 2.0 if dtype.kind == "bipolar" else 1.0
        self.node(
            "MultiThreshold",
            name,
            constant,
            dtype=type_name(dtype),
            domain=DOMAIN,
            out_dtype=type_name(dtype),
            out_scale=scale,
            out_bias=float(dtype.minimum),
        )


def type_name(dtype: DataType) -> str:
    """QONNX's name of a type; its UINT1 is BINARY."""
    return "BINARY" if str(dtype) == "uint1" else str(dtype).upper()


def integer_name(low: int, high: int) -> str:
    """QONNX's name of the narrowest integer type that holds ``low..high``."""
    if low >= 0:
        return f"UINT{max(high.bit_length(), 2)}"
    return f"INT{max((-low - 1).bit_length(), high.bit_length(), 1) + 1}"


def check_reach(name: str, what: str, reach: int) -> None:
    """Refuse numbers of a layer that float32 can't hold."""
    if reach > FLOAT32:
        raise UnsupportedError(
            f"layer {name}: {what} must be below {FLOAT32} to be exact in float32, not up to {reach}"
        )
