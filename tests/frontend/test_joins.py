"""Joined branches: DenseNets and Inceptions in small, against the graph as executed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import Concat, Network, walk
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_checks import check, kinds
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all
from tests.frontend.refusals import refuse


def _joins(network: Network) -> list[Concat]:
    return [layer for layer in walk(network.chain) if isinstance(layer, Concat)]


def _branch(graph: Graph, x: str, inputs: int, neurons: int, size: int, bits: int = 2, scale: float = 1.0) -> str:
    pads = [size // 2] * 2 + [(size - 1) // 2] * 2
    weights = graph.weights(neurons, inputs, size, size, bits=bits)
    return graph.quant(graph.norm(graph.add("Conv", x, weights, pads=pads), neurons), 2, scale)


def test_inception(tmp_path: Path) -> None:
    """Four branches of other kernels and widths, a pool among them, one the input itself."""
    graph = Graph(2, 5, 6, seed=1)
    x = graph.quant("input", 2)
    pool = graph.add("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    ends = [_branch(graph, x, 2, 4, 1), _branch(graph, x, 2, 6, 3), pool, x]
    x = graph.sign(graph.norm(graph.add("Conv", graph.add("Concat", *ends, axis=1), graph.weights(5, 14, 2, 2)), 5))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert [join.shape_out for join in _joins(network)] == [(10, 5, 6), (12, 5, 6), (14, 5, 6)]
    assert kinds(network)[-3:] == ["Conv2d", "Dense", "Output"]


def test_densenet(tmp_path: Path) -> None:
    """Every layer takes all that came before it; elements of several scales become integers of one."""
    graph = Graph(2, 5, 5, seed=2)
    x = graph.quant("input", 2)
    channels = 2
    for _ in range(3):
        x = graph.add("Concat", x, _branch(graph, x, channels, 3, 3, bits=1, scale=0.5), axis=-3)
        channels += 3
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    check(graph.scores(x), tmp_path / "m.onnx")


@pytest.mark.parametrize("bits", [1, 2])
def test_features(tmp_path: Path, bits: int) -> None:
    """Lists of features, of two layers, at the end of the network."""
    graph = Graph(9, seed=3)
    x = graph.quant("input", 3)

    def features(neurons: int) -> str:
        y = graph.norm(graph.add("MatMul", x, graph.weights(9, neurons)), neurons)
        return graph.sign(y) if bits == 1 else graph.quant(y, bits)

    joined = graph.add("Concat", features(6), features(4), axis=1)
    network = check(
        graph.model(graph.norm(graph.add("MatMul", joined, graph.weights(10, 4)), 4), 4), tmp_path / "m.onnx"
    )
    assert kinds(network) == ["Dense", "Dense", "Concat", "Dense", "Output"]


def test_quantized_behind_the_join(tmp_path: Path) -> None:
    """A norm, a Relu and a quantizer of all channels: each branch has those of its own."""
    graph = Graph(2, 5, 5, seed=4)
    x = graph.quant("input", 2)
    ends = [graph.add("Conv", x, graph.weights(n, 2, 3, 3, bits=2)) for n in (3, 5)]
    x = graph.quant(graph.add("Relu", graph.norm(graph.add("Concat", *ends, axis=1), 8)), 2)
    network = check(graph.scores(graph.sign(graph.add("Conv", x, graph.weights(4, 8, 2, 2)))), tmp_path / "m.onnx")
    assert kinds(network) == ["Conv2d", "Conv2d", "Concat", "Conv2d", "Dense", "Output"]
    assert str(_joins(network)[0].output) == "uint2"


def test_same_steps_before_the_join(tmp_path: Path) -> None:
    graph = Graph(2, 4, 4, seed=5)
    x = graph.quant("input", 2)
    ends = [graph.add("Relu", graph.norm(graph.add("Conv", x, graph.weights(n, 2, 2, 2, bits=2)), n)) for n in (3, 4)]
    x = graph.quant(graph.add("Concat", *ends, axis=1), 2)
    check(graph.scores(graph.sign(graph.add("Conv", x, graph.weights(4, 7, 2, 2)))), tmp_path / "m.onnx")


def test_flattened_maps(tmp_path: Path) -> None:
    """Maps of other sizes, flattened, and a vector: one list; the scale of each channel goes with its elements."""
    graph = Graph(2, 6, 6, seed=6)
    x = graph.quant("input", 2)
    a = graph.add("Flatten", graph.norm(graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[3, 3]), 2))
    b = graph.add("Flatten", graph.quant(graph.add("Conv", x, graph.weights(3, 2, 4, 4, bits=2)), 2))
    c = graph.quant(graph.add("MatMul", graph.add("Flatten", x), graph.weights(72, 5)), 2)
    joined = graph.add("Concat", a, b, c, axis=1)
    network = check(
        graph.model(graph.norm(graph.add("MatMul", joined, graph.weights(40, 3)), 3), 3), tmp_path / "m.onnx"
    )
    # What is a list already needs no flattening.
    assert [join.flat for join in _joins(network)] == [True, False]


def test_signals(tmp_path: Path) -> None:
    graph = Graph(2, 9, seed=7)
    x = graph.quant("input", 3)
    ends = [
        graph.quant(graph.norm(graph.add("Conv", x, graph.weights(3, 2, k), pads=[k // 2, k // 2]), 3), 2)
        for k in (1, 3)
    ]
    x = graph.add("Concat", *ends, axis=1)
    check(graph.scores(graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 6, 3)), 4))), tmp_path / "m.onnx")


def test_other_types(tmp_path: Path) -> None:
    """Bits beside numbers: the join holds both."""
    graph = Graph(2, 4, 4, seed=8)
    x = graph.quant("input", 2)
    ends = [graph.sign(graph.norm(graph.add("Conv", x, graph.weights(3, 2, 1, 1)), 3)), x]
    x = graph.add("Concat", *ends, axis=1)
    network = check(graph.scores(graph.sign(graph.add("Conv", x, graph.weights(4, 5, 2, 2)))), tmp_path / "m.onnx")
    assert str(_joins(network)[0].output) == "int3"


def test_concat_case(shared: Path) -> None:
    path = shared / "cases" / "concat1.onnx"

    proto = onnx.load(path)
    x = np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
    network = streamline(read_model(path).network).network
    (end,) = proto.graph.output
    expected = execute_all(proto, x)[end.name]
    assert np.array_equal(evaluate(network, network.input.encode(x)).classes, expected.argmax(axis=1))


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"

    def refused(build: object, message: str) -> None:
        graph = Graph(2, 4, 4, seed=1)
        end = build(graph, graph.quant("input", 2))  # type: ignore[operator]
        proto = graph.model(end)
        refuse(write(proto, path), UnsupportedError, message)

    refused(
        lambda graph, x: graph.add("Concat", x, x, axis=2),
        "node 2 of 3: Concat 'concat1_node': its axis must be 1, that of channels or features, not 2: join over "
        "channels",
    )
    refused(
        lambda graph, x: graph.add("Concat", x, graph.add("MaxPool", x, kernel_shape=[2, 2]), axis=1),
        "node 3 of 4: Concat 'concat2_node': its inputs must be maps of one size, channels first, or lists, not "
        "(2, 4, 4) and (2, 3, 3): give the branches the same strides, or flatten each before it is joined",
    )
    refused(
        lambda graph, x: graph.add("Concat", x, graph.sign("input"), axis=1),
        "node 3 of 4: Concat 'concat2_node': its inputs must come from one quantizer of the graph's input: quantize "
        "the input once, and branch behind that",
    )
    refused(
        lambda graph, x: graph.add("Concat", x, graph.add("Relu", graph.norm(x, 2)), axis=1),
        "node 4 of 5: Concat 'concat3_node': its inputs must be quantized, or have the same steps (batch norm, Relu) "
        "before it: quantize (Quant) each branch before it is joined",
    )
