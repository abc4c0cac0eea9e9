"""Convolutional graphs: the imported network, and the streamlined one, against the graph as executed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import Conv2d
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_checks import check, kinds
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all

GEOMETRIES = {
    "plain": {},
    "wide": {"kernel_shape": [2, 4]},
    "stride": {"strides": [2, 3]},
    "dilation": {"dilations": [2, 1], "kernel_shape": [3, 3]},
    "pads": {"pads": [1, 0, 2, 1]},
    "all": {"pads": [2, 1, 0, 3], "strides": [1, 2], "dilations": [1, 2], "kernel_shape": [3, 2]},
    "same upper": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "same lower": {"auto_pad": "SAME_LOWER", "strides": [1, 2], "kernel_shape": [2, 4]},
    "valid": {"auto_pad": "VALID"},
}


@pytest.mark.parametrize("bits", [1, 3])
@pytest.mark.parametrize("case", GEOMETRIES)
def test_geometry(case: str, bits: int, tmp_path: Path) -> None:
    """A convolution of 4-bit elements, padded with zeros that they have, then a binarized one, then classes."""
    attributes = GEOMETRIES[case]
    graph = Graph(2, 7, 8, seed=len(case))
    x = graph.quant("input", 4)
    kernel = attributes.get("kernel_shape", [3, 3])
    x = graph.add("Conv", x, graph.weights(5, 2, *kernel, bits=bits), **attributes)
    x = graph.sign(graph.norm(x, 5, 30))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 5, 2, 1)), 4))
    check(graph.scores(x), tmp_path / "m.onnx")


@pytest.mark.parametrize("value", [-1.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_padded_binarized(value: float, seed: int, tmp_path: Path) -> None:
    """A Pad node of -1 or +1 before binarized convolutions, norms of both signs between them."""
    graph = Graph(3, 6, 6, seed=seed)
    x = graph.sign(graph.add("Sub", "input", graph.constant(7.5)))
    for channels, outputs in ((3, 6), (6, 4)):
        pads = [0, 0, 1, 0, 0, 0, 1, 2]
        x = graph.add("Pad", x, graph.constant(pads, np.int64), graph.constant(value))
        x = graph.add("Conv", x, graph.weights(outputs, channels, 3, 3), kernel_shape=[3, 3])
        x = graph.sign(graph.norm(x, outputs))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    convs = [layer for layer in network.layers if isinstance(layer, Conv2d)]
    assert [(conv.window.padding, conv.padding_code) for conv in convs] == [((1, 0, 1, 2), int(value > 0))] * 2


@pytest.mark.parametrize("seed", range(3))
def test_zeros_around_bits(seed: int, tmp_path: Path) -> None:
    """Zeros lie between -1 and +1: handled exactly, in two planes, and said."""
    graph = Graph(2, 5, 5, seed=seed)
    x = graph.sign(graph.add("Sub", "input", graph.constant(7.5)))
    x = graph.add("Conv", x, graph.weights(4, 2, 3, 3), pads=[1, 1, 1, 1])
    x = graph.sign(graph.norm(x, 4), scale=0.5)
    x = graph.add("Conv", x, graph.weights(4, 4, 3, 3), pads=[1, 1, 0, 0])
    x = graph.sign(graph.norm(x, 4))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert kinds(network) == ["Affine", "Conv2d", "Affine", "Conv2d", "Dense", "Output"]
    assert [layer.input.bits for layer in network.matrices] == [2, 2, 1]
    warnings = read_model(tmp_path / "m.onnx").warnings
    assert warnings == tuple(
        f"node {position} of 15: Conv '{name}_node': it pads with 0.0, which lies between the two values of its "
        "inputs: they become 2-bit numbers, where 1 would do; a model trained to pad with one of their values avoids it"
        for position, name in ((4, "conv3"), (8, "conv7"))
    )


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("bits", [1, 2])
def test_depthwise(multiplier: int, bits: int, tmp_path: Path) -> None:
    """Depthwise, then pointwise: MobileNet's pair."""
    graph = Graph(4, 6, 6, seed=bits)
    x = graph.add("Conv", graph.quant("input", 2, 5.0), graph.weights(4, 4, 1, 1))
    x = graph.sign(graph.norm(x, 4))
    outputs = 4 * multiplier
    x = graph.add("Conv", x, graph.weights(outputs, 1, 3, 2, bits=bits), group=4, strides=[2, 1])
    x = graph.sign(graph.norm(x, outputs))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(5, outputs, 1, 1)), 5))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert [layer.depthwise for layer in network.layers if isinstance(layer, Conv2d)] == [False, True, False]


def test_convolution_over_the_whole_map_gives_scores(tmp_path: Path) -> None:
    graph = Graph(2, 4, 4, seed=6)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 4), graph.weights(5, 2, 2, 2)), 5, 20))
    x = graph.add("Conv", x, graph.weights(3, 5, 3, 3), graph.constant([0.5, -1, 3]))
    x = graph.add("Flatten", x)
    assert kinds(check(graph.model(x), tmp_path / "m.onnx")) == ["Conv2d", "Dense", "Output"]


def test_weights_of_many_scales(tmp_path: Path) -> None:
    """A scale for each output channel, 3-bit weights, and a bias."""
    graph = Graph(2, 5, 5, seed=8)
    scale = np.array([0.5, 1, 2, 0.25]).reshape(4, 1, 1, 1)
    weights = graph.weights(4, 2, 3, 3, bits=3, scale=scale)
    x = graph.add("Conv", graph.quant("input", 2, 4.0), weights, graph.constant([0.5, -8, 3, 0]))
    x = graph.sign(x)
    check(graph.scores(x), tmp_path / "m.onnx")


def test_brevitas_cnv(tmp_path: Path) -> None:
    """The graph that Brevitas writes of CNV (brevitas_examples.bnn_pynq, 1W1A), with fewer channels."""
    graph = Graph(3, 32, 32, seed=13)
    x = graph.add("Sub", graph.add("Mul", "input", graph.constant(2.0)), graph.constant(1.0))
    x = graph.quant(x, 8, 1 / 128, signed=True)
    channels = 3
    for outputs, pooled in ((4, False), (4, True), (8, False), (8, True), (12, False), (12, False)):
        x = graph.add(
            *("Conv", x, graph.weights(outputs, channels, 3, 3)),
            dilations=[1, 1],
            group=1,
            kernel_shape=[3, 3],
            pads=[0, 0, 0, 0],
            strides=[1, 1],
        )
        x = graph.sign(graph.norm(x, outputs))
        if pooled:
            x = graph.add("MaxPool", x, kernel_shape=[2, 2], pads=[0, 0, 0, 0], strides=[2, 2])
        channels = outputs
    shape = graph.add("Shape", x)
    batch = graph.add("Gather", shape, graph.constant(0, np.int64), axis=0)
    batch = graph.add("Unsqueeze", batch, graph.constant([0], np.int64))
    x = graph.add("Reshape", x, graph.add("Concat", batch, graph.constant([-1], np.int64), axis=0))
    for inputs, outputs in ((12, 16), (16, 16)):
        transposed = graph.add("Transpose", graph.weights(outputs, inputs), perm=[1, 0])
        x = graph.sign(graph.norm(graph.add("MatMul", x, transposed), outputs))
    x = graph.add("MatMul", x, graph.add("Transpose", graph.weights(10, 16), perm=[1, 0]))
    for kind, value in (("Sub", 1.0), ("Div", 4.0), ("Mul", -0.5), ("Add", 3.0)):
        x = graph.add(kind, x, graph.constant(value))
    proto = graph.model(x, 10)
    # Fractions of 0..1, as images of bytes are scaled.
    samples = np.random.default_rng(1).integers(0, 256, (20, 3, 32, 32))
    expected = execute_all(proto, samples.astype(np.float32) / np.float32(255))["scores"]
    imported = read_model(write(proto, tmp_path / "m.onnx"))
    assert len(imported.warnings) == 1 and imported.warnings[0].startswith("the graph maps 0..1 onto -1..1")
    network = streamline(imported.network).network
    assert kinds(network) == [
        *("Conv2d", "Conv2d", "MaxPool", "Conv2d", "Conv2d", "MaxPool", "Conv2d", "Conv2d"),
        *("Dense", "Dense", "Dense", "Output"),
    ]
    assert np.array_equal(evaluate(network, network.input.encode(samples)).classes, expected.argmax(axis=1))
