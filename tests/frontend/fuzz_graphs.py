"""Graphs of the kinds that exporters write, as seeds of mutation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from tests.frontend.conv_models import Graph

BUILDERS: list[Callable[[], onnx.ModelProto]] = []
"""What makes them."""


def _builder(build: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    BUILDERS.append(build)
    return build


def _hidden(graph: Graph, inputs: int, neurons: int = 6) -> str:
    x = graph.add("MatMul", graph.quant("input", 4), graph.weights(inputs, neurons))
    return graph.sign(graph.norm(x, neurons))


@_builder
def decision() -> onnx.ModelProto:
    """One output, a bias, a norm, a sigmoid."""
    graph = Graph(7)
    x = graph.add("MatMul", _hidden(graph, 7), graph.weights(6, 1))
    x = graph.norm(graph.add("Add", x, graph.constant([0.5])), 1)
    return graph.model(graph.add("Sigmoid", x), 1)


@_builder
def order() -> onnx.ModelProto:
    """A softmax, then TopK."""
    graph = Graph(7)
    x = graph.norm(graph.add("MatMul", _hidden(graph, 7), graph.weights(6, 4)), 4)
    x = graph.add("Softmax", x, axis=-1)
    return graph.model(graph.add("TopK", x, graph.constant([1], np.int64), axis=-1, largest=1), 1)


@_builder
def best() -> onnx.ModelProto:
    graph = Graph(7)
    x = graph.add("LogSoftmax", graph.add("MatMul", _hidden(graph, 7), graph.weights(6, 4)), axis=1)
    return graph.model(graph.add("ArgMax", x, axis=1, keepdims=0), 1)


@_builder
def normalised() -> onnx.ModelProto:
    """An image normalised per channel, Hardtanh in front of a sign, a view."""
    graph = Graph(3, 6, 6)
    mean, deviation = (graph.constant(np.reshape(v, (1, 3, 1, 1))) for v in ([96.0, 112.0, 128.0], [64.0, 32.0, 64.0]))
    x = graph.quant(graph.add("Div", graph.add("Sub", "input", mean), deviation), 8, 1 / 64, signed=True)
    x = graph.norm(graph.add("Conv", x, graph.weights(4, 3, 3, 3)), 4)
    x = graph.sign(graph.add("Clip", x, graph.constant(-1.0), graph.constant(1.0)))
    x = graph.add("Reshape", x, graph.constant([1, -1], np.int64), allowzero=1)
    return graph.model(graph.add("MatMul", x, graph.weights(64, 3)))


@_builder
def separable() -> onnx.ModelProto:
    """A scale per channel in front of a depthwise convolution; an average pool and a truncation."""
    graph = Graph(4, 8, 8)
    scale = graph.constant(np.reshape([0.25, 0.5, 1.0, 2.0], (1, 4, 1, 1)))
    x = graph.norm(graph.add("Conv", graph.quant("input", 4), graph.weights(4, 4, 1, 1)), 4)
    mode = {"signed": 0, "narrow": 0, "rounding_mode": "ROUND"}
    x = graph.add("Quant", x, scale, graph.constant(0), graph.constant(2), **mode)
    x = graph.norm(graph.add("Conv", x, graph.weights(4, 1, 3, 3), group=4), 4)
    x = graph.add("AveragePool", graph.quant(x, 4), kernel_shape=[2, 2], strides=[2, 2])
    bits = [graph.constant(v) for v in (1.0, 0.0, 6.0, 4.0)]
    graph.arrays[bits[0]] = np.array(0.25, np.float32)
    return graph.scores(graph.add("Trunc", x, *bits, rounding_mode="FLOOR"))


@_builder
def pairs() -> onnx.ModelProto:
    """QuantizeLinear and DequantizeLinear around everything."""
    graph = Graph(8)

    def pair(x: str, scale: float, zero: np.generic, axis: int = 1) -> str:
        names = graph.constant(scale), graph.constant(zero, zero.dtype)
        return graph.add("DequantizeLinear", graph.add("QuantizeLinear", x, *names, axis=axis), *names, axis=axis)

    weights = graph.constant(graph.random.integers(-4, 5, (8, 6)) / 4)
    x = graph.add("MatMul", pair("input", 1.0, np.uint8(0)), pair(weights, 0.25, np.int8(0)))
    x = pair(graph.add("Clip", graph.norm(x, 6), graph.constant(0.0), graph.constant(3.0)), 1.0, np.uint8(0))
    return graph.model(graph.add("Gemm", x, pair(graph.constant(np.ones((3, 6))), 1.0, np.int8(0)), transB=1))


@_builder
def branches() -> onnx.ModelProto:
    """Two branches, joined over their channels, and a sum of two."""
    graph = Graph(2, 6, 6)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 2), graph.weights(4, 2, 3, 3)), 4))
    left = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(3, 4, 3, 3)), 3))
    right = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(3, 4, 3, 3)), 3))
    joined = graph.add("Concat", left, right, axis=1)
    return graph.scores(graph.quant(graph.norm(graph.add("Conv", joined, graph.weights(4, 6, 1, 1)), 4), 2))


@_builder
def rows() -> onnx.ModelProto:
    """Channels last, thresholds of a row per feature, constants computed in the graph."""
    graph = Graph(3, 4, 2)
    x = graph.add("Transpose", "input", perm=[0, 3, 1, 2])
    steps = graph.constant(np.sort(graph.random.integers(0, 255, (2, 3)), axis=1))
    x = graph.add("MultiThreshold", x, steps, out_dtype="UINT2")
    x = graph.add("Conv", x, graph.weights(4, 2, 2, 2))
    deviation = graph.add("Sqrt", graph.add("Max", graph.constant([4.0]), graph.constant([1.0])))
    x = graph.add("Mul", x, graph.add("Reciprocal", graph.add("Exp", graph.add("Log", deviation))))
    return graph.scores(graph.sign(graph.add("Tanh", x)))


@_builder
def computed() -> onnx.ModelProto:
    """Constants and a shape computed in the graph: scales, bounds, masks, tables."""
    graph = Graph(2, 2, 3)
    shape = graph.add("Shape", "input")
    first = graph.add("Slice", shape, graph.constant([0], np.int64), graph.constant([1], np.int64))
    rest = graph.add("Slice", shape, graph.constant([1], np.int64), graph.constant([9], np.int64))
    each = graph.add("ReduceProd", rest, keepdims=1)
    x = graph.add("Reshape", "input", graph.add("Concat", first, each, axis=0), allowzero=1)
    latent = graph.constant(graph.random.normal(size=(12, 5)))
    alpha = graph.add("ReduceMean", graph.add("Abs", latent), axes=[0], keepdims=1)
    x = graph.add("MatMul", graph.quant(x, 4), graph.add("Mul", graph.add("Sign", latent), alpha))
    table = graph.add("Expand", graph.add("Sqrt", graph.constant([4.0])), graph.constant([5], np.int64))
    tiled = graph.add("Tile", graph.constant([1.0, 2.0]), graph.constant([3], np.int64))
    row = graph.add("Gather", tiled, graph.constant([0, 1, 2, 3, 1], np.int64))
    low = graph.add("Where", graph.add("Greater", row, table), table, row)
    x = graph.add("Add", x, graph.add("Cast", graph.add("Clip", low, graph.constant(0.5)), to=1))
    return graph.model(graph.add("MatMul", graph.quant(x, 3), graph.weights(5, 3)))


@_builder
def channels() -> onnx.ModelProto:
    """Scales by channel in front of a depthwise convolution, and of one that sums."""
    graph = Graph(2, 5, 5)
    x = graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 2, 1, 1)), 4)
    inputs = [graph.constant(np.reshape([0.5, 1.25, 3.0, 0.75], (1, 4, 1, 1))), graph.constant(0), graph.constant(3)]
    x = graph.add("Quant", x, *inputs, signed=1, narrow=0, rounding_mode="ROUND")
    x = graph.norm(graph.add("Conv", x, graph.weights(4, 1, 3, 3, bits=2), group=4, pads=[1, 1, 1, 1]), 4)
    x = graph.add("BipolarQuant", x, graph.constant(np.reshape([0.5, 1.0, 2.0, 1.5], (1, 4, 1, 1))))
    return graph.scores(graph.sign(graph.add("Conv", x, graph.weights(3, 4, 2, 2))))


@_builder
def curves() -> onnx.ModelProto:
    """Clips and curves in chains, one after each layer; a pool that truncates, with a scale for its output."""
    graph = Graph(2, 6, 6)
    x = graph.add("Conv", graph.quant("input", 4), graph.weights(4, 2, 3, 3))
    x = graph.add("Tanh", graph.add("Clip", graph.norm(x, 4), graph.constant(-1.0), graph.constant(1.0)))
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = graph.add("Conv", graph.quant(x, 3, 0.25, signed=True), graph.weights(5, 4, 1, 1, bits=3))
    x = graph.add("Selu", graph.add("Max", graph.norm(x, 5), graph.constant(np.full((5, 1, 1), -1.5))))
    x = graph.add("GlobalAveragePool", graph.quant(graph.add("Softsign", graph.add("Elu", x, alpha=0.5)), 4, 0.125))
    numbers = [graph.constant(v) for v in (0.125, 0.0, 6.0, 0.25, 4.0)]
    x = graph.add("Trunc", graph.add("Mul", x, graph.constant(4.0)), *numbers, signed=0, rounding_mode="ROUND")
    return graph.scores(x)


@_builder
def functions() -> onnx.ModelProto:
    """Functions of part of the numbers, jumps and whole numbers, of turned samples and of products."""
    graph = Graph(4, 4, 2)
    x = graph.add("Transpose", "input", perm=[0, 3, 1, 2])
    x = graph.add("Log", graph.add("Add", graph.add("Relu", x), graph.constant(1.0)))
    x = graph.add("Clip", graph.add("Round", x), graph.constant(0.0), graph.constant(7.0))
    near = graph.norm(graph.add("Conv", x, graph.weights(3, 2, 3, 3), pads=[1, 1, 1, 1]), 3)
    near = graph.quant(graph.add("Shrink", graph.add("Asinh", near), lambd=0.5, bias=0.25), 3)
    x = graph.norm(graph.add("Conv", graph.add("Concat", near, x, axis=1), graph.weights(4, 5, 2, 2)), 4)
    x = graph.add("Pow", graph.add("Sqrt", graph.add("Relu", x)), graph.constant(3.0))
    return graph.scores(graph.quant(graph.add("Neg", graph.add("ThresholdedRelu", x, alpha=0.5)), 2, signed=True))
