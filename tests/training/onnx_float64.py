"""A second reading of the exported graph: each node by its definition, in float64, with nothing of the importer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[np.float64]


def _quant(node: onnx.NodeProto, x: Array, scale: Array, zero: Array, bits: Array) -> Array:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert attributes == {"signed": 0, "narrow": 0, "rounding_mode": b"FLOOR"}
    return (np.floor(np.clip(x / scale + zero, 0, 2**bits - 1)) - zero) * scale


def _norm(node: onnx.NodeProto, x: Array, gamma: Array, beta: Array, mean: Array, var: Array) -> Array:
    (epsilon,) = [a.f for a in node.attribute if a.name == "epsilon"]
    return gamma * (x - mean) / np.sqrt(var + epsilon) + beta


OPERATORS: dict[tuple[str, str], Callable[..., Any]] = {
    ("", "Sub"): lambda node, a, b: a - b,
    ("", "MatMul"): lambda node, a, b: a @ b,
    ("", "BatchNormalization"): _norm,
    ("qonnx.custom_op.general", "Quant"): _quant,
    ("qonnx.custom_op.general", "BipolarQuant"): lambda node, x, scale: np.where(x >= 0, scale, -scale),
}


def evaluate(model: onnx.ModelProto, samples: NDArray[np.float32]) -> dict[str, Array]:
    """Every tensor of the graph for raw samples (frames, features), by name."""
    tensors = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
    tensors["input"] = samples.astype(np.float64)
    for node in model.graph.node:
        inputs = [tensors[name] for name in node.input]
        tensors[node.output[0]] = OPERATORS[node.domain, node.op_type](node, *inputs)
    return tensors
