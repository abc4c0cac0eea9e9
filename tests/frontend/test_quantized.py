"""Networks of any quantizers, read and streamlined: equal, level for level, to what the qonnx package computes.

All parameters are such that float32 is exact (small integers times powers of two), so that equality is due.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.levels import ROUNDINGS, element_type, integer_range, quant_bounds, round_exactly
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.ir import Output, dot_affine
from bnnhw.reference import evaluate, evaluate_trained, trace
from bnnhw.streamline import streamline
from tests.frontend.models import DOMAIN, model, node, write
from tests.frontend.qonnx_package import execute_all
from tests.frontend.quantized_models import Builder, samples


@pytest.mark.parametrize("seed", range(60))
def test_equals_the_executed_graph(tmp_path: Path, seed: int) -> None:
    shape = [(6,), (2, 3, 2)][seed % 2]
    sizes = (int(np.prod(shape)), 5, 4, 3)
    builder = Builder(seed, shape, sizes)
    proto = model(builder.nodes, builder.constants, (1, *shape), sizes[-1])
    x = samples(shape, 400)
    tensors = execute_all(proto, x)
    imported = read_model(write(proto, tmp_path / "m.onnx"), input_scale=Fraction(1))
    assert imported.warnings == ()
    codes = imported.network.input.encode(x)
    result = streamline(imported.network)
    assert not [w for w in result.warnings if "decides by rounding" in w]
    trained = evaluate_trained(imported.network, codes)
    if imported.network.output.steps:
        assert np.array_equal(trained.scores, tensors["scores"])
    outputs = trace(result.network, codes)
    # Elements stand for numbers: the same level wherever the graph has the same number, and in the same order.
    for layer, tensor in zip(result.network.matrices[:-1], builder.quantized[1:], strict=True):
        assert layer.activation is not None
        values = layer.output.values(outputs[layer.name])
        pairs = np.unique(np.stack([values.ravel(), tensors[tensor].ravel()]), axis=1)
        assert (np.diff(pairs[0]) > 0).all() and (np.diff(pairs[1]) > 0).all()
    if not result.warnings:
        assert np.array_equal(evaluate(result.network, codes).classes, tensors["scores"].argmax(axis=1))


def test_two_bit_weights_and_activations_end_to_end(tmp_path: Path) -> None:
    """A W2A2 network: its dot products are those of the integers that the graph multiplies."""
    random = np.random.default_rng(1)
    w = [random.integers(-2, 2, shape).astype(np.float32) / 2 for shape in ((9, 8), (8, 4))]
    quant = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    nodes = [
        node("Quant", ["input", "one", "zero", "two"], "x", DOMAIN, signed=0, narrow=0, rounding_mode="ROUND"),
        node("Quant", ["w0", "half", "zero", "two"], "q0", DOMAIN, **quant),
        node("MatMul", ["x", "q0"], "a0"),
        node("Relu", ["a0"], "r0"),
        node("Quant", ["r0", "half", "zero", "two"], "x0", DOMAIN, signed=0, narrow=0, rounding_mode="ROUND"),
        node("Quant", ["w1", "half", "zero", "two"], "q1", DOMAIN, **quant),
        node("MatMul", ["x0", "q1"], "scores"),
    ]
    constants = {"one": 1.0, "zero": 0.0, "two": 2.0, "half": 0.5, "w0": w[0], "w1": w[1]}
    proto = model(nodes, constants, (1, 9), 4)
    network = streamline(read_model(write(proto, tmp_path / "m.onnx")).network).network
    assert [[p.coefficient for p in layer.weights] for layer in network.matrices] == [[1, 1, 2], [1, 1, 2]]
    assert [str(layer.input) for layer in network.matrices] == ["uint2", "uint2"]
    x = random.integers(-1, 5, (500, 9))
    codes = network.input.encode(x.astype(np.float64))
    outputs, expected = trace(network, codes), execute_all(proto, x)["scores"]
    affine = dot_affine(network.matrices[-1])
    # Twice the weights' dot product, weights and elements in halves.
    dots = affine.scale * outputs[network.matrices[-1].name] + affine.constants
    assert np.array_equal(dots / 8, expected)
    assert np.array_equal(evaluate(network, codes).classes, expected.argmax(axis=1))
    assert isinstance(network.output, Output) and (network.output.multiplier == 1).all()


@pytest.mark.parametrize(
    "values, coefficients, unit",
    [
        ([-1, 1], [1], 1),
        ([-1, 0, 1], [1, 1], 0.5),
        ([0, 0], [1, 1], 0.5),
        ([-2, 2], [1], 2),
        ([-2, 0, 2], [1, 1], 1),
        ([-3, -1, 1, 3], [1, 2], 1),
        ([-5, 5, 1], [1, 2, 2], 1),
        ([-2, -1, 0, 1], [1, 1, 2], 0.5),
        ([-3, -2, -1, 0, 1, 2, 3], [1, 2, 3], 0.5),
        (list(range(-8, 8)), [1, 1, 2, 4, 8], 0.5),
        (list(range(-7, 8)), [1, 2, 4, 7], 0.5),
        (list(range(256)), [1, 2, 4, 8, 16, 32, 64, 128, 255], 0.5),
        ([0, 7], [1, 1], 3.5),
    ],
)
def test_weight_planes(values: list[int], coefficients: list[int], unit: float) -> None:
    matrix = np.array([values, values[::-1]], np.int16)
    planes, found = weight_planes(matrix)
    assert [plane.coefficient for plane in planes] == coefficients
    assert found == unit
    total = sum(plane.coefficient * plane.bits.signs().astype(np.int64) for plane in planes)
    assert np.array_equal(float(found) * total, matrix)


@pytest.mark.parametrize("mode", ROUNDINGS)
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("narrow", [0, 1])
def test_bounds_of_every_rounding_mode(mode: str, signed: int, narrow: int) -> None:
    """Every eighth around the range, ties included, against the qonnx package's own function."""
    intquant = pytest.importorskip("qonnx.custom_op.general.intquant")
    x = np.arange(-100, 101) / 8
    expected = intquant.int_quant(x, np.float64(0.5), np.float64(1.0), np.float64(3.0), signed, narrow, mode)
    low, high = integer_range(3, bool(signed), bool(narrow))
    bounds = quant_bounds(low, high, Fraction(1, 2), Fraction(1), mode)
    level = sum((x > float(b)) if s else (x >= float(b)) for b, s in zip(bounds.values, bounds.strict, strict=True))
    assert np.array_equal((low + level - 1) * 0.5, expected)
    exact = [min(max(round_exactly(Fraction(float(v)) * 2 + 1, mode), low), high) for v in x]
    assert np.array_equal((np.array(exact) - 1) * 0.5, expected)


@pytest.mark.parametrize(
    "low, high, name",
    [
        (0, 1, "uint1"),
        (0, 2, "uint2"),
        (0, 255, "uint8"),
        (-1, 0, "int2"),
        (-1, 1, "int2"),
        (-8, 7, "int4"),
        (-1, 127, "int8"),
    ],
)
def test_element_types(low: int, high: int, name: str) -> None:
    assert str(element_type(low, high)) == name


def test_the_batch_that_brevitas_exports(tmp_path: Path) -> None:
    """Shape -> Gather -> Unsqueeze -> Concat -> Reshape, and a constant tail, Pow included."""
    ints = {"first": np.array(0), "rest": np.array([-1])}
    nodes = [
        node("Shape", ["input"], "s"),
        node("Gather", ["s", "first"], "g", axis=0),
        node("Unsqueeze", ["g"], "u", axes=[0]),
        node("Concat", ["u", "rest"], "target", axis=0),
        node("Reshape", ["input", "target"], "flat"),
        node("BipolarQuant", ["flat", "one"], "x", DOMAIN),
        node("MatMul", ["x", "w"], "a"),
        node("Pow", ["var", "half"], "deviation"),
        node("Div", ["a", "deviation"], "scores"),
    ]
    w = np.array([[1, -1], [1, 1], [-1, 1], [1, 1]], np.float32)
    constants = {**ints, "one": 1.0, "w": w, "var": [16.0], "half": 0.5}
    proto = model(nodes, constants, (1, 1, 2, 2), 2)
    network = streamline(read_model(write(proto, tmp_path / "m.onnx")).network).network
    x = np.random.default_rng(0).normal(size=(50, 1, 2, 2))
    signs = np.where(x.reshape(50, 4) >= 0, 1, -1)
    scores = evaluate(network, network.input.encode(x)).scores
    assert np.array_equal(2 * scores - 4, signs @ w)
    assert network.output == Output.plain("output", 2)


def test_signs_that_are_never_0_become_bipolar(tmp_path: Path) -> None:
    """3 weights of odd sum: Sign's 0 can't occur, and the next layer gets one plane."""
    nodes = [
        node("BipolarQuant", ["input", "one"], "x", DOMAIN),
        node("MatMul", ["x", "w0"], "a"),
        node("Sign", ["a"], "y"),
        node("MatMul", ["y", "w1"], "b"),
        node("Mul", ["b", "one"], "scores"),
    ]
    random = np.random.default_rng(4)
    w = [random.choice([-1.0, 1.0], shape).astype(np.float32) for shape in ((3, 6), (6, 2))]
    proto = model(nodes, {"one": 1.0, "w0": w[0], "w1": w[1]}, (1, 3), 2)
    network = streamline(read_model(write(proto, tmp_path / "m.onnx")).network).network
    assert str(network.matrices[0].output) == "bipolar"
    x = random.normal(size=(40, 3))
    expected = np.sign(np.where(x >= 0, 1, -1) @ w[0]) @ w[1]
    assert np.array_equal(2 * evaluate(network, network.input.encode(x)).scores - 6, expected)
    # With an even number of weights 0 occurs, and stays.
    constants = {"one": 1.0, "w0": np.ones((2, 6), np.float32), "w1": w[1]}
    network = streamline(read_model(write(model(nodes, constants, (1, 2), 2), tmp_path / "e.onnx")).network).network
    assert str(network.matrices[0].output) == "int2"
    scores = evaluate(network, network.input.encode(np.array([[1.0, -1.0]]))).scores
    assert scores[0, 0] - scores[0, 1] == 0


def test_thresholds_that_are_always_or_never_met(tmp_path: Path) -> None:
    inf = np.inf
    nodes = [
        node("MultiThreshold", ["input", "t"], "x", DOMAIN, out_dtype="INT2", out_bias=-2.0),
        node("MatMul", ["x", "w0"], "a"),
        node("MultiThreshold", ["a", "u"], "y", DOMAIN, out_dtype="UINT2"),
        node("MatMul", ["y", "w1"], "scores"),
    ]
    constants = {
        "t": np.array([[-inf, 0.5, 1.5]], np.float32),
        "u": np.array([[-inf, 0, 1], [0, 1, inf], [-1, 0, 1]], np.float32),
        "w0": np.array([[1, -1, 0], [1, 1, -2]], np.float32),
        "w1": np.array([[1, -1], [1, 0], [2, 1]], np.float32),
    }
    proto = model(nodes, constants, (1, 2), 2)
    network = streamline(read_model(write(proto, tmp_path / "m.onnx")).network).network
    assert network.input.thresholds == (-inf, 0.5, 1.5)
    x = np.stack(np.meshgrid(np.arange(-1, 3), np.arange(-1, 3)), axis=-1).reshape(-1, 2)
    codes = network.input.encode(x)
    expected = execute_all(proto, x)
    assert network.matrices[0].activation is not None
    assert np.array_equal(network.matrices[0].output.values(trace(network, codes)["dense0"]), expected["y"])
    assert np.array_equal(evaluate(network, codes).classes, expected["scores"].argmax(axis=1))


def test_quantized_biases(tmp_path: Path) -> None:
    nodes = [
        node("BipolarQuant", ["input", "one"], "x", DOMAIN),
        node("BipolarQuant", ["w", "one"], "q", DOMAIN),
        node("Quant", ["b", "scale", "zero", "bits"], "qb", DOMAIN, signed=1, narrow=0, rounding_mode="ROUND"),
        node("Gemm", ["x", "q", "qb"], "scores"),
    ]
    w = np.random.default_rng(3).normal(size=(5, 3)).astype(np.float32)
    constants = {"one": 1.0, "zero": 0.0, "scale": 0.5, "bits": 16.0, "w": w, "b": [1.3, -0.75, 40000.0]}
    proto = model(nodes, constants, (1, 5), 3)
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    x = np.random.default_rng(0).normal(size=(30, 5))
    codes = network.input.encode(x)
    expected = execute_all(proto, x)["scores"]
    assert np.array_equal(evaluate_trained(network, codes).scores, expected)
    assert expected[0, 2] > 16383 - 6
    assert np.array_equal(evaluate(streamline(network).network, codes).classes, expected.argmax(axis=1))


def test_float64_models(tmp_path: Path) -> None:
    nodes = [node("BipolarQuant", ["input", "one"], "x", DOMAIN), node("MatMul", ["x", "w"], "scores")]
    proto = model(nodes, {"one": 1.0, "w": np.ones((4, 2))})
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    assert numpy_helper.to_array(proto.graph.initializer[1]).dtype == np.float64
    assert read_model(write(proto, tmp_path / "m.onnx")).network.matrices[0].weights[0].bits.bits().all()
