"""Files that other tools wrote (data/README.md): imported, and equal to what their own framework computes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline

DATA = Path(__file__).parent / "data"

End: TypeAlias = Callable[[np.ndarray], np.ndarray]


def plain(scores: np.ndarray) -> np.ndarray:
    return scores


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(scores: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-scores))


BYTES = {"input_scale": Fraction(1, 255)}

MODELS: dict[str, tuple[End, dict[str, Any]]] = {
    "brevitas-mlp-qonnx-script.onnx": (plain, BYTES),
    "brevitas-mlp-qonnx-dynamo.onnx": (plain, BYTES),
    "brevitas-defaults-qonnx-script.onnx": (plain, {}),
    "brevitas-defaults-qonnx-dynamo.onnx": (plain, {}),
    "brevitas-defaults-qcdq-script.onnx": (plain, {}),
    "brevitas-cnn-qonnx-script.onnx": (plain, {}),
    "brevitas-cnn-qonnx-dynamo.onnx": (plain, {}),
    "brevitas-cnn-qcdq-script.onnx": (plain, {}),
    "brevitas-cnn-qcdq-dynamo.onnx": (plain, {}),
    "brevitas-binarycnn-qonnx-script.onnx": (plain, BYTES),
    "brevitas-binarycnn-qonnx-dynamo.onnx": (plain, BYTES),
    **{f"brevitas-residual-{kind}.onnx": (plain, {})
       for kind in ("qonnx-script", "qonnx-dynamo", "qcdq-script", "qcdq-dynamo")},
    "finn-mlp-finn.onnx": (plain, BYTES),
    "finn-mlp-streamlined.onnx": (plain, BYTES),
    "finn-binarycnn-finn.onnx": (plain, BYTES),
    "finn-binarycnn-streamlined.onnx": (plain, BYTES),
    "finn-residual-finn.onnx": (plain, {}),
    "finn-residual-streamlined.onnx": (plain, {}),
    "finn-defaults-finn.onnx": (plain, {}),
    "qkeras-jets.onnx": (softmax, {"input_scale": Fraction(1, 32), "input_type": "int8"}),
    "qkeras-maps.onnx": (softmax, {"input_scale": Fraction(1, 8), "input_type": "uint4"}),
    "qkeras-jets-quantized.onnx": (softmax, {"input_scale": Fraction(1, 32)}),
    "larq-mlp.npz": (softmax, {}),
    "larq-cnn.npz": (softmax, {}),
    "larq-functional.npz": (sigmoid, {}),
}  # fmt: skip
"""What the tool's graph ends in and the import leaves out, and what is said of the file on the command line."""

FLOAT32 = 1e-5
"""How far apart scores may be, relative to the greatest: the frameworks compute them in float32, we in float64."""


@pytest.mark.parametrize("name", MODELS)
def test_equal_to_its_framework(name: str) -> None:
    """Every score to float32, and every class, of the import and of its integers."""
    end, given = MODELS[name]
    imported = read_model(DATA / name, **given)
    tool, network = name.partition(".")[0].split("-")[:2]
    # FINN turned Brevitas' files into its own.
    with np.load(DATA / f"{'brevitas' if tool == 'finn' else tool}-{network}-outputs.npz") as outputs:
        samples, scores = outputs["samples"], outputs["scores"].astype(np.float64)
    codes = imported.network.input.encode(samples.reshape(len(samples), *imported.network.input.sample_shape))
    trained = evaluate_trained(imported.network, codes)
    integer = evaluate(streamline(imported.network).network, codes)
    assert len(scores) >= 200
    bound = FLOAT32 * np.abs(scores).max()
    np.testing.assert_allclose(end(trained.scores), scores, rtol=0, atol=bound)
    if scores.shape[1] == 1:
        # One output decides: what its end makes of 0 lies between the classes.
        classes = (scores[:, 0] >= end(np.zeros(1))[0]).astype(int)
    else:
        classes = scores.argmax(axis=1)
    assert len(np.unique(classes)) > 1
    assert trained.classes.tolist() == classes.tolist()
    assert integer.classes.tolist() == classes.tolist()
