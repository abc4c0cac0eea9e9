"""A QONNX graph in the making, the one writer of all that the project writes in ONNX, and QONNX's names of types."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bnnhw.ir import DataType, narrowest

__all__ = ["DOMAIN", "Graph", "Tensor", "integer_name", "type_name"]

DOMAIN = "qonnx.custom_op.general"

OPERATORS = ("BipolarQuant", "MultiThreshold", "Quant")
"""The operators of that domain; all others that are written are ONNX's own."""

IR_VERSION = 8
"""That of ONNX 1.10, the oldest that knows the operator sets written, 13 and 17: old readers refuse newer ones."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Frames included.
    element : int
        Of :class:`onnx.TensorProto`.
    """

    name: str
    shape: tuple[int, ...]
    element: int = TensorProto.FLOAT


class Graph:
    """A graph in the making: its input, and nodes in the order in which they are added.

    Parameters
    ----------
    input : str
        Name of the graph's input.
    shape : tuple of int
        Of the input, frames included.
    output : str
        Name that the graph's output will have.
    """

    def __init__(self, input: str, shape: tuple[int, ...], output: str) -> None:  # noqa: A002 - what it is
        self.input = Tensor(input, shape)
        self.output = output
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.ValueInfoProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._annotations: list[onnx.TensorAnnotation] = []
        self._names = {input, output}
        self._shared: dict[str, str] = {}

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
        """Add a constant.

        Parameters
        ----------
        name : str
        array : array
        dtype : str, optional
            QONNX's name of the type of its numbers.

        Returns
        -------
        str
            Its name in the graph.
        """
        name = self._unique(name)
        self._initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        if dtype is not None:
            self.annotate(name, dtype)
        return name

    def shared(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant that several nodes read; the name alone says which."""
        if name not in self._shared:
            self._shared[name] = self.constant(name, array)
        return self._shared[name]

    def annotate(self, tensor: str, dtype: str) -> None:
        """State the type of a tensor's numbers, as FINN does."""
        note = onnx.TensorAnnotation(tensor_name=tensor)
        note.quant_parameter_tensor_names.add(key="finn_datatype", value=dtype)
        self._annotations.append(note)

    def node(
        self,
        operator: str,
        name: str,
        *inputs: Tensor | str,
        shape: tuple[int, ...] | None = None,
        dtype: str | None = None,
        element: int | None = None,
        output: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Tensor:
        """Add a node with one output.

        Parameters
        ----------
        operator, name : str
        *inputs : Tensor or str
            A name is that of a constant.
        shape : tuple of int, optional
            Of the output; that of the first tensor read without it.
        dtype : str, optional
            QONNX's name of the type of its numbers; without it they are not annotated.
        element : int, optional
            As ``shape``.
        output : str, optional
            Name of the output, ``NAME_out`` without it.
        attributes, **more
            Of the node.
        """
        first = next((value for value in inputs if isinstance(value, Tensor)), self.input)
        result = Tensor(
            self._unique(output or f"{name}_out"),
            first.shape if shape is None else shape,
            first.element if element is None else element,
        )
        names = [value.name if isinstance(value, Tensor) else value for value in inputs]
        domain = DOMAIN if operator in OPERATORS else ""
        found = {**(attributes or {}), **more}
        self._nodes.append(helper.make_node(operator, names, [result.name], name=name, domain=domain, **found))
        self._tensors.append(helper.make_tensor_value_info(result.name, result.element, result.shape))
        if dtype is not None:
            self.annotate(result.name, dtype)
        return result

    def multithreshold(
        self, name: str, tensor: Tensor, thresholds: NDArray[np.float32], dtype: DataType, kind: str
    ) -> Tensor:
        """Add a MultiThreshold.

        Parameters
        ----------
        name : str
        tensor : Tensor
        thresholds : float32 array (channels or 1, levels)
        dtype : DataType
            Of the output, its level 0 the least value.
        kind : str
            QONNX's name of the type of the thresholds.
        """
        return self.node(
            "MultiThreshold",
            name,
            tensor,
            self.constant(f"{name}_thresholds", thresholds, kind),
            dtype=type_name(dtype),
            out_dtype=type_name(dtype),
            out_scale=2.0 if dtype.kind == "bipolar" else 1.0,
            out_bias=float(dtype.minimum),
        )

    def model(
        self, end: Tensor, title: str, opset: int, metadata: Mapping[str, str] | None = None, version: str = ""
    ) -> onnx.ModelProto:
        """Finish the graph.

        Parameters
        ----------
        end : Tensor
            What a node gave: the graph's output, and named so.
        title : str
            Name of the graph.
        opset : int
            Of ONNX' own operators.
        metadata : mapping of str to str, optional
        version : str
            Of bnnhw.
        """
        names = {end.name: self.output}
        for node in self._nodes:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
        for note in self._annotations:
            note.tensor_name = names.get(note.tensor_name, note.tensor_name)
        proto = helper.make_graph(
            self._nodes,
            title,
            [helper.make_tensor_value_info(self.input.name, self.input.element, self.input.shape)],
            [helper.make_tensor_value_info(self.output, end.element, end.shape)],
            self._initializers,
            # qonnx executes no graph whose tensors have no shapes.
            value_info=[tensor for tensor in self._tensors if tensor.name != end.name],
        )
        proto.quantization_annotation.extend(self._annotations)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)]
        extra = {"producer_version": version} if version else {}
        model = helper.make_model(proto, opset_imports=opsets, ir_version=IR_VERSION, producer_name="bnnhw", **extra)
        helper.set_model_props(model, dict(metadata or {}))
        return model


def type_name(dtype: DataType) -> str:
    """QONNX's name of a type; its UINT1 is BINARY."""
    return "BINARY" if str(dtype) == "uint1" else str(dtype).upper()


def integer_name(low: int, high: int) -> str:
    """QONNX's name of the narrowest integer type that holds ``low..high``."""
    bits, signed = narrowest(low, high)
    return f"INT{bits}" if signed else f"UINT{max(bits, 2)}"
