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
    signed = attributes.pop("signed")
    mode = {b"FLOOR": np.floor, b"ROUND": np.rint}[attributes.pop("rounding_mode")]
    assert attributes == {"narrow": 0}
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (mode(np.clip(x / scale + zero, low, high)) - zero) * scale


def _norm(node: onnx.NodeProto, x: Array, gamma: Array, beta: Array, mean: Array, var: Array) -> Array:
    (epsilon,) = [a.f for a in node.attribute if a.name == "epsilon"]
    gamma, beta, mean, var = (a.reshape(-1, *[1] * (x.ndim - 2)) for a in (gamma, beta, mean, var))
    return gamma * (x - mean) / np.sqrt(var + epsilon) + beta


def _windows(x: Array, kernel: list[int], strides: list[int], dilations: list[int]) -> Array:
    """(frames, channels, out_height, out_width, kernel height, kernel width)."""
    spans = tuple(d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(2, 3))
    return views[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]


def _conv(node: onnx.NodeProto, x: Array, weights: Array) -> Array:
    a = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert a["pads"] == [0, 0, 0, 0]
    assert a["kernel_shape"] == list(weights.shape[2:])
    views = _windows(x, a["kernel_shape"], a["strides"], a["dilations"])
    inputs, outputs = x.shape[1] // a["group"], len(weights) // a["group"]
    parts = [
        np.einsum("nchwyx,ocyx->nohw", views[:, g * inputs : (g + 1) * inputs], weights[g * outputs :][:outputs])
        for g in range(a["group"])
    ]
    return np.concatenate(parts, axis=1)


def _max_pool(node: onnx.NodeProto, x: Array) -> Array:
    a = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert a["pads"] == [0, 0, 0, 0]
    return _windows(x, a["kernel_shape"], a["strides"], [1, 1]).max(axis=(4, 5))


def _average_pool(node: onnx.NodeProto, x: Array) -> Array:
    a = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert a["pads"] == [0, 0, 0, 0]
    return _windows(x, a["kernel_shape"], a["strides"], [1, 1]).mean(axis=(4, 5))


def _pad(node: onnx.NodeProto, x: Array, pads: Array, value: Array) -> Array:
    assert [helper.get_attribute_value(a) for a in node.attribute] == [b"constant"]
    before, behind = np.split(pads.astype(int), 2)
    return np.pad(x, list(zip(before, behind, strict=True)), constant_values=float(value))


OPERATORS: dict[tuple[str, str], Callable[..., Any]] = {
    ("", "Sub"): lambda node, a, b: a - b,
    ("", "Add"): lambda node, a, b: a + b,
    ("", "PRelu"): lambda node, x, slope: np.where(x < 0, x * slope, x),
    ("", "MatMul"): lambda node, a, b: a @ b,
    ("", "Conv"): _conv,
    ("", "MaxPool"): _max_pool,
    ("", "AveragePool"): _average_pool,
    ("", "Pad"): _pad,
    ("", "Flatten"): lambda node, x: x.reshape(len(x), -1),
    ("", "BatchNormalization"): _norm,
    ("qonnx.custom_op.general", "Quant"): _quant,
    ("qonnx.custom_op.general", "BipolarQuant"): lambda node, x, scale: np.where(x >= 0, scale, -scale),
}


def evaluate(model: onnx.ModelProto, samples: NDArray[np.float32]) -> dict[str, Array]:
    """Every tensor of the graph for raw samples (frames, ...), by name."""
    tensors = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
    tensors["input"] = samples.astype(np.float64)
    for node in model.graph.node:
        inputs = [tensors[name] for name in node.input]
        tensors[node.output[0]] = OPERATORS[node.domain, node.op_type](node, *inputs)
    return tensors
