"""Convolutional ONNX graphs for tests, whose every float32 operation is exact, built one node after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "qonnx.custom_op.general"


class Graph:
    """A graph in the making.

    Parameters
    ----------
    shape : tuple of int
        Of a sample.
    seed : int
        Of weights and parameters.
    """

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: dict[str, np.ndarray] = {}

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.arrays)}"
        self.arrays[name] = np.asarray(value, dtype)
        return name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node; its output's name. An operator that ends in ``Quant`` is QONNX's."""
        name = f"{kind.lower()}{len(self.nodes)}"
        domain = DOMAIN if kind.endswith("Quant") or kind in ("MultiThreshold", "Trunc") else ""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{name}_node", domain=domain, **attributes))
        return name

    def quant(self, x: str, bits: int, scale: float = 1.0, signed: bool = False, narrow: bool = False) -> str:
        inputs = [self.constant(scale), self.constant(0), self.constant(bits)]
        mode = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
        return self.add("Quant", x, *inputs, **mode)

    def sign(self, x: str, scale: float = 1.0) -> str:
        return self.add("BipolarQuant", x, self.constant(scale))

    def weights(self, *shape: int, bits: int = 1, scale: Any = 1.0) -> str:
        latent = self.constant(self.random.uniform(-1.5, 1.5, shape) * (1 << (bits - 1)))
        if bits == 1:
            return self.add("BipolarQuant", latent, self.constant(scale))
        inputs = [self.constant(scale), self.constant(0), self.constant(bits)]
        return self.add("Quant", latent, *inputs, signed=1, narrow=1, rounding_mode="ROUND")

    def norm(self, x: str, channels: int, reach: int = 3) -> str:
        """Gammas of both signs, 0 excluded, and standard deviations of powers of 2: every result is exact."""
        gamma = self.random.choice([-2, -1, -0.5, 0.5, 1, 4], channels)
        others = [self.random.integers(-reach, reach + 1, channels) / 2 for _ in range(2)]
        variance = self.random.choice([0.25, 1, 4], channels)
        names = [self.constant(array) for array in (gamma, *others, variance)]
        return self.add("BatchNormalization", x, *names, epsilon=0.0)

    def size(self, tensor: str) -> int:
        """Elements of a tensor, by ONNX's own shape inference; a quantizer keeps its input's shape."""
        plain = [
            helper.make_node("Identity", item.input[:1], item.output) if item.domain else item for item in self.nodes
        ]
        graph = onnx.shape_inference.infer_shapes(self._model(plain, tensor, None), strict_mode=True).graph
        return int(np.prod([dim.dim_value for dim in graph.output[0].type.tensor_type.shape.dim]))

    def scores(self, x: str, classes: int = 3) -> onnx.ModelProto:
        """The model that ends in a fully connected layer and a batch norm."""
        flat = self.add("Flatten", x, axis=1)
        return self.model(self.norm(self.add("MatMul", flat, self.weights(self.size(flat), classes)), classes), classes)

    def model(self, end: str, classes: int = 3) -> onnx.ModelProto:
        return self._model([*self.nodes, helper.make_node("Identity", [end], ["scores"], "end")], "scores", classes)

    def _model(self, nodes: list[onnx.NodeProto], end: str, classes: int | None) -> onnx.ModelProto:
        shape = None if classes is None else [1, classes]
        graph = helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *self.shape])],
            [helper.make_tensor_value_info(end, TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(array, name) for name, array in self.arrays.items()],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)
