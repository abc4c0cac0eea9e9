"""What tests of convolutional graphs check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from bnnhw.frontend import read_model
from bnnhw.ir import Network, walk
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all


def check(proto: onnx.ModelProto, path: Path, low: int = 0, high: int = 16, number: int = 40) -> Network:
    """Scores as trained are equal, classes streamlined are; the streamlined network."""
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(7).integers(4 * low, 4 * high, (number, *shape)).astype(np.float32) / 4
    expected = execute_all(proto, x)["scores"]
    assert len(np.unique(expected)) > 3  # neither constant nor saturated
    imported = read_model(write(proto, path))
    network = imported.network
    codes = network.input.encode(x.reshape(number, -1) if len(shape) == 2 else x)
    assert np.array_equal(evaluate_trained(network, codes).scores, expected)
    result = streamline(network)
    assert result.warnings == ()
    assert np.array_equal(evaluate(result.network, codes).classes, expected.argmax(axis=1))
    return result.network


def kinds(network: Network) -> list[str]:
    return [type(layer).__name__ for layer in walk(network.layers)]
