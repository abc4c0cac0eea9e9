"""Larq archives broken at random: the description of their layers, their arrays, their bytes."""

from __future__ import annotations

import io
import json
import warnings
from functools import cache
from typing import Any

import numpy as np

from tests.frontend.larq_models import Arrays, bundle, conv, dense, kernel, layer, norm, normal

NUMBERS = (0.0, -1.0, 0.5, 1e30, -1e-30, float("nan"), float("inf"), 255.0)
VALUES: tuple[Any, ...] = (
    *(
        0,
        1,
        -1,
        3,
        1 << 31,
        1 << 62,
        0.5,
        True,
        None,
        "",
        "x",
        "same",
        "valid",
        "ste_sign",
        "sigmoid",
        "channels_first",
    ),
    *([], [0, 0], [1, 1], [3, 3], [-1, 5], [1 << 40, 1], {}, {"class_name": "Larq>SteSign", "config": {}}, [None, 4]),
)
CLASSES = (
    *("QuantDense", "QuantConv1D", "QuantConv2D", "QuantDepthwiseConv2D", "QuantSeparableConv2D", "BatchNormalization"),
    *("MaxPooling1D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "Flatten", "Activation", "Dense"),
    *(
        "Dropout",
        "InputLayer",
        "Add",
        "Concatenate",
        "Reshape",
        "Softmax",
        "ReLU",
        "Functional",
        "Sequential",
        "Lambda",
    ),
)


@cache
def larq_seeds() -> tuple[Arrays, ...]:
    """Archives that are read: a fully connected network, a convolutional one."""
    random = np.random.default_rng(0)
    flat = [
        dense("first", 6, None, use_bias=True),
        norm("bn1", scale=False),
        dense("second", 3, kernel_quantizer="magnitude_aware_sign"),
        norm("bn2"),
        layer("Activation", "end", activation="softmax"),
    ]
    maps = [
        conv("c1", 4, None),
        layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        norm("bn1", axis=[3]),
        conv("c2", 3, "ste_sign", padding="same", pad_values=1.0),
        norm("bn2", axis=-1),
        layer("Flatten", "flat"),
        dense("end", 3, activation="softmax"),
    ]
    return (
        bundle(
            (10,),
            flat,
            {
                "first/kernel": kernel(random, 10, 6),
                "first/bias": random.integers(-3, 4, 6).astype(np.float32),
                "second/kernel": kernel(random, 6, 3),
                **normal(random, "bn1", 6, gamma=False),
                **normal(random, "bn2", 3),
                "input_bits": 8,
                "input_scale": 1 / 128,
                "input_offset": -1.0,
            },
        ),
        bundle(
            (8, 8, 2),
            maps,
            {
                "c1/kernel": kernel(random, 3, 3, 2, 4),
                "c2/kernel": kernel(random, 3, 3, 4, 3),
                "end/kernel": kernel(random, 27, 3),
                **normal(random, "bn1", 4),
                **normal(random, "bn2", 3),
                "input_bits": 3,
            },
        ),
    )


def _described(text: str, random: np.random.Generator) -> str:
    model = json.loads(text)
    layers = model["config"]["layers"]
    item = layers[int(random.integers(len(layers)))]
    match random.integers(6):
        case 0:
            item["class_name"] = str(random.choice(CLASSES))
        case 1 | 2:
            keys = list(item["config"])
            item["config"][str(random.choice(keys))] = VALUES[random.integers(len(VALUES))]
        case 3 if len(layers) > 1:
            layers.remove(item)
        case 4:
            layers.insert(int(random.integers(len(layers))), item)
        case _:
            model["class_name"] = str(random.choice(CLASSES))
    changed = json.dumps(model)
    if random.integers(20) == 0:
        changed = changed[: random.integers(len(changed))]
    return changed


def change_array(array: Any, random: np.random.Generator) -> Any:
    values = np.array(array)
    match random.integers(6):
        case 0:
            return values.reshape(-1)[: random.integers(values.size + 1)]
        case 1 if values.size:
            values = np.real(values).astype(np.float64)
            values.reshape(-1)[random.integers(values.size)] = random.choice(NUMBERS)
            return values
        case 2:
            # Twice of one array: what became complex is cast back.
            with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return values.astype(str(random.choice(["<f2", "<f8", "<i1", "<u8", "<c8", "U", "?"])))
        case 3:
            return values.T
        case 4:
            return values[None]
        case _:
            return np.full([int(random.integers(0, 5)) for _ in range(random.integers(0, 4))], random.choice(NUMBERS))


def mutate_larq(seed: Arrays, random: np.random.Generator) -> bytes:
    """A broken archive."""
    content = dict(seed)
    for _ in range(random.integers(1, 4)):
        name = str(random.choice(list(content)))
        if name == "architecture" or (random.integers(2) and "architecture" in content):
            text = np.asarray(content["architecture"]).tobytes().decode(errors="replace")
            try:
                content["architecture"] = np.frombuffer(_described(text, random).encode(), np.uint8)
            except (KeyError, TypeError, ValueError, IndexError):
                break
            continue
        match random.integers(4):
            case 0:
                del content[name]
            case 1:
                content[f"{name}x"] = content.pop(name)
            case _:
                content[name] = change_array(content[name], random)
        if not content:
            break
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    data = bytearray(buffer.getvalue())
    if random.integers(5) == 0:
        for _ in range(random.integers(1, 5)):
            data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
    return bytes(data[: random.integers(1, len(data))] if random.integers(30) == 0 else data)
