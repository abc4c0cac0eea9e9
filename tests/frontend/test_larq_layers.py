"""Larq's functional models and other layers: equal to Keras' layers in NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
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
    save,
    sign,
)
from tests.frontend.test_larq import compare

RANDOM = np.random.default_rng


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("fill", [None, 1.0, 0.0])
def test_depthwise_and_separable(multiplier: int, scaled: bool, fill: float | None, tmp_path: Path) -> None:
    """Keras' outputs of a depthwise convolution: a channel's neurons side by side."""
    random = RANDOM(6)
    how = "magnitude_aware_sign" if scaled else "ste_sign"
    window: dict[str, Any] = {"kernel_size": [3, 2], "strides": [1, 1], "use_bias": True, "input_quantizer": "ste_sign"}
    window |= {"padding": "valid"} if fill is None else {"padding": "same", "pad_values": fill}
    outputs = 3 * multiplier
    layers = [
        layer("QuantDepthwiseConv2D", "d", depthwise_quantizer=how, depth_multiplier=multiplier, **window),
        norm("n"),
        layer(
            "Larq>QuantSeparableConv2D", "s", filters=4, depth_multiplier=multiplier, depthwise_quantizer="ste_sign",
            pointwise_quantizer=how, **window,
        ),
        norm("o"),
        layer("Flatten", "f"),
        dense("e", 3),
        norm("p"),
    ]  # fmt: skip
    arrays = {
        "d/depthwise_kernel": kernel(random, 3, 2, 3, multiplier),
        "d/bias": kernel(random, outputs),
        "s/depthwise_kernel": kernel(random, 3, 2, outputs, multiplier),
        "s/pointwise_kernel": kernel(random, 1, 1, outputs * multiplier, 4),
        "s/bias": kernel(random, 4),
        "input_bits": 3,
        "input_offset": -3.5,
        **normal(random, "n", outputs),
        **normal(random, "o", 4),
        **normal(random, "p", 3),
    }
    samples = random.integers(0, 8, (12, 7, 6, 3))

    def depthwise(x: np.ndarray, weights: np.ndarray, scaled: bool) -> np.ndarray:
        """One convolution for each channel, all its neurons."""
        scale = np.abs(weights).mean(axis=(0, 1, 2), dtype=np.float32).astype(float) if scaled else 1.0
        parts = [convolved(x[..., [c]], sign(weights[:, :, [c]]), same=fill) for c in range(x.shape[-1])]
        return np.concatenate([part * scale for part in parts], axis=-1)

    x = depthwise(sign(samples - 3.5), arrays["d/depthwise_kernel"], scaled) + arrays["d/bias"]
    x = depthwise(sign(normed(x, arrays, "n")), arrays["s/depthwise_kernel"], False)
    point = arrays["s/pointwise_kernel"][0, 0]
    alpha = np.abs(point).mean(axis=0, dtype=np.float32).astype(float) if scaled else 1.0
    x = normed(alpha * (x @ sign(point)) + arrays["s/bias"], arrays, "o")
    x = sign(x).reshape(len(x), -1)
    arrays["e/kernel"] = kernel(random, x.shape[1], 3)
    path = save(tmp_path / "m.npz", bundle((7, 6, 3), layers, arrays))
    compare(path, samples, normed(x @ sign(arrays["e/kernel"]), arrays, "p"))


@pytest.mark.parametrize(
    "padding, before, behind", [("valid", 0, 0), ("causal", 4, 0), ("same", 1, 2)], ids=["valid", "causal", "same"]
)
def test_signals(padding: str, before: int, behind: int, tmp_path: Path) -> None:
    """Signals of (length, channels); causal padding is all before. Here kernel 3, dilation 2 and stride 1 or 2."""
    random = RANDOM(8)
    layers = [
        layer("QuantConv1D", "a", filters=5, kernel_size=[4 if padding == "same" else 3],
              strides=[2 if padding == "same" else 1], dilation_rate=[1 if padding == "same" else 2], padding=padding,
              use_bias=False, kernel_quantizer="ste_sign", input_quantizer=None),
        norm("n"),
        layer("MaxPooling1D", "p", pool_size=[2], strides=[2], padding="valid"),
        layer("QuantConv1D", "b", filters=4, kernel_size=3, input_quantizer="ste_sign", kernel_quantizer="ste_sign",
              use_bias=False),
        layer("GlobalAveragePooling1D", "g"),
        norm("o"),
        dense("e", 3),
        norm("m"),
    ]  # fmt: skip
    arrays = {
        "a/kernel": kernel(random, 4 if padding == "same" else 3, 2, 5),
        "b/kernel": kernel(random, 3, 5, 4),
        "e/kernel": kernel(random, 4, 3),
        "input_bits": 4,
        **normal(random, "n", 5),
        **normal(random, "o", 4),
        **normal(random, "m", 3),
    }
    samples = random.integers(0, 16, (20, 15, 2))
    padded = np.pad(samples, ((0, 0), (before, behind), (0, 0)))
    weights = sign(arrays["a/kernel"])
    step, stride = (1, 2) if padding == "same" else (2, 1)
    length = (padded.shape[1] - step * (len(weights) - 1) - 1) // stride + 1
    x = sum(
        padded[:, k * step : k * step + stride * (length - 1) + 1 : stride] @ weight for k, weight in enumerate(weights)
    )
    x = sign(normed(np.asarray(x), arrays, "n"))
    x = x[:, : x.shape[1] // 2 * 2].reshape(len(x), -1, 2, 5).max(axis=2)
    x = sum(x[:, k : x.shape[1] - 2 + k] @ sign(weight) for k, weight in enumerate(arrays["b/kernel"]))
    path = save(tmp_path / "m.npz", bundle((15, 2), layers, arrays))
    x = sign(normed(np.asarray(x).mean(axis=1), arrays, "o"))
    compare(path, samples, normed(x @ sign(arrays["e/kernel"]), arrays, "m"))


def test_steps_and_reshapes(tmp_path: Path) -> None:
    """Relu, LeakyReLU and PReLU before a sign, a Reshape of pixels to a map, a global pool."""
    random = RANDOM(9)
    layers = [
        layer("Reshape", "r", target_shape=[6, -1, 1]),
        conv("c", 4, None, activation="relu"),
        norm("n"),
        layer("LeakyReLU", "l", alpha=0.25),
        conv("d", 5),
        layer("PReLU", "p", shared_axes=[1, 2]),
        norm("o"),
        layer("GlobalMaxPooling2D", "g"),
        dense("e", 3),
        norm("m"),
    ]
    arrays = {
        "c/kernel": kernel(random, 3, 3, 1, 4),
        "d/kernel": kernel(random, 3, 3, 4, 5),
        "e/kernel": kernel(random, 5, 3),
        "p/alpha": np.abs(kernel(random, 1, 1, 5)),
        "input_bits": 3,
        **normal(random, "n", 4),
        **normal(random, "o", 5),
        **normal(random, "m", 3),
    }
    samples = random.integers(0, 8, (30, 42))
    x = np.maximum(convolved(samples.reshape(-1, 6, 7, 1).astype(float), sign(arrays["c/kernel"])), 0)
    x = normed(x, arrays, "n")
    x = convolved(sign(np.where(x < 0, x / 4, x)), sign(arrays["d/kernel"]))
    x = normed(np.where(x < 0, x * arrays["p/alpha"], x), arrays, "o").max(axis=(1, 2))
    path = save(tmp_path / "m.npz", bundle((42,), layers, arrays))
    compare(path, samples, normed(sign(x) @ sign(arrays["e/kernel"]), arrays, "m"))


@pytest.mark.parametrize("pool", ["GlobalMaxPooling2D", "GlobalAveragePooling2D"])
def test_global_pools_that_keep_their_dimensions(pool: str, tmp_path: Path) -> None:
    """A convolution of 1 x 1 behind them, and a sequence reshaped to a signal before."""
    random = RANDOM(14)
    layers = [
        conv("c", 4, None, pad_values=1.0, padding="same"),
        norm("n"),
        layer(pool, "g", keepdims=True),
        conv("d", 3, kernel_size=[1, 1]),
        layer("Flatten", "f"),
        norm("m"),
    ]
    arrays = {
        "c/kernel": kernel(random, 3, 3, 2, 4),
        "d/kernel": kernel(random, 1, 1, 4, 3),
        "input_bits": 3,
        **normal(random, "n", 4),
        **normal(random, "m", 3),
    }
    samples = random.integers(0, 8, (40, 5, 4, 2))
    x = normed(convolved(samples.astype(float), sign(arrays["c/kernel"]), same=1.0), arrays, "n")
    x = (x.max(axis=(1, 2)) if "Max" in pool else x.mean(axis=(1, 2)))[:, None, None]
    x = convolved(sign(x), sign(arrays["d/kernel"]))[:, 0, 0]
    compare(save(tmp_path / "m.npz", bundle((5, 4, 2), layers, arrays)), samples, normed(x, arrays, "m"))


def test_a_list_as_a_signal(tmp_path: Path) -> None:
    random = RANDOM(15)
    layers = [
        layer("Reshape", "r", target_shape=[-1, 2]),
        {**conv("c", 4, None, kernel_size=[3], strides=[1], dilation_rate=[1]), "class_name": "QuantConv1D"},
        norm("n"),
        layer("Flatten", "f"),
        dense("d", 3),
    ]  # fmt: skip
    arrays = {
        "c/kernel": kernel(random, 3, 2, 4),
        "d/kernel": kernel(random, 6 * 4, 3),
        "input_bits": 3,
        **normal(random, "n", 4),
    }
    samples = random.integers(0, 8, (40, 16))
    signal = samples.reshape(40, 8, 1, 2).astype(float)
    x = sign(normed(convolved(signal, sign(arrays["c/kernel"])[:, None]), arrays, "n")).reshape(40, -1)
    network = streamline(read_model(save(tmp_path / "m.npz", bundle((16,), layers, arrays))).network).network
    due = (x @ sign(arrays["d/kernel"])).argmax(axis=1)
    assert evaluate(network, network.input.encode(samples)).classes.tolist() == due.tolist()


@pytest.mark.parametrize("most", [None, 6.0])
def test_rectifiers_with_and_without_a_greatest_value(most: float | None, tmp_path: Path) -> None:
    """MobileNet's, before a quantizer of two bits."""
    random = RANDOM(12)
    layers = [
        dense("a", 9, None),
        layer("ReLU", "r", **({} if most is None else {"max_value": most, "negative_slope": 0.0, "threshold": 0})),
        norm("n"),
        dense("b", 3, {"class_name": "DoReFa", "config": {"k_bit": 2}}),
    ]
    arrays = {
        "a/kernel": kernel(random, 12, 9),
        "b/kernel": kernel(random, 9, 3),
        "input_bits": 4,
        **normal(random, "n", 9),
    }
    samples = random.integers(0, 16, (60, 12))
    x = np.clip(samples @ sign(arrays["a/kernel"]), 0, np.inf if most is None else most)
    x = np.rint(3 * np.clip(normed(x, arrays, "n"), 0, 1)) / 3
    path = save(tmp_path / "m.npz", bundle((12,), layers, arrays))
    compare(path, samples, x @ sign(arrays["b/kernel"]), exact=False)


def test_average_at_the_end(tmp_path: Path) -> None:
    """An all-convolutional network: its scores are averages over the map."""
    random = RANDOM(10)
    layers = [
        conv("c", 4, None),
        norm("n"),
        conv("d", 3, kernel_size=[1, 1]),
        layer("GlobalAveragePooling2D", "g"),
        norm("m"),
        layer("Activation", "a", activation={"class_name": "function", "config": "softmax"}),
    ]
    arrays = {
        "c/kernel": kernel(random, 3, 3, 2, 4),
        "d/kernel": kernel(random, 1, 1, 4, 3),
        "input_bits": 3,
        **normal(random, "n", 4),
        **normal(random, "m", 3),
    }
    samples = random.integers(0, 8, (40, 6, 5, 2))
    x = sign(normed(convolved(samples.astype(float), sign(arrays["c/kernel"])), arrays, "n"))
    x = convolved(x, sign(arrays["d/kernel"])).mean(axis=(1, 2))
    path = save(tmp_path / "m.npz", bundle((6, 5, 2), layers, arrays))
    compare(path, samples, normed(x, arrays, "m"), exact=False)


def test_one_output(tmp_path: Path) -> None:
    """A sigmoid at the end is left out: the score decides by its sign. One before a quantizer is a step."""
    random = RANDOM(11)
    layers = [
        dense("a", 9, None),
        norm("n"),
        layer("Activation", "s", activation="sigmoid"),
        dense("b", 1, {"class_name": "DoReFa", "config": {"k_bit": 2}}, activation="sigmoid", use_bias=True),
    ]
    arrays = {
        "a/kernel": kernel(random, 12, 9),
        "b/kernel": kernel(random, 9, 1),
        "b/bias": np.array([0.25], np.float32),
        "input_bits": 4,
        **normal(random, "n", 9),
    }
    samples = random.integers(0, 16, (60, 12))
    x = normed(samples @ sign(arrays["a/kernel"]), arrays, "n")
    x = np.rint(3 / (1 + np.exp(-x))) / 3
    scores = (x @ sign(arrays["b/kernel"]) + 0.25)[:, 0]
    network = streamline(read_model(save(tmp_path / "m.npz", bundle((12,), layers, arrays))).network).network
    classes = evaluate(network, network.input.encode(samples)).classes
    assert 0 < classes.mean() < 1
    assert classes.tolist() == (scores >= 0).astype(int).tolist()
