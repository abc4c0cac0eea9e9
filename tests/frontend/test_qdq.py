"""Networks quantized by ONNX's own nodes: scores and classes equal onnxruntime's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import DataType, Network
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.models import write
from tests.frontend.qdq_models import Qdq, executed
from tests.frontend.refusals import refuse

pytest.importorskip("onnxruntime")


def check(proto: onnx.ModelProto, path: Path, number: int = 200, reach: int = 6) -> Network:
    """The streamlined network, whose classes are the graph's, as its scores are before; samples are 32nds."""
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(7).integers(-32 * reach, 32 * reach, (number, *shape)) / 32
    expected = executed(proto, x)
    assert len(np.unique(expected)) > 3
    imported = read_model(write(proto, path))
    codes = imported.network.input.encode(x.reshape(number, -1) if len(shape) == 2 else x)
    assert np.array_equal(evaluate_trained(imported.network, codes).scores, expected)
    result = streamline(imported.network)
    assert result.warnings == ()
    assert np.array_equal(evaluate(result.network, codes).classes, expected.argmax(axis=1))
    return result.network


KINDS = [
    ("uint8", 0, None),
    ("uint8", 128, None),
    ("uint8", 3, (3, 18)),
    ("int8", 0, None),
    ("int8", -7, (-8, 7)),
    ("int8", 0, (-7, 7)),
    ("int8", 0, (-2, 1)),
    ("uint8", 0, (0, 3)),
    ("int4", 1, None),
    ("uint4", 5, None),
]


# 4-bit types came with opset 21.
@pytest.mark.parametrize(
    "kind, zero, clip, opset",
    [(*kind, opset) for kind in KINDS for opset in (13, 19, 21) if "4" not in kind[0] or opset == 21],
)
def test_dense(tmp_path: Path, kind: str, zero: int, clip: tuple[int, int] | None, opset: int) -> None:
    """A matrix with an int32 bias, Relu and not, of every type and zero point; samples lie half way between levels."""
    graph = Qdq(9, seed=zero + opset, opset=opset)
    x = graph.quantized("input", 0.0625 if clip is None else 0.5, zero, kind, clip)
    bias = graph.add(
        "DequantizeLinear",
        graph.constant(graph.random.integers(-(1 << 10), 1 << 10, 6), "int32"),
        graph.constant(1 / 256),
        graph.constant(0, "int32"),
    )
    x = graph.add("Gemm", x, graph.weights((6, 9), 0.25, "int8", axis=0), bias, transB=1)
    x = graph.quantized(graph.add("Relu", x), 0.125 if clip is None else 2.0, zero, kind, clip)
    network = check(graph.model(graph.add("MatMul", x, graph.weights((6, 4), 0.5)), 4), tmp_path / "m.onnx")
    low, high = clip or {"uint8": (0, 255), "int8": (-128, 127), "int4": (-8, 7), "uint4": (0, 15)}[kind]
    # A clip costs no unit: it is part of the quantizer before it.
    assert [layer.kind for layer in network.chain] == ["dense", "dense"]
    assert all(layer.input.minimum <= low and layer.input.maximum >= high for layer in network.matrices)
    assert all(layer.input.levels <= 2 * (high + 1 - min(low, 0)) for layer in network.matrices)


@pytest.mark.parametrize("seed", range(6))
def test_convolutions(tmp_path: Path, seed: int) -> None:
    """Weights and activations by tensor and by channel, with zero points of each channel's own, depthwise ones too."""
    graph = Qdq(3, 6, 6, seed=seed, opset=(13, 17, 19)[seed % 3])
    x = graph.quantized("input", 0.25, 4, "uint8", (0, 31))
    scale = graph.random.choice([0.25, 0.5, 1.0], 8)
    weights = graph.weights((8, 3, 3, 3), scale, zero=[0] * 8 if seed % 2 else graph.random.integers(-3, 4, 8), axis=0)
    x = graph.add("Relu", graph.add("Conv", x, weights, pads=[1, 1, 1, 1]))
    scales = graph.random.choice([1.0, 2.0, 4.0], 8)
    x = graph.quantized(x, scales, 2 * graph.random.integers(0, 3, 8), "uint8", axis=1 if seed % 2 else -3)
    x = graph.add("Conv", x, graph.weights((8, 1, 3, 3), scale, axis=0, zero=[0] * 8), group=8)
    x = graph.quantized(x, 16.0, 0, "int8", (-7, 7))
    x = graph.add("Flatten", graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]))
    network = check(graph.model(graph.add("MatMul", x, graph.weights((32, 5), 1.0)), 5), tmp_path / "m.onnx", 60)
    assert "conv" in [layer.kind for layer in network.chain]


def test_channels_that_are_summed_over(tmp_path: Path) -> None:
    """Scales of powers of two, and zero points even and odd, channel by channel."""
    graph = Qdq(6, seed=2)
    x = graph.add("MatMul", graph.quantized("input", 0.5, 0, "int8", (-7, 7)), graph.weights((6, 5), 0.5))
    x = graph.quantized(x, [1.0, 2.0, 1.0, 0.5, 4.0], [0, 1, 2, 3, -4], "int4", axis=-1)
    check(graph.model(graph.add("MatMul", x, graph.weights((5, 4), 1.0)), 4), tmp_path / "m.onnx")


@pytest.mark.parametrize("opset", [13, 21])
def test_weights_quantized_in_the_graph(tmp_path: Path, opset: int) -> None:
    """As Brevitas' QCDQ export has them: floats, QuantizeLinear, Clip, DequantizeLinear, by channel."""
    graph = Qdq(8, seed=opset, opset=opset)
    x = graph.quantized("input", 0.5, 0, "int8", (-7, 7))
    latent = graph.constant(graph.random.normal(size=(5, 8)) * 2)
    scales = graph.random.choice([0.25, 0.5], 5)
    w = graph.quantized(latent, scales, [0] * 5, "int8", (-2, 1), axis=0)
    x = graph.add("MatMul", x, graph.add("Transpose", w, perm=[1, 0]))
    network = check(graph.model(x, 5), tmp_path / "m.onnx")
    assert network.matrices[0].weights[-1].coefficient == 2


def test_half_way_with_an_odd_zero_point(tmp_path: Path) -> None:
    """QuantizeLinear rounds before the zero point is added: 0.5 is 0, with QONNX's order it would be 2 - 1."""
    graph = Qdq(1)
    x = graph.quantized("input", 1.0, 1, "uint8")
    proto = graph.model(graph.add("MatMul", x, graph.constant([[1.0, -1.0]])), 2)
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    x = np.array([[-0.5], [0.5], [1.5], [2.5], [254.5], [-1.5]])
    scores = evaluate_trained(network, network.input.encode(x)).scores
    assert scores[:, 0].tolist() == [0, 0, 2, 2, 254, -1]
    assert np.array_equal(scores, executed(proto, x))


def test_a_quantizer_of_the_same_levels_costs_nothing(tmp_path: Path) -> None:
    """onnxruntime's tools quantize again behind what moves elements; a Relu of 7 bits stays 7 bits."""
    graph = Qdq(2, 4, 4)
    x = graph.quantized("input", 0.5, 0, "int8")
    x = graph.quantized(graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 0.5, 0, "int8")
    x = graph.add("Flatten", graph.add("Relu", x))
    network = check(graph.model(graph.add("MatMul", x, graph.weights((8, 3), 1.0)), 3), tmp_path / "m.onnx")
    assert [layer.kind for layer in network.chain] == ["max_pool", "quantize", "dense"]
    assert network.matrices[0].input == DataType("uint", 7)


def test_one_quantizer_two_clips(tmp_path: Path) -> None:
    """What others read too is not made coarser."""
    graph = Qdq(2, 4, 4, seed=3)
    x = graph.add("Conv", graph.quantized("input", 0.5, 0, "int8", (-7, 7)), graph.weights((4, 2, 1, 1), 1.0))
    one, zero = graph.constant(1.0), graph.constant(0, "int8")
    q = graph.add("QuantizeLinear", x, one, zero)
    ends = [graph.add("Clip", q, graph.constant(-high, "int8"), graph.constant(high, "int8")) for high in (7, 3)]
    a, b = (graph.add("DequantizeLinear", end, one, zero) for end in ends)
    x = graph.quantized(graph.add("Add", a, b), 1.0, 0, "int8", (-8, 7))
    proto = graph.model(graph.add("MatMul", graph.add("Flatten", x), graph.weights((64, 3), 1.0)), 3)
    check(proto, tmp_path / "m.onnx", 60)


def _refused(change: Any, message: str, path: Path) -> None:
    graph = Qdq(4, seed=1)
    end = change(graph)
    refuse(write(graph.model(end, 3), path), UnsupportedError, message)


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"

    def wide(graph: Qdq) -> str:
        graph.tensors.append(helper.make_tensor("zero", TensorProto.INT16, [], [0]))
        return graph.add("QuantizeLinear", "input", graph.constant(1.0), "zero")

    def floating(graph: Qdq) -> str:
        return graph.add("QuantizeLinear", "input", graph.constant(1.0), output_dtype=TensorProto.FLOAT8E4M3FN)

    def blocked(graph: Qdq) -> str:
        x = graph.quantized("input", 1.0)
        w = graph.add(
            "DequantizeLinear",
            graph.constant(np.ones((4, 3)), "int8"),
            graph.constant(np.ones((2, 3))),
            axis=0,
            block_size=2,
        )
        return graph.add("MatMul", x, w)

    def negative(graph: Qdq) -> str:
        return graph.quantized("input", -1.0)

    def uneven(graph: Qdq) -> str:
        x = graph.add("MatMul", graph.quantized("input", 1.0), graph.weights((4, 4), 1.0))
        return graph.quantized(x, 1.0, [0, 1, 2, 3], "uint8")

    _refused(
        wide,
        "node 1 of 2: QuantizeLinear 'quantizelinear0_node': it must quantize to integers of at most 8 bits, not int16",
        path,
    )
    _refused(
        floating,
        "node 1 of 2: QuantizeLinear 'quantizelinear0_node': it must quantize to integers of at most 8 bits, not "
        "float8e4m3fn",
        path,
    )
    _refused(
        blocked,
        "node 3 of 5: DequantizeLinear 'dequantizelinear2_node': its block_size must be left out: quantize weights by "
        "tensor or by channel",
        path,
    )
    _refused(
        uneven,
        "node 5 of 7: QuantizeLinear 'quantizelinear4_node': its zero points, 0 to 3, differ by channel: quantize "
        "activations with one zero point",
        path,
    )
    _refused(negative, "node 1 of 3: QuantizeLinear 'quantizelinear0_node': its scale must be positive", path)
