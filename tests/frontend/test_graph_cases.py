"""Files of the kinds that were refused without need: what they compute, against onnxruntime or by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.call import QUANT_DOMAINS
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.models import DOMAIN, model, node, parts, write
from tests.frontend.qonnx_package import execute_all


@pytest.mark.parametrize("domain", QUANT_DOMAINS)
def test_domains_of_quantizers(tmp_path: Path, domain: str) -> None:
    """The names that quantizers had over time, none included, mean the same."""
    nodes, constants = parts(quantizer="quant")
    expected = read_model(write(model(nodes, constants), tmp_path / "m.onnx")).network
    for item in nodes:
        item.domain = domain if item.domain == DOMAIN else ""
    found = read_model(write(model(nodes, constants), tmp_path / "n.onnx")).network
    assert (found.input, found.layers) == (expected.input, expected.layers)


def test_domains_of_thresholds(tmp_path: Path) -> None:
    for domain in QUANT_DOMAINS:
        nodes, constants = parts()
        constants["thresholds"] = np.array([[-1.0], [0.0], [1.0]], np.float32)
        nodes[5] = node("MultiThreshold", ["n0", "thresholds"], "x0", domain, out_scale=2.0, out_bias=-1.0)
        assert read_model(write(model(nodes, constants), tmp_path / "m.onnx")).warnings == ()


def test_qcdq(shared: Path) -> None:
    path = shared / "cases" / "qcdq.onnx"
    x = np.random.default_rng(0).integers(-8, 40, (200, 64)) / 16
    network = streamline(read_model(path).network).network
    weights = next(t for t in onnx.load(path).graph.initializer if t.name == "Wi")
    levels = np.clip(np.rint(x / 0.0625), 0, 255)
    expected = levels @ onnx.numpy_helper.to_array(weights).astype(np.float64)
    assert np.array_equal(evaluate(network, network.input.encode(x)).classes, expected.argmax(axis=1))


@pytest.mark.parametrize("name", ["view", "quant-without-domain", "depthwise-scale"])
def test_graphs_of_qonnx(shared: Path, name: str) -> None:
    path = shared / "cases" / f"{name}.onnx"
    proto = onnx.load(path)
    for item in proto.graph.node:
        item.domain = DOMAIN if item.op_type.endswith("Quant") else item.domain
        for place in reversed(range(len(item.attribute))):
            if item.attribute[place].name == "allowzero":
                del item.attribute[place]
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(0).integers(-20, 20, (30, *shape)) / 8
    end = proto.graph.output[0].name
    proto.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, [1, 3]))
    expected = np.concatenate([execute_all(proto, row[None])[end] for row in x])
    imported = read_model(path)
    network = imported.network
    # A signal is a map of height 1; a test of its samples is not one of this file.
    x = x.reshape(30, *network.input.shape)
    scores = evaluate_trained(network, network.input.encode(x)).scores
    if network.output.steps:
        assert np.array_equal(scores, expected)
    assert np.array_equal(
        evaluate(streamline(network).network, network.input.encode(x)).classes, expected.argmax(axis=1)
    )
