"""Attributes that a node leaves out: each means what its operator's definition says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import BnnhwError
from bnnhw.frontend import read_model
from tests.frontend.conv_models import Graph
from tests.frontend.models import write

Build = Callable[[Graph, dict[str, Any]], str]


def ints(graph: Graph, *numbers: int) -> str:
    return graph.constant(np.array(numbers), np.int64)


def small(graph: Graph) -> str:
    return graph.quant("input", 2)


def dense(graph: Graph, x: str, size: int | None = None) -> str:
    return graph.add("MatMul", graph.add("Flatten", x, axis=1), graph.weights(size or graph.size(x), 3))


def hidden(graph: Graph) -> str:
    """Sums of both signs, one per channel of a map."""
    return graph.add("Conv", graph.quant("input", 2), graph.weights(2, 2, 1, 1))


def trunc(graph: Graph, attributes: dict[str, Any]) -> str:
    numbers = [graph.constant(value) for value in (1.0, 0.0, 4, 2.0, 3)]
    return graph.add("Trunc", hidden(graph), *numbers, **attributes)


def rows(graph: Graph, attributes: dict[str, Any]) -> str:
    """Scores as rows of one number each: the axis of classes is the second, the last is not."""
    scores = graph.add("Reshape", dense(graph, small(graph)), ints(graph, 0, 3, 1))
    return graph.add("Softmax", scores, **attributes)


def joined(graph: Graph, attributes: dict[str, Any]) -> str:
    x = small(graph)
    parts = [graph.quant(graph.add("Conv", x, graph.weights(2, 2, 1, 1)), 2) for _ in range(2)]
    return graph.add("Concat", *parts, **attributes)


def top(graph: Graph, kind: str, attributes: dict[str, Any], *inputs: str) -> str:
    return graph.add(kind, dense(graph, small(graph)), *inputs, **attributes)


def bend(kind: str) -> Build:
    return lambda g, a: dense(g, g.quant(g.add(kind, hidden(g), **a), 3, 0.5, signed=True))


def single(value: float) -> float:
    return float(np.float32(value))


CASES: dict[str, tuple[Build, dict[str, Any], dict[str, Any]]] = {
    "Quant": (
        lambda g, a: dense(g, g.add("Quant", "input", g.constant(0.5), g.constant(0), g.constant(3), **a)),
        {"signed": 1, "narrow": 1, "rounding_mode": "ROUND"},
        {"signed": 0, "narrow": 0, "rounding_mode": "FLOOR"},
    ),
    "Trunc": (
        lambda g, a: dense(g, trunc(g, a)),
        {"signed": 1, "narrow": 0, "rounding_mode": "FLOOR"},
        {"signed": 0, "narrow": 1, "rounding_mode": "CEIL"},
    ),
    "MultiThreshold": (
        lambda g, a: dense(g, g.add("MultiThreshold", hidden(g), g.constant([[-1.0, 2.0, 3.0]]), **a)),
        {"out_scale": 1.0, "out_bias": 0.0},
        {"out_scale": 2.0, "out_bias": -1.0},
    ),
    "QuantAvgPool2d": (
        lambda g, a: dense(g, g.add("QuantAvgPool2d", small(g), **a), 32),
        {"kernel": 1, "stride": 1, "ibits": 1, "obits": 1, "data_layout": "NCHW"},
        {"kernel": 2, "stride": 2, "ibits": 3, "obits": 0, "data_layout": "NHWC"},
    ),
    "Conv": (
        lambda g, a: dense(g, g.add("Conv", small(g), g.weights(2, 2, 2, 2), **a)),
        {
            "group": 1, "strides": [1, 1], "dilations": [1, 1], "pads": [0, 0, 0, 0], "auto_pad": "NOTSET",
            "kernel_shape": [2, 2],
        },
        {
            "group": 2, "strides": [2, 1], "dilations": [1, 2], "pads": [0, 1, 0, 0], "auto_pad": "SAME_UPPER",
            "kernel_shape": [2, 3],
        },
    ),
    "MaxPool": (
        lambda g, a: dense(g, g.add("MaxPool", small(g), kernel_shape=[2, 2], **a)),
        {"strides": [1, 1], "dilations": [1, 1], "pads": [0, 0, 0, 0], "auto_pad": "NOTSET", "storage_order": 0},
        {"strides": [2, 1], "dilations": [1, 2], "pads": [0, 1, 0, 0], "auto_pad": "SAME_UPPER", "storage_order": 1},
    ),
    "MaxPool that rounds down": (
        lambda g, a: dense(g, g.add("MaxPool", small(g), kernel_shape=[3, 3], strides=[2, 2], **a)),
        {"ceil_mode": 0},
        {"ceil_mode": 1},
    ),
    "AveragePool": (
        lambda g, a: dense(g, g.add("AveragePool", small(g), kernel_shape=[2, 2], **a)),
        {"strides": [1, 1], "pads": [0, 0, 0, 0], "ceil_mode": 0},
        {"strides": [2, 1], "pads": [0, 1, 0, 0], "ceil_mode": 1},
    ),
    "AveragePool that pads": (
        lambda g, a: dense(g, g.add("AveragePool", small(g), kernel_shape=[2, 2], pads=[1, 1, 1, 1], **a)),
        {"count_include_pad": 0},
        {"count_include_pad": 1},
    ),
    "ReduceMean": (
        lambda g, a: g.add("Squeeze", g.add("ReduceMean", hidden(g), axes=[2, 3], **a), ints(g, 2, 3)),
        {"keepdims": 1},
        {"keepdims": 0},
    ),
    "Gemm": (
        lambda g, a: g.add("Gemm", g.add("Flatten", small(g)), g.weights(32, 3), g.constant([1.0, 2.0, 5.0]), **a),
        {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
        {"alpha": 2.0, "beta": 0.5, "transA": 1, "transB": 1},
    ),
    "Transpose": (
        lambda g, a: g.add("MatMul", g.add("Flatten", small(g)), g.add("Transpose", g.weights(3, 32), **a)),
        {"perm": [1, 0]},
        {"perm": [0, 1]},
    ),
    "Flatten": (
        lambda g, a: g.add("MatMul", g.add("Flatten", small(g), **a), g.weights(32, 3)), {"axis": 1}, {"axis": 2}
    ),
    "Reshape": (
        lambda g, a: g.add("MatMul", g.add("Reshape", small(g), ints(g, 0, 32), **a), g.weights(32, 3)),
        {"allowzero": 0},
        {"allowzero": 1},
    ),
    "Concat": (
        lambda g, a: dense(g, joined(g, a), 64), {"axis": 1}, {"axis": 2}
    ),
    "QuantizeLinear": (
        lambda g, a: dense(
            g, g.add("QuantizeLinear", hidden(g), g.constant([1.0, 2.0]), g.constant([0, 0], np.int8), **a), 32
        ),
        {"axis": 1},
        {"axis": 0},
    ),
    "DequantizeLinear of weights": (
        lambda g, a: g.add("MatMul", g.add("Flatten", small(g)), g.add(
            "DequantizeLinear", g.constant(g.random.integers(-3, 4, (32, 3)), np.int8), g.constant([1.0, 2.0, 0.5]), **a
        )),
        {"axis": 1},
        {"axis": 0},
    ),
    "BatchNormalization": (
        lambda g, a: g.add("BatchNormalization", dense(g, small(g)), *(g.constant([0.5, 1, 2]) for _ in range(4)), **a),
        {"epsilon": single(1e-5), "training_mode": 0},
        {"epsilon": single(1e-4), "training_mode": 1},
    ),
    "Softmax": (rows, {"axis": -1}, {"axis": 1}),
    "ArgMax": (lambda g, a: top(g, "ArgMax", a), {"axis": 0}, {"axis": 1}),
    "ArgMax of classes": (
        lambda g, a: top(g, "ArgMax", {"axis": 1, **a}),
        {"keepdims": 1, "select_last_index": 0},
        {"select_last_index": 1},
    ),
    "TopK": (
        lambda g, a: top(g, "TopK", a, ints(g, 2)),
        {"axis": -1, "largest": 1, "sorted": 1},
        {"axis": 0, "largest": 0, "sorted": 0},
    ),
    "Pad": (
        lambda g, a: dense(g, g.add(
            "Conv", g.add("Pad", small(g), pads=[0, 0, 1, 1, 0, 0, 1, 1], **a), g.weights(2, 2, 3, 3)
        ), 32),
        {"mode": "constant", "value": 0.0},
        {"mode": "edge", "value": 1.0},
    ),
    "Shape": (
        lambda g, a: g.add("MatMul", g.add("Reshape", small(g), g.add(
            "Concat", g.add("Gather", g.add("Shape", "input", **a), ints(g, 0)), ints(g, -1), axis=0
        )), g.weights(32, 3)),
        {"start": 0, "end": 4},
        {"start": 1, "end": 0},
    ),
    "Dropout": (lambda g, a: dense(g, g.add("Dropout", small(g), **a)), {"seed": 0}, {}),
    "LeakyRelu": (bend("LeakyRelu"), {"alpha": single(0.01)}, {"alpha": 0.25}),
    "Elu": (bend("Elu"), {"alpha": 1.0}, {"alpha": 2.0}),
    "Celu": (bend("Celu"), {"alpha": 1.0}, {"alpha": 2.0}),
    "Selu": (
        bend("Selu"),
        {"alpha": single(1.67326319217681884765625), "gamma": single(1.05070102214813232421875)},
        {"alpha": 1.5, "gamma": 1.0},
    ),
    "HardSigmoid": (bend("HardSigmoid"), {"alpha": single(0.2), "beta": 0.5}, {"alpha": 0.25, "beta": 0.25}),
    "ThresholdedRelu": (bend("ThresholdedRelu"), {"alpha": 1.0}, {"alpha": 0.5}),
    "Shrink": (bend("Shrink"), {"lambd": 0.5, "bias": 0.0}, {"lambd": 1.0, "bias": 0.5}),
}  # fmt: skip


def result(build: Build, attributes: dict[str, Any], path: Path) -> object:
    """The network, or what it is refused by."""
    graph = Graph(2, 4, 4, seed=5)
    end = build(graph, attributes)
    try:
        network = read_model(write(graph.model(end), path)).network
    except BnnhwError as error:
        return str(error)
    return network.input, network.layers


@pytest.mark.parametrize("name", CASES)
def test_left_out(tmp_path: Path, name: str) -> None:
    """The same as stated, one by one and all of them; and another value is another network, or refused."""
    build, defaults, others = CASES[name]
    stated = result(build, defaults, tmp_path / "m.onnx")
    refused = {"ArgMax": "compares frames", "AveragePool that pads": "must be 1 where it pads", "Softmax": "compares 1"}
    assert refused[name] in str(stated) if name in refused else not isinstance(stated, str), stated
    for left_out in [{key} for key in defaults] + [set(defaults)]:
        attributes = {key: value for key, value in defaults.items() if key not in left_out}
        assert result(build, attributes, tmp_path / "m.onnx") == stated, left_out
    for key, value in others.items():
        assert result(build, {**defaults, key: value}, tmp_path / "m.onnx") != stated, key
