"""Exported models, executed by the qonnx package, say what the reference says."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnnhw import reference
from bnnhw.datasets import load
from bnnhw.errors import NetworkError, RequestError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import (
    Affine,
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Layer,
    Network,
    Output,
    Quantize,
    Thresholds,
    WeightPlane,
    Window,
)
from bnnhw.qonnx import to_qonnx, write_qonnx
from bnnhw.streamline import streamline
from tests.map_strategies import map_networks
from tests.qonnx.execute import execute
from tests.strategies import fixed, frames, networks

BIPOLAR = DataType("bipolar", 1)


@st.composite
def samples(draw: st.DrawFn, network: Network, number: int = 4) -> np.ndarray:
    """Raw float32 samples of a network, many of them on a threshold or one step beside it."""
    spec, shape = network.input, (number, *network.input.sample_shape)
    if spec.thresholds is None:
        codes = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, spec.dtype.levels - 1)))
        return spec.dtype.values(codes).astype(np.float32)
    with np.errstate(over="ignore"):
        near = spec.table.ravel().astype(np.float32)
        below, above = (np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf))
    interesting = np.concatenate([near, below, above, np.array([0, 1e-45, -np.inf, np.inf], np.float32)])
    if spec.falling:
        # Turned over, a threshold that is never met is infinity, which meets itself.
        interesting = interesting[np.isfinite(interesting)]
    return interesting[draw(hnp.arrays(np.intp, shape, elements=st.integers(0, len(interesting) - 1)))]


@fixed
@given(st.data())
def test_any_network(data: st.DataObject) -> None:
    """All types, weight planes, shapes and multipliers that the IR has: every score equal."""
    network = data.draw(networks(streamlined=True))
    x = data.draw(samples(network))
    expected = reference.evaluate(network, network.input.encode(x)).scores
    assert np.array_equal(execute(to_qonnx(network, len(x)), x), expected)


@settings(fixed, max_examples=150)
@given(st.data())
def test_any_network_over_maps(data: st.DataObject) -> None:
    """Convolutions, pools, sums, element-wise and residual layers: every score equal, and again once imported."""
    network = data.draw(map_networks(streamlined=True))
    x = data.draw(samples(network))
    expected = reference.evaluate(network, network.input.encode(x))
    try:
        model = to_qonnx(network, len(x))
    except UnsupportedError as error:
        # Accumulators of accumulators leave float32 now and then.
        message = r"layer \S+: [a-z ]+ must be below 16777216 to be exact in float32, not up to (\d+)"
        found = re.fullmatch(message, str(error))
        assert found and int(found[1]) > 1 << 24
        return
    assert np.array_equal(execute(model, x), expected.scores)


@settings(fixed, max_examples=100)
@given(st.data())
def test_imported_again(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """What was exported is read, and gives the same classes."""
    network = data.draw(map_networks(streamlined=True))
    # Of a single output that is but a sign the reader takes the sign for the class, whatever is added behind it.
    assume(network.output.classes > 1 or network.chain[-1].activation is None)
    # A graph says by a quantizer what its elements are.
    dtype = network.input.dtype
    steps = tuple(np.linspace(dtype.minimum, dtype.maximum, dtype.levels)[1:] - 0.5)
    network = replace(network, input=replace(network.input, thresholds=steps))
    path = tmp_path_factory.mktemp("again") / "model.onnx"
    try:
        write_qonnx(network, path)
    except UnsupportedError as error:
        assume("exact in float32" not in str(error))
        raise
    try:
        again = streamline(read_model(path, input_scale=Fraction(1)).network).network
    except UnsupportedError as error:
        # What the network has as a layer the reader may have to make: a matrix takes 8 bits at most.
        assume(
            not re.search(
                r": its first input must have at most 8 bits|: it pads with |, not padded elements$", str(error)
            )
        )
        raise
    codes = data.draw(frames(network))
    assert np.array_equal(reference.evaluate(again, codes).classes, reference.evaluate(network, codes).classes)


def test_digits(root: Path) -> None:
    """Our own network, 4-bit pixels and all: every image of the test set."""
    network = streamline(read_model(root / "models" / "digits.onnx").network).network
    x = load("digits", None).x_test
    x = x.reshape(len(x), *network.input.shape).astype(np.float32)
    expected = reference.evaluate(network, network.input.encode(x))
    scores = execute(to_qonnx(network, len(x)), x)
    assert np.array_equal(scores, expected.scores)
    assert np.array_equal(scores.argmax(axis=1), expected.classes)


@pytest.mark.parametrize("decode", ["argmax", "highest-bit"])
def test_lfc(shared: Path, decode: str) -> None:
    """2.9 M weights; the decoder of the original host is layers like any other."""
    network = streamline(read_model(shared / "models" / "lfc-w1a1-bnn-pynq", decode=decode).network).network
    x = load("mnist", shared / "datasets").x_test[:300].reshape(300, -1).astype(np.float32)
    expected = reference.evaluate(network, network.input.encode(x)).scores
    assert np.array_equal(execute(to_qonnx(network, len(x)), x), expected)


def dense(name: str, dtype: DataType, neurons: int, synapses: int, coefficients: tuple[int, ...] = (1,)) -> Dense:
    bits = BitMatrix.from_bits(np.random.default_rng(len(name)).integers(0, 2, (neurons, synapses), np.uint8))
    return Dense(name, dtype, tuple(WeightPlane(c, bits) for c in coefficients), None)


def test_form() -> None:
    """The nodes of FINN's streamlined form, their types annotated."""
    hidden = dense("hidden", DataType("uint", 2), 3, 12)
    hidden = Dense("hidden", hidden.input, hidden.weights, Thresholds(np.zeros((3, 1), np.int64), BIPOLAR))
    spec = InputSpec((3, 2, 2), hidden.input, (0.5, 1.5, 2.5))
    network = Network(spec, (hidden, dense("last", BIPOLAR, 2, 3), Output.plain("output", 2)), {"source": "a test"})
    model = to_qonnx(network)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == (
        ["MultiThreshold", "Transpose", "Reshape", "MatMul", "MultiThreshold", "MatMul", "Mul", "Add"]
    )
    assert {node.domain for node in model.graph.node} == {"", "qonnx.custom_op.general"}
    assert {p.key: p.value for p in model.metadata_props} == {"source": "a test"}
    types = {a.tensor_name: a.quant_parameter_tensor_names[0].value for a in model.graph.quantization_annotation}
    assert types["encode_out"] == "UINT2"
    assert types["hidden_weights"] == types["hidden_out"] == "BIPOLAR"
    assert types["hidden_matmul_out"] == "INT7"  # -36 .. 36
    assert types["last_matmul_out"] == "INT3"  # -3 .. 3


def test_any_layer_name() -> None:
    """Names that collide with those of the graph's own tensors."""
    layers: list[Dense] = []
    for name in ("encode", "encode_matmul", "global", "global_matmul"):
        layer = dense(name, BIPOLAR, 5, 5)
        layers.append(Dense(name, BIPOLAR, layer.weights, Thresholds(np.full((5, 1), 3), BIPOLAR)))
    network = Network(
        InputSpec((5,), BIPOLAR, (0.0,)), (*layers, dense("flatten", BIPOLAR, 4, 5), Output.plain("global_out", 4))
    )
    x = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    expected = reference.evaluate(network, network.input.encode(x)).scores
    assert np.array_equal(execute(to_qonnx(network, 8), x), expected)


def test_scores_beyond_float32() -> None:
    """Multipliers of 40 bits: the tail is computed in double, and exact."""
    layer = dense("last", BIPOLAR, 3, 7)
    output = Output("output", np.array([(1 << 40) + 1, -(1 << 40) - 3, 5]), np.array([-1, 1 << 44, 7]))
    network = Network(InputSpec((7,), BIPOLAR), (layer, output))
    x = np.where(np.random.default_rng(1).integers(0, 2, (16, 7)), 1, -1).astype(np.float32)
    scores = execute(to_qonnx(network, 16), x)
    assert scores.dtype == np.float64
    assert np.array_equal(scores.astype(np.int64), reference.evaluate(network, network.input.encode(x)).scores)


def test_scores_beyond_double() -> None:
    output = Output("output", np.array([1 << 51]), np.array([0]))
    network = Network(InputSpec((7,), BIPOLAR), (dense("last", BIPOLAR, 1, 7), output))
    reach = (1 << 51) * 7
    message = f"layer output: scores must be below 2**52 to be exact in double, not up to {reach}"
    with pytest.raises(UnsupportedError, match=rf"^{re.escape(message)}$"):
        to_qonnx(network)


def test_dot_products_beyond_float32() -> None:
    layer = dense("wide", DataType("uint", 8), 2, 100, (1 << 12,))
    network = Network(InputSpec((100,), layer.input), (layer, Output.plain("output", 2)))
    reach = 100 * 255 * (1 << 12) + 2
    message = f"layer wide: dot products must be below 16777216 to be exact in float32, not up to {reach}"
    with pytest.raises(UnsupportedError, match=rf"^{re.escape(message)}$"):
        to_qonnx(network)


def test_network_that_is_not_streamlined(root: Path) -> None:
    network = read_model(root / "models" / "digits.onnx").network
    message = "only a streamlined network can be exported: run the streamlining passes first"
    with pytest.raises(NetworkError, match=rf"^{re.escape(message)}$"):
        to_qonnx(network)


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    network = Network(InputSpec((5,), BIPOLAR), (dense("last", BIPOLAR, 2, 5), Output.plain("output", 2)))
    path = tmp_path / "model.onnx"
    write_qonnx(network, path)
    first = path.read_bytes()
    write_qonnx(network, path)
    assert path.read_bytes() == first
    taken = tmp_path / "folder"
    taken.mkdir()
    with pytest.raises(RequestError, match=rf"^{re.escape(str(taken))}: must be a file, and is a folder$"):
        write_qonnx(network, taken)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "model.onnx"]


def test_cnv(shared: Path) -> None:
    """Convolutions, pools and fully connected layers of the published network: FINN's form, every score equal."""
    network = streamline(read_model(shared / "models" / "cnv-w1a1-bnn-pynq").network).network
    x = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32)).astype(np.float32)
    x[0] = np.load(shared / "models" / "goldens" / "cnv_cifar10_input.npy")[0]
    model = to_qonnx(network, len(x))
    expected = reference.evaluate(network, network.input.encode(x)).scores
    assert expected[0].argmax() == 3
    assert np.array_equal(execute(model, x), expected)
    operators = [node.op_type for node in model.graph.node]
    pair = ["Conv", "MultiThreshold"]
    block = [*pair, *pair, "MaxPool"]
    assert operators == [
        *("MultiThreshold", *block, *block, *pair, *pair, "Reshape"),
        *("MatMul", "MultiThreshold") * 2,
        *("MatMul", "Mul", "Add"),
    ]


def integers_beyond_float32(kind: str) -> tuple[Layer, str]:
    """A layer (2, 3, 3) over uint2 elements whose numbers leave float32, and why."""
    uint2, window = DataType("uint", 2), Window(2, 3, 3, (2, 2))
    if kind == "affine":
        big = np.array([1, 1 << 24])
        return Affine(
            "wide", (2, 3, 3), uint2, big, -big
        ), f"numbers must be below 16777216 to be exact in float32, not up to {4 << 24}"
    conv = Conv2d(window, dense("wide", uint2, 2, 8, (1 << 20,)))
    return conv, f"dot products must be below 16777216 to be exact in float32, not up to {3 * 8 * (1 << 20) + 2}"


@pytest.mark.parametrize("kind", ["affine", "conv"])
def test_maps_beyond_float32(kind: str) -> None:
    layer, why = integers_beyond_float32(kind)
    assert isinstance(layer, Affine | Conv2d)
    shape = layer.shape_out
    narrow = Quantize("q", shape, layer.output, Thresholds(np.zeros((2, 1), np.int64), BIPOLAR))
    last = dense("last", BIPOLAR, 2, int(np.prod(shape)))
    network = Network(InputSpec((2, 3, 3), layer.input), (layer, narrow, last, Output.plain("output", 2)))
    with pytest.raises(UnsupportedError, match=rf"^{re.escape(f'layer wide: {why}')}$"):
        to_qonnx(network)
