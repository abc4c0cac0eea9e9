"""Larq models for tests as their .npz holds them, and what Keras computes, in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Layers: TypeAlias = list[dict[str, Any]]
Arrays: TypeAlias = dict[str, Any]


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}}


def dense(name: str, units: int, quantizer: Any = "ste_sign", **config: Any) -> dict[str, Any]:
    defaults = {"use_bias": False, "kernel_quantizer": "ste_sign", "activation": "linear", "input_quantizer": quantizer}
    return layer("QuantDense", name, units=units, **(defaults | config))


def conv(name: str, filters: int, quantizer: Any = "ste_sign", **config: Any) -> dict[str, Any]:
    defaults = {
        "kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [1, 1], "padding": "valid", "groups": 1,
        "use_bias": False, "kernel_quantizer": "ste_sign", "input_quantizer": quantizer, "pad_values": 0.0,
        "data_format": "channels_last", "activation": "linear",
    }  # fmt: skip
    return layer("Larq>QuantConv2D", name, filters=filters, **(defaults | config))


def norm(name: str, **config: Any) -> dict[str, Any]:
    return layer("BatchNormalization", name, **({"epsilon": 2.0**-10, "scale": True, "center": True} | config))


def bundle(shape: tuple[int, ...], layers: Layers, arrays: Arrays) -> dict[str, Any]:
    first = layer("InputLayer", "input_1", batch_input_shape=[None, *shape])
    text = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [first, *layers]}})
    return {"architecture": np.frombuffer(text.encode(), np.uint8), **arrays}


def save(path: Path, content: Arrays) -> Path:
    with path.open("wb") as file:
        np.savez(file, **content)
    return path


def normal(random: np.random.Generator, name: str, channels: int, gamma: bool = True) -> Arrays:
    found = {
        "gamma": random.normal(0, 1, channels),
        "beta": random.normal(0, 1, channels),
        "moving_mean": random.normal(0, 2, channels),
        "moving_variance": random.uniform(0.5, 9, channels),
    }
    return {f"{name}/{n}": a.astype(np.float32) for n, a in found.items() if gamma or n != "gamma"}


def kernel(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.uniform(-1, 1, shape).astype(np.float32)


def sign(x: np.ndarray) -> np.ndarray:
    """Larq's: ``sign(sign(x) + 0.1)``."""
    return np.sign(np.sign(x) + 0.1)


def normed(x: np.ndarray, arrays: Arrays, name: str, epsilon: float = 2.0**-10) -> np.ndarray:
    """Keras' batch normalization over the last axis."""
    a = {n: arrays[f"{name}/{n}"].astype(np.float64) for n in ("beta", "moving_mean", "moving_variance")}
    gamma = arrays.get(f"{name}/gamma", np.ones(len(a["beta"]))).astype(np.float64)
    return gamma * (x - a["moving_mean"]) / np.sqrt(a["moving_variance"] + epsilon) + a["beta"]


def convolved(x: np.ndarray, weights: np.ndarray, stride: int = 1, same: float | None = None) -> np.ndarray:
    """Keras' convolution of maps (frames, height, width, channels), kernels HWIO, padded with ``same`` if not None."""
    frames, height, width, _ = x.shape
    kh, kw = weights.shape[:2]
    if same is not None:
        rows, columns = (
            max((-(-size // stride) - 1) * stride + k - size, 0) for size, k in ((height, kh), (width, kw))
        )
        pads = ((0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0))
        x = np.pad(x, pads, constant_values=same)
    out = [(x.shape[axis] - k) // stride + 1 for axis, k in ((1, kh), (2, kw))]
    result = np.zeros((frames, *out, weights.shape[3]))
    for i in range(out[0]):
        for j in range(out[1]):
            window = x[:, i * stride : i * stride + kh, j * stride : j * stride + kw]
            result[:, i, j] = np.tensordot(window, weights, 3)
    return result


def pooled(x: np.ndarray, size: int) -> np.ndarray:
    frames, height, width, channels = x.shape
    x = x[:, : height // size * size, : width // size * size]
    return x.reshape(frames, height // size, size, width // size, size, channels).max(axis=(2, 4))


def chain() -> tuple[Layers, Arrays, np.ndarray, np.ndarray]:
    """Two dense layers, samples, and their scores."""
    random = np.random.default_rng(5)
    layers = [dense("a", 9, None), norm("n"), dense("b", 4), norm("m")]
    arrays = {
        "a/kernel": kernel(random, 12, 9),
        "b/kernel": kernel(random, 9, 4),
        "input_bits": 4,
        **normal(random, "n", 9),
        **normal(random, "m", 4),
    }
    samples = random.integers(0, 16, (40, 12))
    x = sign(normed(samples @ sign(arrays["a/kernel"]), arrays, "n"))
    return layers, arrays, samples, normed(x @ sign(arrays["b/kernel"]), arrays, "m")
