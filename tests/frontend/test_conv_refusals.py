"""Convolutional graphs that are not read: one line each, that names the node and its position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.refusals import Cases, refuse

case: Cases[Callable[[Graph, str], str]] = Cases()
"""What is added to a graph of 2-bit elements (4, 6, 6)."""


@case(
    "node 3 of 7: Conv 'conv2_node': its group must be 1, or for a depthwise convolution the 4 input channels, not 2"
    ": train with groups=1, or one group per channel"
)
def grouped(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 2, 3, 3), group=2)


@case("node 3 of 7: Conv 'conv2_node': its weights must be for 4 channels in 1 groups, not of shape (4, 3, 3, 3)")
def channels(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 3, 3, 3))


@case("node 3 of 7: Conv 'conv2_node': its weights must have 4 dimensions and no size of 0, not shape (4, 4, 3)")
def signal_weights(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 3))


@case("node 3 of 7: Conv 'conv2_node': its kernel_shape must be that of its weights, (3, 3), not (3, 2)")
def kernel(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 3, 3), kernel_shape=[3, 2])


@case("node 3 of 7: Conv 'conv2_node': its strides must be 2 numbers of at least 1 and below 1048576, not (0, 1)")
def strides(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 3, 3), strides=[0, 1])


@case("node 3 of 7: Conv 'conv2_node': its pads must be 4 numbers of at least 0 and below 1048576, not (1, 1)")
def pads(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 3, 3), pads=[1, 1])


@case("node 3 of 7: Conv 'conv2_node': its pads must be left out with auto_pad SAME_UPPER")
def both_pads(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 3, 3), pads=[1, 1, 1, 1], auto_pad="SAME_UPPER")


@case(
    "node 3 of 7: Conv 'conv2_node': window: kernel 7 x 1 with dilation 1 x 1 must fit the padded map of 6 x 6",
)
def too_large(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 7, 1))


@case(
    "node 3 of 7: Conv 'conv2_node': its weights have a scale for each input, and these have no small common divisor: "
    "quantize weights with one scale, or one per output channel"
)
def input_scales(graph: Graph, x: str) -> str:
    return graph.add("Conv", x, graph.weights(4, 4, 3, 3, scale=np.array([1, 1.1, 1, 1]).reshape(1, 4, 1, 1)))


@case(
    "node 4 of 8: Conv 'conv3_node': it pads with 10000.5, which its uint2 inputs can't be: pad with one "
    "of their values "
    "(a Pad node before it), and train so"
)
def padding(graph: Graph, x: str) -> str:
    x = graph.add("Pad", x, graph.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), graph.constant(10000.5))
    return graph.add("Conv", x, graph.weights(4, 4, 3, 3))


@case("node 2 of 6: Pad 'pad1_node': its pads must be 0 for batch and channels: pad height and width only")
def padded_channels(graph: Graph, x: str) -> str:
    return graph.add("Pad", x, graph.constant([0, 1, 0, 0, 0, 0, 0, 0], np.int64))


@case("node 2 of 6: Pad 'pad1_node': its mode must be constant, not 'reflect'")
def reflected(graph: Graph, x: str) -> str:
    return graph.add("Pad", x, graph.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="reflect")


@case(
    "node 3 of 7: MaxPool 'maxpool2_node': its input must be quantized elements or a matrix product or integers, not "
    "padded elements"
)
def pool_of_padding(graph: Graph, x: str) -> str:
    x = graph.add("Pad", x, graph.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    return graph.add("MaxPool", x, kernel_shape=[2, 2])


@case("node 2 of 6: MaxPool 'maxpool1_node': its ceil_mode must be 0 or 1, not 2")
def ceil_mode(graph: Graph, x: str) -> str:
    return graph.add("MaxPool", x, kernel_shape=[2, 2], ceil_mode=2)


@case("node 2 of 6: MaxPool 'maxpool1_node': its kernel_shape must be 2 sizes, not (2,)")
def pool_kernel(graph: Graph, x: str) -> str:
    return graph.add("MaxPool", x, kernel_shape=[2])


@case(
    "node 2 of 6: AveragePool 'averagepool1_node': its count_include_pad must be 1 where it pads"
    ": train with count_include_pad=True or without padding"
)
def uncounted(graph: Graph, x: str) -> str:
    return graph.add("AveragePool", x, kernel_shape=[2, 2], pads=[1, 0, 0, 0])


@case(
    "node 4 of 8: GlobalAveragePool 'globalaveragepool3_node': its input must not be an average of a "
    "Relu: quantize the "
    "Relu's output"
)
def average_of_relu(graph: Graph, x: str) -> str:
    return graph.add("GlobalAveragePool", graph.add("Relu", graph.norm(x, 4)))


@case(
    "node 4 of 8: GlobalAveragePool 'globalaveragepool3_node': its input must not be an average of a "
    "PRelu: quantize the "
    "PRelu's output"
)
def average_of_prelu(graph: Graph, x: str) -> str:
    slopes = graph.constant(np.full((4, 1, 1), 0.5))
    return graph.add("GlobalAveragePool", graph.add("PRelu", graph.norm(x, 4), slopes))


@case("node 3 of 7: PRelu 'prelu2_node': its slope must be a single value or one per channel (4), not (6,)")
def slopes_of_columns(graph: Graph, x: str) -> str:
    return graph.add("PRelu", graph.norm(x, 4), graph.constant(np.linspace(0, 1, 6)))


@case("node 2 of 6: ReduceMean 'reducemean1_node': its axes must be those of the positions, [2, 3], not [1]")
def mean_of_channels(graph: Graph, x: str) -> str:
    return graph.add("ReduceMean", x, axes=[1], keepdims=1)


@case(
    "node 4 of 8: Conv 'conv3_node': it sums over channels of its first input whose scales, 1.0 to 1.000100016593933, "
    "are no small multiples of one: quantize activations with one scale for all channels, or with powers of two"
)
def factors(graph: Graph, x: str) -> str:
    x = graph.add("Mul", x, graph.constant(np.array([1, 1.0001, 1, 1]).reshape(4, 1, 1)))
    return graph.add("Conv", x, graph.weights(4, 4, 1, 1))


@case("node 5 of 9: Conv 'conv4_node': its first input must have at most 8 bits, not the 10 of int10: quantize it")
def wide(graph: Graph, x: str) -> str:
    x = graph.add("Conv", x, graph.weights(4, 4, 6, 6))
    return graph.add("Conv", x, graph.weights(4, 4, 1, 1))


@case(
    "node 5 of 9: Add 'add4_node': its inputs must be integers times exact factors: quantize (Quant) "
    "what a batch norm or "
    "a Relu gives before it is added"
)
def branch_of_a_norm(graph: Graph, x: str) -> str:
    body = graph.add("Conv", x, graph.weights(4, 4, 1, 1))
    ones = [graph.constant(np.ones(4)) for _ in range(4)]
    return graph.add("Add", graph.add("BatchNormalization", body, *ones), x)


@case(
    "node 2 of 6: Add 'add1_node': its inputs must be two branches, not twice the same tensor: multiply it by 2 instead"
)
def doubled(graph: Graph, x: str) -> str:
    return graph.add("Add", x, x)


@case(
    "node 4 of 8: Add 'add3_node': its inputs must be two maps of one shape, not (4, 5, 5) and (4, 6, 6)"
    ": give both branches the same strides and channels"
)
def shapes(graph: Graph, x: str) -> str:
    return graph.add("Add", graph.add("Conv", x, graph.weights(4, 4, 2, 2)), x)


@case(
    "node 4 of 8: Add 'add3_node': its inputs must come from one quantizer of the graph's input"
    ": quantize the input once, and branch behind that"
)
def inputs(graph: Graph, x: str) -> str:
    return graph.add("Add", graph.add("MaxPool", graph.sign("input"), kernel_shape=[1, 1]), x)


@case(
    "node 8 of 12: Conv 'conv7_node': its first input must have channels, height and width in this order"
    ": transpose samples only, before the first layer"
)
def transposed(graph: Graph, x: str) -> str:
    x = graph.sign(graph.add("Conv", x, graph.weights(4, 4, 1, 1)))
    x = graph.add("Reshape", x, graph.constant([0, 6, 4, 6], np.int64))
    x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
    return graph.add("Conv", x, graph.weights(4, 4, 1, 1))


@case(
    "node 7 of 11: Conv 'conv6_node': its first input must be the map of 4 x 6 x 6 that comes in, not of "
    "shape (36, 2, 2)"
    ": flatten behind the last convolution or pool only"
)
def reshaped(graph: Graph, x: str) -> str:
    x = graph.sign(graph.add("Conv", x, graph.weights(4, 4, 1, 1)))
    x = graph.add("Reshape", x, graph.constant([0, 36, 2, 2], np.int64))
    return graph.add("Conv", x, graph.weights(4, 36, 1, 1))


@case("node 4 of 8: Mul 'mul3_node': its other input must be a single value or one per channel (4), not (6,)")
def by_column(graph: Graph, x: str) -> str:
    x = graph.add("Conv", x, graph.weights(4, 4, 1, 1))
    return graph.add("Mul", x, graph.constant([1, 2, 3, 4, 5, 6]))


@pytest.mark.parametrize("name", case)
def test_unsupported(tmp_path: Path, name: str) -> None:
    message, build = case[name]
    graph = Graph(4, 6, 6)
    x = build(graph, graph.quant("input", 2))
    flat = graph.add("Flatten", x, axis=1)
    proto = graph.model(graph.add("MatMul", flat, graph.weights(4, 3)), 3)
    refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, message)


def test_scores_of_a_convolution(tmp_path: Path) -> None:
    graph = Graph(4, 3, 3)
    x = graph.add("Flatten", graph.add("Conv", graph.quant("input", 2), graph.weights(4, 4, 2, 2)), axis=1)
    path = write(graph.model(x, 16), tmp_path / "m.onnx")
    message = (
        "graph output 'scores': must be one score per class, not a map of 4 x 2 x 2: end the graph in a pool of all "
        "positions, or a matrix product"
    )
    refuse(path, UnsupportedError, message)
