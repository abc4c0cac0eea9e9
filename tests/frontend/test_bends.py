"""Functions in front of quantizers, and truncations, against the qonnx package (onnxruntime, float32), and by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_models import DOMAIN, Graph
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all

FRAMES = 200


def network(proto: onnx.ModelProto, path: Path) -> Network:
    result = streamline(read_model(write(proto, path / "m.onnx"), input_scale=1).network)
    # A single sum of numbers that are not negative decides nothing, and that is said.
    assert all("its one score is never negative" in warning for warning in result.warnings)
    return result.network


def agrees(graph: Graph, proto: onnx.ModelProto, path: Path, same: onnx.ModelProto | None = None) -> Network:
    """The network's scores are those of the graph as qonnx executes it, but for one factor and one offset for all.

    ``same`` is a graph that computes the same, to be executed in its place.
    """
    samples = np.random.default_rng(3).integers(0, 16, (FRAMES, *graph.shape))
    found = network(proto, path)
    ours = evaluate(found, found.input.encode(samples)).scores
    theirs = execute_all(same or proto, samples)["scores"]
    assert np.ptp(ours) > 0
    off = theirs - ours * (np.ptp(theirs) / np.ptp(ours))
    assert np.ptp(off) < 1e-4 * np.ptp(theirs)
    return found


def scores(graph: Graph, x: str) -> onnx.ModelProto:
    """The model that ends in a fully connected layer."""
    flat = graph.add("Flatten", x)
    return graph.model(graph.add("MatMul", flat, graph.weights(graph.size(flat), 3)), 3)


Bend = Callable[[Graph, str], str]


def plain(kind: str, **attributes: Any) -> Bend:
    return lambda graph, x: graph.add(kind, x, **attributes)


def clip(low: float | None, high: float | None) -> Bend:
    def bend(graph: Graph, x: str) -> str:
        ends = [graph.constant(end) if end is not None else "" for end in (low, high)]
        return graph.add("Clip", x, *(ends if high is not None else ends[:1]))

    return bend


def chain(*bends: Bend) -> Bend:
    def bend(graph: Graph, x: str) -> str:
        for one in bends:
            x = one(graph, x)
        return x

    return bend


BENDS: dict[str, Bend] = {
    "hardtanh": clip(-1.0, 1.0),
    "relu6": clip(0.0, 6.0),
    "above": clip(-0.7, None),
    "max": lambda graph, x: graph.add("Max", x, graph.constant(0.3)),
    "min": lambda graph, x: graph.add("Min", graph.constant(np.linspace(0.2, 1, 6)), x),
    "tanh": plain("Tanh"),
    "sigmoid": plain("Sigmoid"),
    "erf": plain("Erf"),
    "softsign": plain("Softsign"),
    "softplus": plain("Softplus"),
    "elu": plain("Elu", alpha=0.7),
    "selu": plain("Selu"),
    "celu": plain("Celu", alpha=1.3),
    "hard sigmoid": plain("HardSigmoid", alpha=0.25, beta=0.5),
    "leaky": plain("LeakyRelu", alpha=0.125),
    "chain": chain(clip(-3.0, 3.0), plain("Tanh"), lambda g, x: g.add("Mul", x, g.constant(-2.0)), clip(-1.5, 1.0)),
}

QUANTIZERS: dict[str, Bend] = {
    "sign": lambda graph, x: graph.sign(graph.add("Sub", x, graph.constant(0.37))),
    "quant": lambda graph, x: graph.quant(x, 3, 0.3, signed=True),
    "thresholds": lambda graph, x: graph.add(
        "MultiThreshold", x, graph.constant(np.sort(graph.random.uniform(-1, 2, (6, 3)), axis=1))
    ),
}


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("bend", BENDS)
def test_folded_into_thresholds(tmp_path: Path, bend: str, quantizer: str) -> None:
    graph = Graph(12, seed=5)
    x = graph.quant("input", 4)
    x = graph.add("MatMul", x, graph.weights(12, 6))
    x = graph.add("Mul", graph.norm(x, 6), graph.constant(0.07))
    x = QUANTIZERS[quantizer](graph, BENDS[bend](graph, x))
    proto = graph.model(graph.add("MatMul", x, graph.weights(6, 3)), 3)
    found = agrees(graph, proto, tmp_path)
    assert [layer.kind for layer in found.chain] == ["dense", "dense"]


def test_a_map_with_hardtanh_before_its_pool(tmp_path: Path) -> None:
    """BinaryNet.pytorch: convolution, pool, norm, Hardtanh, sign; the pool moves behind."""
    graph = Graph(2, 6, 6, seed=1)
    x = graph.add("Conv", graph.quant("input", 4), graph.weights(5, 2, 3, 3), kernel_shape=[3, 3])
    x = BENDS["hardtanh"](graph, graph.norm(graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 5))
    found = agrees(graph, scores(graph, graph.sign(x)), tmp_path)
    assert [layer.kind for layer in found.chain] == ["conv", "max_pool", "dense"]


def trunc(graph: Graph, x: str, *numbers: float, **attributes: Any) -> str:
    return graph.add("Trunc", x, *(graph.constant(number) for number in numbers), **attributes)


def averaged(kind: str, signed: bool) -> tuple[Graph, str]:
    """The sums of 16 numbers of 4 bits as a mean times 16."""
    graph = Graph(5, 4, 4, seed=2)
    x = graph.add("Conv", graph.quant("input", 4), graph.weights(5, 5, 1, 1), kernel_shape=[1, 1])
    x = graph.quant(graph.add("Mul", x, graph.constant(0.25)), 4, signed=signed)
    options: dict[str, Any] = {
        "AveragePool": {"kernel_shape": [4, 4]},
        "GlobalAveragePool": {},
        "ReduceMean": {"axes": [2, 3]},
    }[kind]
    return graph, graph.add("Mul", graph.add(kind, x, **options), graph.constant(16.0))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL"])
@pytest.mark.parametrize("kind", ["AveragePool", "GlobalAveragePool", "ReduceMean"])
def test_trunc_behind_a_mean(tmp_path: Path, kind: str, mode: str, signed: bool) -> None:
    """Version 1: two bit widths, nothing clipped."""
    graph, x = averaged(kind, signed)
    x = trunc(graph, x, 1.0, 0.0, 8.0, 5.0, rounding_mode=mode)
    found = agrees(graph, scores(graph, x), tmp_path)
    assert [layer.kind for layer in found.chain] == ["conv", "sum_pool", "quantize", "dense"]


@pytest.mark.parametrize("bits, signed, narrow", [(4, 1, 0), (3, 1, 1), (4, 0, 0), (2, 0, 1), (5, 1, 0)])
@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL"])
def test_trunc_with_a_scale_for_its_output(tmp_path: Path, mode: str, bits: int, signed: int, narrow: int) -> None:
    """Version 2: six inputs, clipped to the output's bits."""
    graph, x = averaged("AveragePool", bool(signed))
    x = trunc(graph, x, 1.0, 0.0, 8.0, 16.0, bits, rounding_mode=mode, signed=signed, narrow=narrow)
    proto = scores(graph, x)
    proto.opset_import[1].version = 2
    agrees(graph, proto, tmp_path)


@pytest.mark.parametrize("numbers", [(0.5, 0.0, 9.0, 6.0), (0.5, 3.0, 9.0, 6.0), (2.0, 0.0, 7.0, 7.0)])
def test_trunc_alone(tmp_path: Path, numbers: tuple[float, ...]) -> None:
    """Of dot products, at a scale and a zero point; a scale coarser than they are rounds ties to even numbers."""
    graph = Graph(6, seed=4)
    x = graph.add("MatMul", graph.quant("input", 4), graph.weights(6, 5))
    x = trunc(graph, x, *numbers, rounding_mode="FLOOR")
    agrees(graph, graph.model(graph.add("MatMul", x, graph.weights(5, 3)), 3), tmp_path)


@pytest.mark.parametrize("kernel, stride, obits, signed", [(4, 4, 4, False), (2, 2, 5, True), (3, 1, 8, False)])
def test_quant_avg_pool(tmp_path: Path, kernel: int, stride: int, obits: int, signed: bool) -> None:
    """FINN's own: a sum and a shift."""
    shift = max(0, (15 * kernel * kernel).bit_length() - obits)
    size = 5 * ((4 - kernel) // stride + 1) ** 2

    def build(own: bool) -> tuple[Graph, onnx.ModelProto]:
        graph = Graph(5, 4, 4, seed=2)
        x = graph.add("Conv", graph.quant("input", 4), graph.weights(5, 5, 1, 1), kernel_shape=[1, 1])
        x = graph.quant(graph.add("Mul", x, graph.constant(0.25)), 4, signed=signed)
        if own:
            options = {"kernel": kernel, "stride": stride, "ibits": 4, "obits": obits, "signed": int(signed)}
            x = graph.add("QuantAvgPool2d", x, **options)
            graph.nodes[-1].domain = DOMAIN
        else:
            x = graph.add("AveragePool", x, kernel_shape=[kernel] * 2, strides=[stride] * 2)
            x = graph.add("Round", graph.add("Mul", x, graph.constant(kernel * kernel)))
            x = graph.add("Floor", graph.add("Mul", x, graph.constant(2.0**-shift)))
        x = graph.add("Reshape", x, graph.constant([-1, size], np.int64))
        return graph, graph.model(graph.add("MatMul", x, graph.weights(size, 3)), 3)

    graph, proto = build(True)
    agrees(graph, proto, tmp_path, build(False)[1])


def test_trunc_by_hand(tmp_path: Path) -> None:
    """Sums 0..240, 4 of 8 bits: a number is what is left of them."""
    for mode, expected in (("floor", [0, 0, 1, 9, 15]), ("ROUND", [0, 0, 1, 10, 15]), ("CEIL", [0, 1, 1, 10, 15])):
        graph = Graph(1, 4, 4)
        x = graph.add("GlobalAveragePool", graph.quant("input", 4))
        x = trunc(graph, graph.add("Mul", x, graph.constant(16.0)), 1.0, 0.0, 8.0, 4.0, rounding_mode=mode)
        signs = graph.constant(np.array([[1.0, -1.0]]))
        found = network(graph.model(graph.add("MatMul", graph.add("Flatten", x), signs), 2), tmp_path)
        samples = np.zeros((5, 1, 4, 4), int)
        for frame, total in enumerate((0, 8, 16, 152, 240)):
            samples[frame] = np.array([total // 16 + (i < total % 16) for i in range(16)]).reshape(4, 4)
        ours = evaluate(found, found.input.encode(samples)).scores
        assert ((ours[:, 0] - ours[:, 1]) // 2).tolist() == expected


def _pool(graph: Graph, x: str, kernel: int) -> str:
    name = graph.add("QuantAvgPool2d", graph.sign(x), kernel=kernel, stride=1, ibits=4, obits=4, signed=0)
    graph.nodes[-1].domain = DOMAIN
    return name


REFUSED: dict[str, tuple[Bend, str]] = {
    "gelu": (plain("Gelu"), "a Gelu is not monotone"),
    "hard swish": (plain("HardSwish"), "a hard swish is not monotone"),
    "abs": (plain("Abs"), "the absolute value is not monotone"),
    "silu": (lambda g, x: g.add("Mul", x, g.add("Sigmoid", x)), "the product of two branches"),
    "square": (lambda g, x: g.add("Mul", x, x), r"its input must lie in 0\.\.1e\+150, where it is a number"),
    "elu": (plain("Elu", alpha=-0.5), "its alpha must not be negative, since it then is not monotone, not -0.5"),
    "celu": (plain("Celu", alpha=-1.0), "its alpha must be positive, since it then is not monotone, not -1.0"),
    "clip": (clip(1.0, -1.0), "its min must be at most its max, not 1.0 and -1.0"),
    "max": (lambda g, x: g.add("Max", x, g.add("Tanh", x)), "its inputs must be one tensor and a constant"),
    "trunc mode": (lambda g, x: trunc(g, x, 1.0, 0.0, 8.0, 4.0, rounding_mode="TO"), "its rounding_mode must be"),
    "trunc bits": (lambda g, x: trunc(g, x, 1.0, 0.0, 8.0, 0.0), "its output bitwidth must be a whole number in 1"),
    "pool": (lambda g, x: _pool(g, x, 0), "its kernel, stride, ibits and obits must be in 1..1024, not 0, 1, 4 and 4"),
    "pool of a list": (lambda g, x: _pool(g, x, 2), r"its input must be \(channels, height, width\)"),
    "trunc scale": (lambda g, x: trunc(g, x, -1.0, 0.0, 8.0, 4.0), "its scale must be positive, not -1.0"),
    "trunc wide": (lambda g, x: trunc(g, x, 2.0**-9, 0.0, 8.0, 8.0), "elements must have at most 8 bits, not"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(tmp_path: Path, name: str) -> None:
    bend, reason = REFUSED[name]
    graph = Graph(6, seed=1)
    x = graph.add("MatMul", graph.quant("input", 4), graph.weights(6, 4))
    x = graph.quant(bend(graph, graph.norm(x, 4)), 2)
    proto = graph.model(graph.add("MatMul", x, graph.weights(4, 3)), 3)
    if name == "gelu":
        proto.opset_import[0].version = 20
    with pytest.raises((UnsupportedError, NetworkError), match=rf"node \d+ of \d+: \w+ '\w+': {reason}"):
        read_model(write(proto, tmp_path / "m.onnx"))
