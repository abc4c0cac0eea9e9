"""QONNX models that are read: equal to the graph as executed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import BatchNorm, DataType, FloatActivation
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.models import DOMAIN, execute, model, node, parts, write

ONES = np.ones((4, 2), np.float32)


def samples(number: int = 300, inputs: int = 4) -> np.ndarray:
    """Whole and broken numbers around the quantizers' steps and beyond their ends."""
    generator = np.random.default_rng(5)
    return (generator.integers(-8, 72, (number, inputs)) / 4).astype(np.float32)


def check(proto: onnx.ModelProto, path: Path, x: np.ndarray) -> None:
    """The imported network, and the streamlined one, against the executed graph."""
    network = read_model(write(proto, path)).network
    codes = network.input.encode(x)
    expected = execute(proto, x)
    assert np.array_equal(evaluate_trained(network, codes).scores, expected)
    result = streamline(network)
    assert result.warnings == ()
    assert np.array_equal(evaluate(result.network, codes).classes, expected.argmax(axis=1))


@pytest.mark.parametrize("quantizer", ["sub", "quant"])
@pytest.mark.parametrize("seed", range(8))
def test_equals_the_executed_graph(tmp_path: Path, quantizer: str, seed: int) -> None:
    nodes, constants = parts(7, 5, 3, quantizer, seed)
    check(model(nodes, constants, ("batch", 7), 3), tmp_path / "m.onnx", samples(inputs=7))


def test_what_is_read(tmp_path: Path) -> None:
    nodes, constants = parts(quantizer="quant")
    proto = model(nodes, constants)
    onnx.helper.set_model_props(proto, {"recipe": "test", "format": "overridden"})
    path = write(proto, tmp_path / "m.onnx")
    imported = read_model(path)
    assert (imported.format, imported.warnings) == ("qonnx", ())
    network = imported.network
    assert network.input.shape == (4,) and network.input.dtype == DataType("uint", 4)
    assert network.input.thresholds == tuple(range(1, 16))
    assert [layer.name for layer in network.layers] == ["dense0", "dense1", "output"]
    assert np.array_equal(network.matrices[0].weights[0].bits.bits(), constants["w0"].T >= 0)
    activation = network.matrices[0].activation
    assert isinstance(activation, FloatActivation)
    (norm,) = activation.steps
    assert isinstance(norm, BatchNorm) and norm.eps == 0.0 and np.array_equal(norm.gamma, constants["gamma0"])
    assert network.provenance == {
        "recipe": "test",
        "format": "qonnx",
        "source": "m.onnx",
        "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_latent_weights_of_0_are_plus_1(tmp_path: Path) -> None:
    nodes, constants = parts()
    constants["w0"] = np.array([[0.0, -0.0, -1e-45]] * 4, np.float32)
    network = read_model(write(model(nodes, constants), tmp_path / "m.onnx")).network
    assert network.matrices[0].weights[0].bits.bits().tolist() == [[1] * 4, [1] * 4, [0] * 4]


def test_default_epsilon_is_float32(tmp_path: Path) -> None:
    nodes, constants = parts()
    for item in nodes:
        if item.op_type == "BatchNormalization":
            del item.attribute[:]
    (norm,) = read_model(write(model(nodes, constants), tmp_path / "m.onnx")).network.output.steps
    assert isinstance(norm, BatchNorm) and norm.eps == float(np.float32(1e-5))


@pytest.mark.parametrize("quantizer", ["sub", "quant"])
def test_scores_without_batch_norm(tmp_path: Path, quantizer: str) -> None:
    """For bit planes the constants of the classes differ: scores must be the dot products."""
    nodes, constants = parts(quantizer=quantizer)
    nodes = [n for n in nodes if n.output[0] in ("shifted", "x")]
    weights = np.random.default_rng(2).uniform(-1, 1, (4, 3)).astype(np.float32)
    nodes += [node("BipolarQuant", ["w", "one"], "q", DOMAIN), node("MatMul", ["x", "q"], "scores")]
    proto = model(nodes, {**constants, "w": weights}, classes=3)
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    assert network.streamlined
    x = samples()
    scores, expected = evaluate(network, network.input.encode(x)), execute(proto, x)
    assert np.array_equal(scores.classes, expected.argmax(axis=1))
    if quantizer == "quant":
        assert np.array_equal(scores.scores, expected)
    else:
        assert np.array_equal(2 * scores.scores - 4, expected)


def test_sign_without_batch_norm(tmp_path: Path) -> None:
    nodes, constants = parts()
    nodes = [n for n in nodes if n.op_type != "BatchNormalization"]
    nodes[4].input[0] = "a0"
    nodes[-1].output[0] = "scores"
    proto = model(nodes, constants)
    x = samples()
    network = streamline(read_model(write(proto, tmp_path / "m.onnx")).network).network
    codes = network.input.encode(x)
    assert np.array_equal(2 * evaluate(network, codes).scores - 3, execute(proto, x))


@pytest.mark.parametrize("transpose", ["none", "before", "after"])
@pytest.mark.parametrize("gemm", [None, 0, 1])
def test_weights_either_way_round(tmp_path: Path, transpose: str, gemm: int | None) -> None:
    nodes, constants = parts()
    flipped = (transpose != "none") != bool(gemm)
    if flipped:
        constants["w0"] = constants["w0"].T.copy()
    quantize = next(n for n in nodes if n.output[0] == "q0")
    place = nodes.index(quantize)
    if transpose == "before":
        nodes.insert(place, node("Transpose", ["w0"], "wt"))
        quantize.input[0] = "wt"
    elif transpose == "after":
        quantize.output[0] = "qt"
        nodes.insert(place + 1, node("Transpose", ["qt"], "q0", perm=[1, 0]))
    if gemm is not None:
        index = next(i for i, n in enumerate(nodes) if n.op_type == "MatMul")
        nodes[index] = node("Gemm", ["x", "q0", "bias"], "a0", transB=gemm)
        constants["bias"] = [0.0, 0.0, 0.0]
    check(model(nodes, constants), tmp_path / "m.onnx", samples())


@pytest.mark.parametrize("kind", ["Flatten", "Reshape", "Identity"])
def test_images_are_flattened(tmp_path: Path, kind: str) -> None:
    nodes, constants = parts()
    constants["shape"] = np.array([-1, 4])
    extra = {
        "Flatten": [node("Flatten", ["input"], "flat")],
        "Reshape": [node("Reshape", ["input", "shape"], "flat")],
        "Identity": [node("Identity", ["input"], "same"), node("Flatten", ["same"], "flat", axis=1)],
    }[kind]
    nodes[0].input[0] = "flat"
    proto = model([*extra, *nodes], constants, ("batch", 1, 2, 2))
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    assert network.input.shape == (1, 2, 2)
    check(proto, tmp_path / "m.onnx", samples().reshape(-1, 1, 2, 2))


def test_signed_input(tmp_path: Path) -> None:
    nodes, constants = parts(quantizer="quant")
    next(a for a in nodes[0].attribute if a.name == "signed").i = 1
    constants["bits"] = 3.0
    network = read_model(write(model(nodes, constants), tmp_path / "m.onnx")).network
    x = np.array([[-9.0, -3.5, -0.25, 0.0], [0.99, 1.0, 3.5, 9.0]])
    assert network.input.dtype.values(network.input.encode(x)).tolist() == [[-4, -4, -1, 0], [0, 1, 3, 3]]


def test_nodes_in_any_order_and_older_domains(tmp_path: Path) -> None:
    nodes, constants = parts()
    expected = read_model(write(model(nodes, constants), tmp_path / "m.onnx")).network
    for item in nodes:
        if item.domain:
            item.domain = "onnx.brevitas"
    again = read_model(write(model(nodes[::-1], constants), tmp_path / "again.onnx")).network
    assert again.layers == expected.layers


def test_constants_as_nodes_and_unread_nodes(tmp_path: Path) -> None:
    nodes, constants = parts()
    tensor = onnx.numpy_helper.from_array(constants.pop("w0"))
    nodes = [node("Constant", [], "w0", value=tensor), node("Identity", ["w0"], "lost"), *nodes]
    imported = read_model(write(model(nodes, constants), tmp_path / "m.onnx"))
    assert imported.warnings == ("node 2 of 11: Identity 'lost_node': nothing reads its output",)
