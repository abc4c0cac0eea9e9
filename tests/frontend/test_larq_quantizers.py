"""All of Larq's quantizers: equal to TensorFlow's in NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import DataType
from tests.frontend.larq_models import bundle, chain, dense, kernel, layer, norm, normal, normed, save
from tests.frontend.refusals import refuse
from tests.frontend.test_larq import compare


def _ternary(x: np.ndarray, threshold: float) -> np.ndarray:
    return np.sign(np.sign(x + threshold) + np.sign(x - threshold))


def _dorefa(x: np.ndarray, n: int) -> np.ndarray:
    """On weights."""
    limited = np.tanh(x)
    return 2 * np.rint(n * (limited / (2 * np.abs(limited).max()) + 0.5)) / n - 1


def quantizer(kind: str, **config: Any) -> dict[str, Any]:
    return {"module": "larq.quantizers", "class_name": kind, "config": config, "registered_name": kind}


KERNELS: list[tuple[Any, Any]] = [
    ("ste_heaviside", lambda w: (w > 0).astype(float)),
    ("ste_tern", lambda w: _ternary(w, np.float32(0.05))),
    (quantizer("SteTern", threshold_value=0.5), lambda w: _ternary(w, 0.5)),
    (quantizer("SteTern", ternary_weight_networks=True), lambda w: _ternary(w, 0.7 * np.abs(w).mean())),
    ("dorefa_quantizer", lambda w: np.rint(3 * np.clip(w, 0, 1)) / 3),
    (quantizer("DoReFa", k_bit=3, mode="weights"), lambda w: _dorefa(w, 7)),
    (quantizer("DoReFa", k_bit=1, mode="weights"), lambda w: _dorefa(w, 1)),
]
INPUTS: list[tuple[Any, Any, str]] = [
    ("ste_heaviside", lambda x: (x > 0).astype(float), "uint1"),
    ("ste_tern", lambda x: _ternary(x, np.float32(0.05)), "int2"),
    (quantizer("SteTern", threshold_value=2.0), lambda x: _ternary(x, 2.0), "int2"),
    (quantizer("DoReFa", k_bit=3), lambda x: np.rint(7 * np.clip(x, 0, 1)) / 7, "uint3"),
]


@pytest.mark.parametrize("number", range(max(len(KERNELS), len(INPUTS))))
def test_quantizers(number: int, tmp_path: Path) -> None:
    """Sums that meet the thresholds exactly, weights of 0 among them."""
    (kernel_how, quantize), random = KERNELS[number % len(KERNELS)], np.random.default_rng(number)
    input_how, activate, dtype = INPUTS[number % len(INPUTS)]
    layers = [
        dense("a", 6, None, kernel_quantizer=kernel_how, use_bias=True),
        dense("b", 5, input_how, kernel_quantizer=kernel_how),
        norm("m"),
    ]
    arrays = {
        "a/kernel": kernel(random, 8, 6),
        "a/bias": (random.integers(-4, 5, 6) / 2).astype(np.float32),
        "b/kernel": kernel(random, 6, 5),
        "input_bits": 3,
        "input_offset": -3.5,
        **normal(random, "m", 5),
    }
    arrays["a/kernel"][:, 0] = arrays["a/kernel"][0] = 0
    samples = random.integers(0, 8, (60, 8))
    # Sums of sevenths and thirds have no float64 of their own: rounded, they are again on either side of nothing.
    x = np.round((samples - 3.5) @ quantize(arrays["a/kernel"].astype(float)) + arrays["a/bias"], 12)
    x = activate(x) @ quantize(arrays["b/kernel"].astype(float))
    path = save(tmp_path / "m.npz", bundle((8,), layers, arrays))
    imported = read_model(path)
    assert imported.network.chain[0].output == DataType(dtype[:-1], int(dtype[-1]))
    compare(path, samples, normed(x, arrays, "m"), exact=False)


@pytest.mark.parametrize(
    "option, value, message",
    [
        ("input_quantizer", quantizer("SteTern", ternary_weight_networks=True),
         "input_quantizer must have no ternary_weight_networks: its threshold would depend on the batch"),
        ("input_quantizer", quantizer("DoReFa", mode="weights"),
         "input_quantizer must have mode 'activations': that of weights depends on the batch"),
        ("input_quantizer", quantizer("DoReFa", k_bit=9), "input_quantizer must have a k_bit of 1 to 8, not 9"),
        ("kernel_quantizer", quantizer("DoReFa", k_bit="2"), "kernel_quantizer must have a k_bit of 1 to 8, not '2'"),
        ("kernel_quantizer", quantizer("SteTern", threshold_value=0),
         "kernel_quantizer must have a positive threshold_value, not 0"),
        ("kernel_quantizer", quantizer("NoOp", precision=1),
         "kernel_quantizer must be given, since its weights are real numbers"),
        ("input_quantizer", quantizer("NoOp", precision=1),
         "input_quantizer must be given, since its inputs are real numbers"),
    ],
)  # fmt: skip
def test_refused_quantizers(option: str, value: Any, message: str, tmp_path: Path) -> None:
    layers, arrays, *_ = chain()
    layers[2]["config"][option] = value
    refuse(save(tmp_path / "m.npz", bundle((12,), layers, arrays)), UnsupportedError, f"layer b: {message}")


@pytest.mark.parametrize("kind, weights, cause", [
    ("DoReFa", [0.0, 0.5, 1.0], "one lies between two levels, to float32"),
    ("SteTern", [0.7, 1.0, 1.3], "one lies at the threshold, 0.7 times the mean of |w|, to float32"),
])  # fmt: skip
def test_weights_at_a_bound(kind: str, weights: list[float], cause: str, tmp_path: Path) -> None:
    """Where TensorFlow's float32 decides, and by which release, the weight is refused."""
    layers, arrays, *_ = chain()
    config = {"mode": "weights", "k_bit": 2, "ternary_weight_networks": True}
    layers[2]["config"]["kernel_quantizer"] = quantizer(kind, **config)
    column = np.array(weights)
    if kind == "DoReFa":
        # Of three levels per side, 2 / 3 is halfway: tanh(w) = 2 / 3 tanh(1).
        column = np.array([0.0, np.arctanh(2 / 3 * np.tanh(1.0)), 1.0])
    arrays["b/kernel"] = np.tile(column, 12).reshape(9, 4).astype(np.float32)
    refuse(
        save(tmp_path / "m.npz", bundle((12,), layers, arrays)),
        UnsupportedError,
        f"layer b: kernel_quantizer must tell its weights apart: {cause}",
    )


def test_quantizer_as_a_layer(tmp_path: Path) -> None:
    """Then the next layer needs none of its own."""
    layers, arrays, samples, scores = chain()
    layers[2]["config"]["input_quantizer"] = None
    layers.insert(2, layer("ApproxSign", "q", clip_value=1.0))
    compare(save(tmp_path / "m.npz", bundle((12,), layers, arrays)), samples, scores)
    layers[2] = layer("MagnitudeAwareSign", "q")
    path = save(tmp_path / "n.npz", bundle((12,), layers, arrays))
    refuse(path, UnsupportedError, "layer q: it must be a plain sign, not 'magnitude_aware_sign'")
