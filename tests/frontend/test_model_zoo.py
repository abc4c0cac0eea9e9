"""Networks that others trained: read, streamlined, and equal to their graphs on the whole MNIST test set."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.datasets import Dataset, load
from bnnhw.errors import RequestError
from bnnhw.frontend import read_model
from bnnhw.ir import DataType, Network, Output, dot_affine
from bnnhw.reference import evaluate, evaluate_trained, trace
from bnnhw.streamline import streamline
from tests.frontend.qonnx_package import execute_all

SHARED = Path(__file__).parents[3] / "shared"
MODELS = {"tfc-w1a1/TFC_1W1A.onnx": 9296, "tfc-w1a2/TFC_1W2A.onnx": 9474}
"""Right of 10,000."""


def path_of(name: str) -> Path:
    path = SHARED / "models" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    if not (SHARED / "datasets" / "mnist").is_dir():
        pytest.skip("MNIST is not there")
    return load("mnist", SHARED / "datasets")


@pytest.mark.parametrize("name", MODELS)
def test_every_test_image(name: str, mnist: Dataset) -> None:
    """Accuracy, every hidden activation, every dot product and every score, against the graph in float32."""
    path = path_of(name)
    imported = read_model(path)
    result = streamline(imported.network)
    network = result.network
    assert result.warnings == ()
    assert imported.warnings == (
        "the graph maps 0..1 onto -1..1: samples are read as bytes, 0..255, and scaled by 1/255; if they are not, "
        "say so with --input-scale",
    )
    codes = network.input.encode(mnist.x_test.reshape(-1, 784))
    scores = evaluate(network, codes)
    assert int((scores.classes == mnist.y_test).sum()) == MODELS[name]
    assert np.array_equal(scores.classes, evaluate_trained(imported.network, codes).classes)

    proto = onnx.load(path)
    pixels = mnist.x_test.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    tensors = execute_all(proto, pixels)
    products = [n.output[0] for n in proto.graph.node if n.op_type == "MatMul"]
    quantized = [n.input[0] for n in proto.graph.node if n.op_type == "MatMul"]
    assert np.array_equal(network.input.dtype.values(codes), tensors[quantized[0]])
    outputs = trace(network, codes)
    for layer, tensor in zip(network.matrices[:-1], quantized[1:], strict=True):
        assert layer.activation is not None
        assert np.array_equal(layer.output.values(outputs[layer.name]), tensors[tensor])
    last = network.matrices[-1]
    affine = dot_affine(last)
    dots = affine.scale * outputs[last.name] + affine.constants
    assert np.array_equal(dots, tensors[products[-1]])
    final = tensors[proto.graph.output[0].name]
    assert np.array_equal(scores.classes, final.argmax(axis=1))
    # One score for each dot product and back: the tail is one rising function for all classes, and so are the scores.
    for values in (final, scores.scores):
        pairs = np.unique(np.stack([dots.ravel().astype(np.float64), values.ravel().astype(np.float64)]), axis=1)
        assert (np.diff(pairs[0]) > 0).all() and (np.diff(pairs[1]) > 0).all()


def test_what_is_made_of_them() -> None:
    first = streamline(read_model(path_of("tfc-w1a1/TFC_1W1A.onnx")).network).network
    assert first.input.shape == (1, 28, 28) and first.input.thresholds == (127.5,)
    assert [(d.synapses, d.neurons, str(d.input)) for d in first.matrices] == [
        (784, 64, "bipolar"),
        (64, 64, "bipolar"),
        (64, 64, "bipolar"),
        (64, 10, "bipolar"),
    ]
    assert first.output == Output.plain("output", 10)
    second = streamline(read_model(path_of("tfc-w1a2/TFC_1W2A.onnx")).network).network
    # round(2 x - 1) to even: 0 up to x = 1/4, 1 above x = 3/4; -2 never, the range is narrow.
    assert second.input.thresholds == (-np.inf, 63.75, np.nextafter(191.25, np.inf))
    assert {layer.input for layer in second.matrices} == {DataType("int", 2)}
    assert (second.output.multiplier == 1).all()


def bits(network: Network, pixels: np.ndarray) -> list[int]:
    return network.input.encode(np.broadcast_to(pixels[:, None], (len(pixels), 784)))[:, 0].tolist()


def test_input_scale() -> None:
    path = path_of("tfc-w1a1/TFC_1W1A.onnx")
    assert bits(read_model(path).network, np.array([0, 127, 128, 255])) == [0, 0, 1, 1]
    stated = read_model(path, input_scale=Fraction(1))
    assert stated.warnings == ()
    assert bits(stated.network, np.array([0.0, 0.49, 0.5, 1.0])) == [0, 0, 1, 1]
    assert bits(read_model(path, input_scale=Fraction(1, 16)).network, np.array([0, 7, 8, 16])) == [0, 0, 1, 1]
    with pytest.raises(RequestError, match=rf"^{path}: --input-scale must be positive, not -1/2$"):
        read_model(path, input_scale=Fraction(-1, 2))
