"""Larq models as .npz: equal to Keras' layers in NumPy, and refused by layer and array."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import BnnhwError, FileError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import DataType
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.cli.conftest import run

Layers = list[dict[str, Any]]
Arrays = dict[str, Any]


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


def compare(path: Path, samples: np.ndarray, expected: np.ndarray) -> None:
    """Scores of the import, and classes of the integers, for samples (frames, height, width, channels) or flat."""
    imported = read_model(path)
    assert imported.format == imported.network.provenance["format"] == "larq"
    frames = samples.transpose(0, 3, 1, 2) if samples.ndim == 4 else samples
    codes = imported.network.input.encode(frames)
    scores = evaluate_trained(imported.network, codes).scores
    if not imported.network.output.steps:
        # Without steps a score is the accumulator p, and the dot product 2p - K.
        scores = 2 * scores - imported.network.dense[-1].synapses
    assert scores.tolist() == expected.tolist()
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


def good() -> tuple[Layers, Arrays]:
    random = np.random.default_rng(4)
    layers = [conv("c", 4, None), norm("n"), layer("Flatten", "f"), dense("d", 3)]
    arrays = {
        "c/kernel": kernel(random, 3, 3, 2, 4),
        "d/kernel": kernel(random, 4 * 4 * 5, 3),
        **normal(random, "n", 4),
    }
    return layers, arrays


def refuse(path: Path, content: Arrays, kind: type[BnnhwError], message: str) -> None:
    save(path, content)
    with pytest.raises(kind, match=rf"^{re.escape(f'{path}: {message}')}$"):
        read_model(path)


CHANGES: list[tuple[Callable[[Layers, Arrays], object], type[BnnhwError], str]] = [
    (lambda _, a: a.pop("c/kernel"), FileError, "array 'c/kernel' is missing"),
    (
        lambda _, a: a.update({"d/kernel": a["d/kernel"][:-1]}),
        FileError,
        "array 'd/kernel' must be float32 (80, 3), not <f4 (79, 3)",
    ),
    (
        lambda _, a: a.update({"d/kernel": a["d/kernel"].astype(float)}),
        FileError,
        "array 'd/kernel' must be float32 (80, 3), not <f8 (80, 3)",
    ),
    (
        lambda _, a: a.update({"n/beta": np.full(4, np.nan, np.float32)}),
        FileError,
        "array 'n/beta' must hold finite numbers",
    ),
    (
        lambda _, a: a.update({"x": np.zeros(3)}),
        FileError,
        "holds members that its header does not call for: x.npy",
    ),
    (
        lambda _, a: a.update({"d/kernel": np.array([{}], object)}),
        FileError,
        "array 'd/kernel' must be float32 (80, 3), not |O (1,)",
    ),
    (lambda _, a: a.update(input_bits=9), FileError, "array 'input_bits' must be 1 to 8, not 9"),
    (
        lambda _, a: a.update(input_scale=-1.0),
        FileError,
        "arrays 'input_scale' and 'input_offset' must be finite, the first positive, not -1.0 and 0.0",
    ),
    (
        lambda ls, _: ls[3]["config"].update(input_quantizer=None),
        UnsupportedError,
        "layer d: input_quantizer must be given, since its inputs are real numbers",
    ),
    (
        lambda ls, _: ls[0]["config"].update(kernel_quantizer=None),
        UnsupportedError,
        "layer c: kernel_quantizer must be given, since its weights are real numbers",
    ),
    (
        lambda ls, _: ls[0]["config"].update(kernel_quantizer="ste_tern"),
        UnsupportedError,
        "layer c: kernel_quantizer must be one of ste_sign, approx_sign, swish_sign, magnitude_aware_sign, "
        "not 'ste_tern'",
    ),
    (
        lambda ls, _: ls[3]["config"].update(input_quantizer="magnitude_aware_sign"),
        UnsupportedError,
        "layer d: input_quantizer must be a plain sign, not 'magnitude_aware_sign'",
    ),
    (lambda ls, _: ls.pop(2), UnsupportedError, "layer d: a Flatten must stand before it"),
    (lambda ls, _: ls.pop(3), UnsupportedError, "layer r: 'ReLU' is not supported"),
    (
        lambda ls, _: ls[0]["config"].update(padding="causal"),
        UnsupportedError,
        "layer c: padding must be 'valid' or 'same', not 'causal'",
    ),
    (
        lambda ls, _: ls[0]["config"].update(padding="same", pad_values=0.5),
        UnsupportedError,
        "layer c: pad_values must be -1, 0 or 1, not 0.5",
    ),
    (lambda ls, _: ls[0]["config"].update(groups=2), UnsupportedError, "layer c: groups must be 1, not 2"),
    (
        lambda ls, _: ls[0]["config"].update(kernel_size=[9, 3]),
        UnsupportedError,
        "layer c: its window must fit a map of 6 x 7",
    ),
    (
        lambda ls, _: ls[0]["config"].update(strides="2"),
        FileError,
        "layer c: strides must be two positive numbers, not '2'",
    ),
    (
        lambda ls, _: ls[0]["config"].update(filters=0),
        FileError,
        "layer c: filters must be a positive number, not 0",
    ),
    (
        lambda ls, _: ls[0]["config"].update(data_format="channels_first"),
        UnsupportedError,
        "layer c: data_format must be 'channels_last', not 'channels_first'",
    ),
    (lambda ls, _: ls[1]["config"].update(axis=1), UnsupportedError, "layer n: axis must be the last, not 1"),
    (
        lambda ls, _: ls[1]["config"].update(epsilon="x"),
        FileError,
        "layer n: epsilon must be a number, not 'x'",
    ),
    (
        lambda ls, _: ls[0]["config"].update(activation="softmax"),
        UnsupportedError,
        "layer n: nothing may follow the softmax of layer c",
    ),
    (
        lambda ls, _: ls[0]["config"].update(activation="relu"),
        UnsupportedError,
        "layer c: activation must be one of ste_sign, approx_sign, swish_sign, magnitude_aware_sign, not 'relu'",
    ),
    (
        lambda ls, _: ls[2]["config"].update(name="c"),
        FileError,
        "array 'architecture' must have a name of its own for each layer",
    ),
]


@pytest.mark.parametrize("change, kind, message", CHANGES, ids=[message[:40] for _, _, message in CHANGES])
def test_refused(
    change: Callable[[Layers, Arrays], object], kind: type[BnnhwError], message: str, tmp_path: Path
) -> None:
    layers, arrays = good()
    assert read_model(save(tmp_path / "good.npz", bundle((6, 7, 2), layers, arrays))).format == "larq"
    if "ReLU" in message:
        layers.append(layer("ReLU", "r"))
    change(layers, arrays)
    refuse(tmp_path / "m.npz", bundle((6, 7, 2), layers, arrays), kind, message)


@pytest.mark.parametrize(
    "text, kind, message",
    [
        ("{", FileError, "array 'architecture' must be the JSON of a Keras model"),
        ("[]", FileError, "array 'architecture' must be the JSON of a Keras model"),
        (
            '{"class_name": "Functional", "config": []}',
            UnsupportedError,
            "a Keras model must be Sequential, not 'Functional'",
        ),
        ('{"class_name": "Sequential", "config": []}', FileError, "array 'architecture' must have at least one layer"),
        (
            '{"class_name": "Sequential", "config": [{"class_name": "Flatten", "config": {"name": "f"}}]}',
            FileError,
            "array 'architecture' must have a first layer of a shape of (features) or (height, width, channels), "
            "not None",
        ),
        (
            '{"class_name": "Sequential", "config": [{"class_name": "Flatten", "config": {"name": "f", '
            '"batch_shape": [null, 4]}}]}',
            UnsupportedError,
            "a Larq model must end in the scores of a QuantDense layer",
        ),
    ],
)
def test_refused_architectures(text: str, kind: type[BnnhwError], message: str, tmp_path: Path) -> None:
    refuse(tmp_path / "m.npz", {"architecture": np.frombuffer(text.encode(), np.uint8)}, kind, message)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    data = save(tmp_path / "m.npz", bundle((6, 7, 2), *good())).read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(4, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: must be an ONNX model, not an archive"):
            read_model(path)


def test_no_byte_flip_gets_past(tmp_path: Path) -> None:
    """A changed byte is noticed by the archive's checksums, or changes nothing that is read."""
    whole = save(tmp_path / "m.npz", bundle((6, 7, 2), *good())).read_bytes()
    expected = read_model(tmp_path / "m.npz").network.layers
    random, path = np.random.default_rng(0), tmp_path / "flipped.npz"
    messages: list[str] = []
    for place in random.integers(4, len(whole), 150).tolist():
        data = bytearray(whole)
        data[place] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(data))
        try:
            found = read_model(path).network.layers
        except (FileError, UnsupportedError) as error:
            messages.append(str(error))
        else:
            assert found == expected
    assert len(messages) > 100
    assert all(message.startswith(f"{path}: ") and "\n" not in message for message in messages)


JUNK: list[Any] = [
    None, True, -1, 0, 2, 10**30, 1.5, float("nan"), "", "x", [], [1, 2], [[1]], {}, {"class_name": None}, "same",
    "ste_sign", "softmax", [3],
]  # fmt: skip
NUMBERS = [3, 0, 1.0, -2.0, float("nan"), 1e300, 1e-300, np.zeros(2)]


def test_any_option_is_read_or_refused(tmp_path: Path) -> None:
    """Options, classes and input arrays replaced by others: never anything but one line."""
    random, path = np.random.default_rng(7), tmp_path / "m.npz"
    read, messages = 0, []
    for _ in range(250):
        layers, arrays = good()
        layers.insert(2, layer("MaxPooling2D", "p", pool_size=[1, 1], strides=None, padding="valid"))
        chosen = layers[int(random.integers(len(layers)))]
        if random.random() < 0.1:
            chosen["class_name"] = ["Flatten", "Dropout", "AveragePooling2D", None][int(random.integers(4))]
        else:
            options = [*chosen["config"], "axis", "pad_values", "activation"]
            chosen["config"][options[int(random.integers(len(options)))]] = JUNK[int(random.integers(len(JUNK)))]
        if random.random() < 0.2:
            name = ("input_bits", "input_scale", "input_offset")[int(random.integers(3))]
            arrays[name] = NUMBERS[int(random.integers(len(NUMBERS)))]
        save(path, bundle((6, 7, 2), layers, arrays))
        try:
            read_model(path)
            read += 1
        except (FileError, UnsupportedError) as error:
            messages.append(str(error))
    assert read > 50 and len(messages) > 50
    assert all(message.startswith(f"{path}: ") and "\n" not in message for message in messages)
