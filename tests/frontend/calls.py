"""Nodes as their handlers meet them, without a graph around them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.graph import Node
from bnnhw.frontend.onnx.nodes import HANDLERS
from bnnhw.frontend.onnx.values import Constant, Elements, Value, layout
from bnnhw.ir import DataType, InputSpec

__all__ = ["call", "constant", "convert", "elements"]


def call(kind: str, *inputs: Value | None, opset: int = 17, **attributes: Any) -> Call:
    """The third node of seven."""
    names = tuple(f"t{n}" if value is not None else "" for n, value in enumerate(inputs))
    proto = helper.make_node(kind, names, ["out"], **attributes)
    return Call(Node(kind, "", "n", 3, 7, names, ("out",), attributes, proto), inputs, opset)


def convert(kind: str, *inputs: Value | None, opset: int = 17, **attributes: Any) -> Value:
    """What a node stands for."""
    return HANDLERS[kind].convert(call(kind, *inputs, opset=opset, **attributes))


def constant(value: Any, dtype: Any = np.float32) -> Constant:
    return Constant(np.array(value, dtype))


def elements(dtype: str = "uint2", shape: tuple[int, int, int] = (2, 3, 4), **others: Any) -> Elements:
    """The network's input as it lies in the stream."""
    spec = InputSpec(shape, DataType.parse(dtype))
    return Elements(spec.dtype, layout(shape), spec, (), **others)
