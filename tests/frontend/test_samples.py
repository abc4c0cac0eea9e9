"""How raw samples become elements: thresholds to the last bit, and the choice between bytes and fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.reference import evaluate
from tests.frontend.models import DOMAIN, model, node, write

BYTES = "samples are read as bytes, 0..255, and scaled by 1/255; if they are not, say so with --input-scale"
IMAGES = "the graph takes images and tells apart values between 0 and 1 only"


def read(
    path: Path,
    before: list[tuple[str, float]],
    quantizer: onnx.NodeProto | None = None,
    shape: tuple[int, ...] = (1, 4),
    metadata: dict[str, str] | None = None,
) -> tuple[Network, tuple[str, ...]]:
    """A layer behind some scalar steps and a quantizer."""
    constants = {"one": 1.0, "zero": 0.0, "eight": 8.0, "byte": 1 / 255, "w": np.ones((4, 2), np.float32)}
    nodes, tensor = [node("Flatten", ["input"], "flat")], "flat"
    for i, (kind, value) in enumerate(before):
        constants[f"v{i}"] = value
        nodes.append(node(kind, [tensor, f"v{i}"], f"s{i}"))
        tensor = f"s{i}"
    quantizer = quantizer or node("BipolarQuant", ["", "one"], "x", DOMAIN)
    quantizer.input[0] = tensor
    nodes += [quantizer, node("MatMul", ["x", "w"], "scores")]
    proto = model(nodes, constants, shape)
    onnx.helper.set_model_props(proto, metadata or {})
    imported = read_model(write(proto, path))
    return imported.network, imported.warnings


@pytest.mark.parametrize(
    "before, shape, threshold, warning",
    [
        ([("Mul", 2.0), ("Sub", 1.0)], (1, 4), 127.5, f"the graph maps 0..1 onto -1..1: {BYTES}"),
        ([("Sub", 0.5), ("Div", 0.5)], (1, 4), 127.5, f"the graph maps 0..1 onto -1..1: {BYTES}"),
        ([("Sub", 0.25)], (1, 1, 2, 2), 63.75, f"{IMAGES}: {BYTES}"),
        ([("Sub", 0.25)], (1, 4), 0.25, None),
        ([("Sub", 1.0)], (1, 1, 2, 2), 1.0, None),
        ([], (1, 1, 2, 2), 0.0, None),
        ([("Sub", 2.5)], (1, 1, 2, 2), 2.5, None),
        ([("Div", 255.0), ("Mul", 2.0), ("Sub", 1.0)], (1, 1, 2, 2), 127.5, None),
    ],
)
def test_bytes_or_fractions(
    tmp_path: Path, before: list[tuple[str, float]], shape: tuple[int, ...], threshold: float, warning: str | None
) -> None:
    network, warnings = read(tmp_path / "m.onnx", before, shape=shape)
    assert network.input.thresholds == (threshold,)
    assert warnings == (() if warning is None else (warning,))


def test_models_of_our_own_trainer_take_raw_samples(tmp_path: Path) -> None:
    network, warnings = read(tmp_path / "m.onnx", [("Mul", 2.0), ("Sub", 1.0)], metadata={"bnnhw": "0.1.0"})
    assert network.input.thresholds == (0.5,) and warnings == ()


def test_eight_bit_fractions(tmp_path: Path) -> None:
    """Brevitas' 8-bit input of 0..1: every byte is its own level, although 1/255 is rounded in the file."""
    quantizer = node("Quant", ["", "byte", "zero", "eight"], "x", DOMAIN, signed=0, narrow=0, rounding_mode="ROUND")
    network, warnings = read(tmp_path / "m.onnx", [], quantizer, (1, 1, 2, 2))
    assert len(warnings) == 1
    pixels = np.arange(256).reshape(64, 4)
    assert np.array_equal(network.input.encode(pixels), pixels)


@pytest.mark.parametrize("divisor", [3.0, 7.0, 10.0, 255.0])
def test_the_least_float_that_reaches_the_bound(tmp_path: Path, divisor: float) -> None:
    """x / d - c >= 0 exactly, with c = 0.1 in float32 and d whole."""
    network, _ = read(tmp_path / "m.onnx", [("Div", divisor), ("Sub", 0.1)])
    assert network.input.thresholds is not None
    (threshold,) = network.input.thresholds
    bound = Fraction(float(np.float32(0.1))) * int(divisor)
    assert Fraction(threshold) >= bound > Fraction(math.nextafter(threshold, -math.inf))


def test_channels_are_flattened_in_the_graphs_order(tmp_path: Path) -> None:
    """Flattened, an image runs channel by channel; elements enter channel fastest."""
    weights = np.where(np.eye(12, 6) > 0, 1, -1).astype(np.float32)
    nodes = [
        node("BipolarQuant", ["input", "one"], "x", DOMAIN),
        node("Transpose", ["x"], "t", perm=[0, 3, 1, 2]),
        node("Flatten", ["t"], "f"),
        node("MatMul", ["f", "w"], "scores"),
    ]
    proto = model(nodes, {"one": 1.0, "w": weights}, (1, 3, 2, 2), 6)
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    x = np.random.default_rng(0).normal(size=(20, 3, 2, 2))
    expected = np.where(x.transpose(0, 3, 1, 2).reshape(20, 12) >= 0, 1, -1) @ weights
    assert np.array_equal(2 * evaluate(network, network.input.encode(x)).scores - 12, expected)
