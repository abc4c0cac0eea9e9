"""Larq models that are not read: one line each, that names the file, and its layer or array."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import BnnhwError, FileError, UnsupportedError
from bnnhw.frontend import read_model
from tests.frontend.larq_models import Arrays, Layers, bundle, conv, dense, kernel, layer, norm, normal, save
from tests.frontend.mutate_larq import larq_seeds
from tests.frontend.refusals import refuse


def good() -> tuple[Layers, Arrays]:
    random = np.random.default_rng(4)
    layers = [conv("c", 4, None), norm("n"), layer("Flatten", "f"), dense("d", 3)]
    arrays = {
        "c/kernel": kernel(random, 3, 3, 2, 4),
        "d/kernel": kernel(random, 4 * 4 * 5, 3),
        **normal(random, "n", 4),
    }
    return layers, arrays


@pytest.mark.parametrize("epsilon, read", [(0.0, True), (0, True), (-1e-9, False)])
def test_an_epsilon_may_be_zero(tmp_path: Path, epsilon: float, read: bool) -> None:
    layers, arrays = good()
    layers[1]["config"].update(epsilon=epsilon)
    path = save(tmp_path / "m.npz", bundle((6, 7, 2), layers, arrays))
    if read:
        assert read_model(path).network.layers
        return
    with pytest.raises(FileError, match=r"layer n: epsilon must be a number, not -1e-09$"):
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
        lambda ls, _: ls[0]["config"].update(kernel_quantizer="xnor_weight_scale"),
        UnsupportedError,
        "layer c: kernel_quantizer must be one of ste_sign, approx_sign, swish_sign, magnitude_aware_sign, "
        "ste_heaviside, ste_tern, dorefa_quantizer, not 'xnor_weight_scale'",
    ),
    (
        lambda ls, _: ls[3]["config"].update(input_quantizer="magnitude_aware_sign"),
        UnsupportedError,
        "layer d: input_quantizer must be a plain sign, not 'magnitude_aware_sign'",
    ),
    (lambda ls, _: ls.pop(2), UnsupportedError, "layer d: a Flatten must stand before it"),
    (
        lambda ls, _: ls[3].update(class_name="Dense"),
        UnsupportedError,
        "layer d: 'Dense' is not supported: its weights are real numbers: use QuantDense with a kernel_quantizer",
    ),
    (
        lambda ls, _: ls[1].update(class_name="Lambda"),
        UnsupportedError,
        "layer n: 'Lambda' is not supported",
    ),
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
        lambda ls, _: ls[0]["config"].update(activation="elu"),
        UnsupportedError,
        "layer c: activation must be one of ste_sign, approx_sign, swish_sign, magnitude_aware_sign, ste_heaviside, "
        "ste_tern, dorefa_quantizer, relu, tanh, sigmoid, hard_tanh, softmax, log_softmax, not 'elu'",
    ),
    (
        lambda ls, _: ls.__setitem__(2, layer("Reshape", "r", target_shape=[2, 2, 5, 4])),
        UnsupportedError,
        "layer r: target_shape must be one to three sizes, not [2, 2, 5, 4]",
    ),
    (
        lambda ls, _: ls.__setitem__(2, layer("Reshape", "r", target_shape=[])),
        UnsupportedError,
        "layer r: target_shape must be one to three sizes, not []",
    ),
    (
        lambda ls, _: ls.__setitem__(2, layer("Reshape", "r", target_shape=[4, 0])),
        UnsupportedError,
        "layer r: target_shape must be one to three sizes, not [4, 0]",
    ),
    (
        lambda ls, _: ls.__setitem__(2, layer("Reshape", "r", target_shape=[-1, -1])),
        FileError,
        "layer r: target_shape must have 80 elements, not [-1, -1]",
    ),
    (
        lambda ls, _: ls.__setitem__(2, layer("Reshape", "r", target_shape=[9, 9])),
        FileError,
        "layer r: target_shape must have 80 elements, not [9, 9]",
    ),
    (
        lambda ls, _: ls.__setitem__(2, layer("Reshape", "r", target_shape=[40])),
        FileError,
        "layer r: target_shape must have 80 elements, not [40]",
    ),
    (
        lambda ls, _: ls.insert(3, layer("MaxPooling2D", "p")),
        UnsupportedError,
        "layer p: its input must be a map of (height, width, channels): it must stand before the Flatten",
    ),
    (
        lambda ls, _: ls.insert(2, layer("MaxPooling1D", "p")),
        UnsupportedError,
        "layer p: its input must be a signal of (length, channels)",
    ),
    (
        lambda ls, _: ls.insert(2, layer("AveragePooling2D", "p", pool_size=[3, 3], strides=[2, 2], padding="same")),
        UnsupportedError,
        "layer p: padding must be 'valid' for an average, not 'same'",
    ),
    *(
        (
            lambda ls, _, value=value: ls[0]["config"].update(
                kernel_quantizer={"class_name": "SteTern", "config": {"threshold_value": value}}
            ),
            UnsupportedError,
            f"layer c: kernel_quantizer must have a positive threshold_value, not {value!r}",
        )
        for value in (0.0, 1e-30, 1e30, "x")
    ),
    (
        lambda ls, _: ls.insert(1, layer("ReLU", "u", negative_slope=0.25)),
        UnsupportedError,
        "layer u: negative_slope must be 0.0 or 0 or None, not 0.25",
    ),
    (
        lambda ls, _: ls.insert(1, layer("ReLU", "u", threshold=1.0)),
        UnsupportedError,
        "layer u: threshold must be 0.0 or 0 or None, not 1.0",
    ),
    (
        lambda ls, _: ls.insert(0, layer("ReLU", "u")),
        UnsupportedError,
        "layer u: a quantized layer must stand before it",
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
    change(layers, arrays)
    refuse(save(tmp_path / "m.npz", bundle((6, 7, 2), layers, arrays)), kind, message)


@pytest.mark.parametrize(
    "text, kind, message",
    [
        ("{", FileError, "array 'architecture' must be the JSON of a Keras model"),
        ("[]", FileError, "array 'architecture' must be the JSON of a Keras model"),
        (
            '{"class_name": "BiRealNet", "config": []}',
            UnsupportedError,
            "a Keras model must be Sequential or Functional, not 'BiRealNet'",
        ),
        ('{"class_name": "Sequential", "config": []}', FileError, "array 'architecture' must have at least one layer"),
        (
            '{"class_name": "Sequential", "config": [{"class_name": "Flatten", "config": {"name": "f"}}]}',
            FileError,
            "array 'architecture' must have a first layer of a shape of (features), (length, channels) or "
            "(height, width, channels), not None",
        ),
        (
            '{"class_name": "Sequential", "config": [{"class_name": "Flatten", "config": {"name": "f", '
            '"batch_shape": [null, 4]}}]}',
            UnsupportedError,
            "a Larq model must end in the scores of a layer with weights",
        ),
    ],
)
def test_refused_architectures(text: str, kind: type[BnnhwError], message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "m.npz", {"architecture": np.frombuffer(text.encode(), np.uint8)})
    refuse(path, kind, message)


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


@pytest.mark.parametrize("place, value", [(16 + 2, 4), (None, 1)], ids=["directory too far", "encrypted"])
def test_damaged_directories(place: int | None, value: int, tmp_path: Path) -> None:
    """Python's reader raises ValueError and RuntimeError of these."""
    path = save(tmp_path / "m.npz", larq_seeds()[0])
    data = bytearray(path.read_bytes())
    if place is None:
        for start in (data.index(b"PK\x01\x02") + 8, data.index(b"PK\x03\x04") + 6):
            data[start] |= value
        message = "not a Larq model, or a damaged one: its archive can't be read"
    else:
        data[data.rindex(b"PK\x05\x06") + place] += value
        message = "member 'architecture.npy' must begin within the file"
    path.write_bytes(data)
    refuse(path, FileError, message)
