"""Quantizers: the type of element that each becomes, and the limits of what is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.reference import evaluate_trained
from tests.frontend.conv_models import Graph
from tests.frontend.end_models import classes_of, execute, finished, read
from tests.frontend.models import write
from tests.frontend.qdq_models import Qdq
from tests.frontend.refusals import refuse
from tests.frontend.test_conv import check
from tests.frontend.test_qdq import check as check_qdq


@pytest.mark.parametrize(
    "scale, bias, number, dtype",
    [
        (2.0, -1.0, 1, "bipolar"), (1.0, -1.0, 1, "int2"), (1.0, 0.0, 1, "uint1"), (2.0, -4.0, 3, "int2"),
        (0.5, -1.5, 3, "int3"), (2.0, -3.0, 3, "uint2"), (1.0, 2.0, 3, "uint2"), (1.0, -128.0, 255, "int8"),
        (1.0, -128.0, 3, "int8"), (1.0, -129.0, 3, "uint2"), (1.0, -1.0, 128, "int8"), (1.0, -1.0, 129, "uint8"),
        (1.0, -1.0, 255, "uint8"),
    ],
)  # fmt: skip
def test_types_of_multi_threshold(tmp_path: Path, scale: float, bias: float, number: int, dtype: str) -> None:
    """A bias of whole scales makes a signed type that holds all levels; any other stays with the number."""
    graph = Graph(6, seed=5)
    x = graph.add("MatMul", graph.quant("input", 3), graph.weights(6, 5))
    rows = np.sort(graph.random.integers(-9, 10, (5, number)), axis=1)
    x = graph.add("MultiThreshold", x, graph.constant(rows), out_scale=scale, out_bias=bias)
    check(graph.model(graph.norm(graph.add("MatMul", x, graph.weights(5, 3)), 3), 3), tmp_path / "m.onnx", high=8)
    assert str(read_model(tmp_path / "m.onnx").network.matrices[1].input) == dtype


def test_thresholds_along_the_wrong_axis(tmp_path: Path) -> None:
    graph = Graph(2, 4, 4)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 2, 1, 1))
    x = graph.add("MultiThreshold", x, graph.constant(np.arange(4)[:, None]), data_layout="NHWC")
    message = "node 4 of 9: MultiThreshold 'multithreshold3_node': its thresholds must be one row per channel (4)"
    refuse(write(graph.scores(x), tmp_path / "m.onnx"), UnsupportedError, message)


@pytest.mark.parametrize("zero, narrow", [(0, 0), (-1, 0), (1, 0), (0, 1)])
def test_weights_of_one_signed_bit(tmp_path: Path, zero: int, narrow: int) -> None:
    """QONNX's: -1 and +1, moved by the zero point."""
    graph = Graph(5, seed=4)
    latent = graph.constant(graph.random.uniform(-3, 3, (5, 4)))
    inputs = [graph.constant([0.5, 1.0, 2.0, 1.0]), graph.constant(zero), graph.constant(1)]
    w = graph.add("Quant", latent, *inputs, signed=1, narrow=narrow, rounding_mode="ROUND")
    end = graph.add("MatMul", graph.quant("input", 3), w)
    proto, x = finished(graph, end), np.random.default_rng(0).integers(0, 8, (40, 5)).astype(float)
    network, _ = read(proto, tmp_path / "m.onnx")
    (scores,) = execute(proto, x, end)
    assert len(np.unique(scores)) > 3
    assert classes_of(network, x) == scores.reshape(40, 4).argmax(axis=1).tolist()


@pytest.mark.parametrize("what", ["bias", "product"])
def test_most_bits(tmp_path: Path, what: str) -> None:
    for bits in (32, 33):
        graph = Graph(4, seed=1)
        y = graph.add("MatMul", graph.quant("input", 3), graph.weights(4, 3))
        if what == "bias":
            y = graph.add("Add", y, graph.quant(graph.constant([0.5, 1.0, -1.0]), bits, 0.25, signed=True))
        else:
            y = graph.quant(y, bits, 0.25, signed=True)
        path = write(graph.model(y), tmp_path / "m.onnx")
        if bits == 32:
            assert len(read_model(path).network.layers) == 2
            continue
        message = f"node 4 of {len(graph.nodes) + 1}: Quant 'quant3_node': its bitwidth must be a whole number in 1..32"
        refuse(path, UnsupportedError, f"{message}, not 33.0")


def _scales(graph: Graph, over: int) -> str:
    count = (1 << 16) + over
    latent = graph.constant(np.ones((1, count)))
    return graph.add(
        "MatMul", graph.quant("input", 3), graph.add("BipolarQuant", latent, graph.constant([1.0] * count))
    )


def _bias(graph: Graph, over: int) -> str:
    return graph.quant(graph.constant([1.0] * ((1 << 16) + over)), 8)


def _steps(graph: Graph, over: int) -> str:
    y = graph.add("MatMul", graph.quant("input", 3), graph.weights(1, 3))
    for _ in range(100 + over):
        y = graph.add("Add", y, graph.constant(1.0))
    return graph.sign(y)


def _rank(graph: Graph, over: int) -> str:
    shape = graph.constant([0, *[1] * (7 + over)], np.int64)
    return graph.add("Reshape", graph.quant("input", 3), shape)


def _weights_rank(graph: Graph, over: int) -> str:
    axes = graph.constant(list(range(2, 8 + over)), np.int64)
    return graph.add("Unsqueeze", graph.weights(1, 3), axes)


def _window(graph: Graph, over: int) -> str:
    x = graph.add("Reshape", graph.quant("input", 3), graph.constant([0, 1, 1, 1], np.int64))
    return graph.add("MaxPool", x, kernel_shape=[1, 1], strides=[(1 << 20) - 1 + over, 1])


def _size(graph: Graph, over: int) -> str:
    x = graph.add("Reshape", graph.quant("input", 3), graph.constant([0, 1, 1, 1], np.int64))
    name = graph.add("QuantAvgPool2d", x, kernel=1, stride=1024 + over, ibits=3, obits=3, signed=0)
    graph.nodes[-1].domain = "qonnx.custom_op.general"
    return name


def _held(graph: Graph, over: int) -> str:
    large = graph.constant(np.zeros(1 << 20))
    for _ in range(127 + over):
        large = graph.add("Identity", large)
    return graph.add("MatMul", graph.quant("input", 3), graph.weights(1, 3))


LIMITS: dict[str, tuple[Callable[[Graph, int], str], str]] = {
    "scales": (_scales, "its scale must have at most 65536 values, not 65537"),
    "quantized biases": (_bias, "its input must have at most 65536 values, not 65537"),
    "steps": (_steps, "a product must have at most 100 steps before the quantizer"),
    "dimensions": (_rank, "its shape must be a list of at most 8 integers"),
    "dimensions of weights": (_weights_rank, "its output must have at most 8 dimensions"),
    "strides": (_window, "its strides must be 2 numbers of at least 1 and below 1048576, not (1048576, 1)"),
    "numbers held": (_held, "a model must hold at most 134217728 numbers"),
    "pools": (_size, "its kernel, stride, ibits and obits must be in 1..1024, not 1, 1025, 3 and 3"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits(tmp_path: Path, name: str) -> None:
    """One more than the limit is refused for that; the limit itself is not."""
    build, message = LIMITS[name]
    for over in (0, 1):
        graph = Graph(1)
        path = write(graph.model(build(graph, over), 1), tmp_path / "m.onnx")
        try:
            read_model(path)
            said = ""
        except UnsupportedError as error:
            said = str(error)
        assert said.endswith(message) if over else message.partition(", not ")[0] not in said, said


@pytest.mark.parametrize("zeros", [[0] * 5, [2] * 5, [0, 2, 4, 0, 2]])
@pytest.mark.parametrize("scale", [[1.0, 2.0, 1.0, 0.5, 4.0], [1.0] * 5])
def test_one_of_both_or_one_per_channel(tmp_path: Path, scale: list[float], zeros: list[int]) -> None:
    graph = Qdq(6, seed=2)
    x = graph.add("MatMul", graph.quantized("input", 0.5, 0, "int8", (-7, 7)), graph.weights((6, 5), 0.5))
    x = graph.quantized(x, scale, zeros, "int4", axis=1)
    check_qdq(graph.model(graph.add("MatMul", x, graph.weights((5, 4), 1.0)), 4), tmp_path / "m.onnx")


def test_constant_features(tmp_path: Path) -> None:
    """A feature that a factor of 0 makes constant is at its bound: it reaches it, unless ties are rounded down."""
    for mode, value, level in (("FLOOR", 1.0, 1), ("ROUND", 0.5, 0), ("ROUND", 1.5, 2), ("FLOOR", 0.75, 0)):
        graph = Graph(3)
        x = graph.add("Mul", "input", graph.constant([0.0, 1.0, 1.0]))
        x = graph.add("Add", x, graph.constant([value, 0.0, 0.0]))
        inputs = [graph.constant(1.0), graph.constant(0), graph.constant(2)]
        x = graph.add("Quant", x, *inputs, signed=0, narrow=0, rounding_mode=mode)
        proto = graph.model(graph.add("MatMul", x, graph.add("BipolarQuant", graph.constant([[1.0, -1.0], [1.0, 1.0],
                            [1.0, 1.0]]), graph.constant(1.0))), 2)  # fmt: skip
        network = read_model(write(proto, tmp_path / "m.onnx")).network
        x = np.array([[-5, 0, 0], [7, 1, 2]])
        scores = evaluate_trained(network, network.input.encode(x)).scores
        assert (scores[:, 0] - scores[:, 1]).tolist() == [2 * level] * 2


def test_trunc_of_what_is_no_fraction(tmp_path: Path) -> None:
    """Behind a norm whose deviation is a root, the range of the levels is that of float64."""
    graph = Graph(6, seed=4)
    x = graph.add("MatMul", graph.quant("input", 3), graph.weights(6, 5))
    norm = [graph.constant([1.0, -1.0, 2.0, 0.5, 1.0]), *(graph.constant([v] * 5) for v in (0.25, 1.0, 2.0))]
    x = graph.add("BatchNormalization", x, *norm, epsilon=0.0)
    x = graph.add("Trunc", x, *(graph.constant(v) for v in (1.0, 0.0, 8.0, 7.0)), rounding_mode="FLOOR")
    proto = graph.model(graph.add("MatMul", x, graph.weights(5, 3)), 3)
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    samples = np.random.default_rng(2).integers(0, 8, (60, 6))
    w, v = (np.where(graph.arrays[n.input[0]] >= 0, 1, -1) for n in graph.nodes if n.op_type == "BipolarQuant")
    y = (samples @ w - 1.0) / np.sqrt(2) * [1.0, -1.0, 2.0, 0.5, 1.0] + 0.25
    expected = np.floor(np.round(y) / 2) @ v
    found = evaluate_trained(network, network.input.encode(samples)).scores
    # Truncated numbers are in units of what they were before: half as many.
    assert np.array_equal(found, expected) or np.array_equal(found, 2 * expected)
    assert len(np.unique(expected)) > 5


def test_what_a_pool_does_not_say_is_1(tmp_path: Path) -> None:
    """Kernel, stride and both widths of FINN's own pool."""
    found = []
    for given in ({"kernel": 2, "obits": 8}, {"kernel": 2, "stride": 1, "ibits": 1, "obits": 8}):
        graph = Graph(2, 4, 4, seed=1)
        x = graph.add("QuantAvgPool2d", graph.quant("input", 1), signed=0, **given)
        graph.nodes[-1].domain = "qonnx.custom_op.general"
        flat = graph.add("Reshape", x, graph.constant([1, 18], np.int64))
        proto = graph.model(graph.add("MatMul", flat, graph.weights(18, 3)))
        found.append(read_model(write(proto, tmp_path / "m.onnx")).network.layers)
    assert found[0] == found[1]
