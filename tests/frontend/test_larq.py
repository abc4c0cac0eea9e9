"""Larq models as .npz: equal to Keras' layers in NumPy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import DataType
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.cli.conftest import run
from tests.frontend.larq_models import (
    bundle,
    conv,
    convolved,
    dense,
    kernel,
    layer,
    norm,
    normal,
    normed,
    pooled,
    save,
    sign,
)


def compare(path: Path, samples: np.ndarray, expected: np.ndarray, *, exact: bool = True) -> None:
    """Scores of the import, and classes of the integers, for samples with channels last, or flat.

    ``exact`` is False where the expected scores have roundings of their own.
    """
    imported = read_model(path)
    assert imported.format == imported.network.provenance["format"] == "larq"
    frames = np.moveaxis(samples, -1, 1).reshape(len(samples), *imported.network.input.shape)
    codes = imported.network.input.encode(frames)
    scores = evaluate_trained(imported.network, codes).scores
    if not imported.network.output.steps:
        # Without steps a score is the accumulator p, and the dot product 2p - K.
        scores = 2 * scores - imported.network.matrices[-1].synapses
    if exact:
        assert scores.tolist() == expected.tolist()
    else:
        np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-12)
    integer = evaluate(streamline(imported.network).network, codes)
    assert integer.classes.tolist() == expected.argmax(axis=1).tolist()


def test_dense_network(tmp_path: Path) -> None:
    """Bytes scaled to -1..1, a bias, a norm without gamma, a softmax at the end."""
    random = np.random.default_rng(0)
    layers = [
        dense("first", 12, None, use_bias=True),
        norm("bn1", scale=False),
        layer("Dropout", "drop", rate=0.5),
        dense("second", 5),
        norm("bn2"),
        layer("Activation", "end", activation="softmax"),
    ]
    arrays = {
        "first/kernel": kernel(random, 30, 12),
        "first/bias": random.integers(-3, 4, 12).astype(np.float32),
        "second/kernel": kernel(random, 12, 5),
        **normal(random, "bn1", 12, gamma=False),
        **normal(random, "bn2", 5),
        "input_bits": 8,
        "input_scale": 1 / 128,
        "input_offset": -1.0,
    }
    arrays["first/kernel"][0, :4] = [0.0, -0.0, 1e-30, -1e-30]
    samples = random.integers(0, 256, (40, 30))
    x = (samples / 128 - 1) @ sign(arrays["first/kernel"]) + arrays["first/bias"]
    x = sign(normed(x, arrays, "bn1"))
    compare(
        save(tmp_path / "m.npz", bundle((30,), layers, arrays)),
        samples,
        normed(x @ sign(arrays["second/kernel"]), arrays, "bn2"),
    )


@pytest.mark.parametrize("fill", [None, 1.0, -1.0, 0.0])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions(fill: float | None, stride: int, tmp_path: Path) -> None:
    """Convolution, pool before the norm, a convolution of signs of every padding, Keras' order of flattening."""
    random = np.random.default_rng(1)
    same = {} if fill is None else {"padding": "same", "pad_values": fill}
    layers = [
        conv("c1", 4, None),
        layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        norm("bn1", axis=[3]),
        conv("c2", 6, {"class_name": "Larq>SteSign", "config": {"clip_value": 1.0}}, strides=[stride, stride], **same),
        norm("bn2", axis=-1),
        layer("Flatten", "flat"),
    ]
    arrays = {
        "c1/kernel": kernel(random, 3, 3, 2, 4),
        "c2/kernel": kernel(random, 3, 3, 4, 6),
        **normal(random, "bn1", 4),
        **normal(random, "bn2", 6),
        "input_bits": 3,
    }
    samples = random.integers(0, 8, (12, 12, 14, 2))
    x = pooled(convolved(samples.astype(float), sign(arrays["c1/kernel"])), 2)
    x = sign(normed(x, arrays, "bn1"))
    x = sign(normed(convolved(x, sign(arrays["c2/kernel"]), stride, fill), arrays, "bn2"))
    x = x.reshape(len(x), -1)
    layers.append(dense("end", 3, activation="softmax"))
    arrays["end/kernel"] = kernel(random, x.shape[1], 3)
    path = save(tmp_path / "m.npz", bundle((12, 14, 2), layers, arrays))
    compare(path, samples, x @ sign(arrays["end/kernel"]))


def test_scaled_weights_and_signs_as_activations(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    layers = [
        dense("a", 8, "approx_sign", kernel_quantizer="magnitude_aware_sign", activation="ste_sign"),
        dense("b", 4, "swish_sign"),
    ]
    arrays = {
        "a/kernel": kernel(random, 10, 8),
        "b/kernel": kernel(random, 8, 4),
        "input_offset": -7.5,
        "input_bits": 4,
    }
    samples = random.integers(0, 16, (30, 10))
    imported = read_model(save(tmp_path / "m.npz", bundle((10,), layers, arrays)))
    assert imported.network.input.dtype == DataType("bipolar", 1)
    assert imported.network.input.thresholds == (7.5,)
    alpha = np.abs(arrays["a/kernel"]).mean(axis=0, dtype=np.float32).astype(float)
    x = sign(alpha * (sign(samples - 7.5) @ sign(arrays["a/kernel"])))
    compare(tmp_path / "m.npz", samples, x @ sign(arrays["b/kernel"]))


def test_command(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    arrays = {"only/kernel": kernel(random, 64, 10), "input_bits": 5}
    path, network = save(tmp_path / "m.npz", bundle((64,), [dense("only", 10, None)], arrays)), tmp_path / "n.bnn"
    result = run("import", path, "-o", network, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["format"] == "larq"
    assert run("evaluate", network, "--dataset", "digits", "-q").exit_code == 0
