"""Graphs of ONNX's own quantizers, built node by node: scales are powers of two, so that float32 is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TYPES = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int4": None,
    "uint4": None,
    "int32": np.int32,
    "int64": np.int64,
    "float": np.float32,
    "bool": np.bool_,
}
RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15)}


class Qdq:
    """A graph in the making; ``opset`` is that of ONNX's own operators."""

    def __init__(self, *shape: int, seed: int = 0, opset: int = 21) -> None:
        self.random = np.random.default_rng(seed)
        self.shape = shape
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: str = "float") -> str:
        name = f"c{len(self.tensors)}"
        dtype = TYPES[kind]
        if dtype is None:
            array = np.asarray(value, np.int8)
            code = TensorProto.INT4 if kind == "int4" else TensorProto.UINT4
            self.tensors.append(helper.make_tensor(name, code, array.shape, array.ravel().tolist()))
        else:
            self.tensors.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{name}_node", **attributes))
        return name

    def quantized(
        self, x: str, scale: Any, zero: Any = 0, kind: str = "uint8", clip: tuple[int, int] | None = None, **axis: int
    ) -> str:
        """QuantizeLinear, a Clip for fewer bits, DequantizeLinear."""
        parameters = [self.constant(scale), self.constant(zero, kind)]
        q = self.add("QuantizeLinear", x, *parameters, **axis)
        if clip is not None:
            q = self.add("Clip", q, *(self.constant(end, kind) for end in clip))
        return self.add("DequantizeLinear", q, *parameters, **axis)

    def weights(
        self, shape: tuple[int, ...], scale: Any, kind: str = "int8", reach: int = 7, zero: Any = 0, **axis: int
    ) -> str:
        """An initializer of integers behind a DequantizeLinear."""
        low, high = RANGES[kind]
        values = self.random.integers(max(low, -reach), min(high, reach) + 1, shape)
        return self.add(
            "DequantizeLinear", self.constant(values, kind), self.constant(scale), self.constant(zero, kind), **axis
        )

    def model(self, end: str, classes: int) -> onnx.ModelProto:
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [end], ["scores"], "end")],
            "test",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", *self.shape])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", classes])],
            self.tensors,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)


def executed(proto: onnx.ModelProto, samples: NDArray[Any]) -> NDArray[np.float32]:
    """What onnxruntime computes, without its own rewriting of quantized graphs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"input": samples.astype(np.float32)})
    return np.asarray(scores)
