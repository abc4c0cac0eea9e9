"""Scales and zero points of ONNX's own quantizers, along any axis: read, or refused by the shape that they have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.errors import BnnhwError
from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.values import Elements, Integers
from bnnhw.ir import FloatActivation
from bnnhw.ir.steps import apply
from tests.frontend.calls import constant, convert, elements
from tests.frontend.models import write
from tests.frontend.qdq_models import Qdq
from tests.frontend.test_qdq import check

Build = Callable[[Qdq], str]


def hidden(graph: Qdq, neurons: int = 4) -> str:
    x = graph.quantized("input", 0.5, 0, "int8", (-7, 7))
    return graph.add("MatMul", x, graph.weights((6, neurons), 0.5))


def weights(graph: Qdq, scale: object, kind: str = "int8", zero: object = None, **attributes: int) -> str:
    values = graph.random.integers(0 if kind.startswith("u") else -7, 8, (6, 4))
    inputs = [graph.constant(values, kind), graph.constant(scale)]
    inputs += [] if zero is None else [graph.constant(zero, kind)]
    return graph.add("DequantizeLinear", *inputs, **attributes)


def dense(graph: Qdq, w: str) -> str:
    return graph.add("MatMul", graph.quantized("input", 0.5, 0, "int8", (-7, 7)), w)


LARGE = [1 << 30, -(1 << 29), 0, 3 << 28]

READ: dict[str, Build] = {
    "weights by tensor": lambda g: dense(g, weights(g, 0.5)),
    "weights by tensor, a list of one": lambda g: dense(g, weights(g, [0.5], zero=[1])),
    "weights by column": lambda g: dense(g, weights(g, [0.5, 1.0, 2.0, 0.25])),
    "weights by column, zero points too": lambda g: dense(g, weights(g, [0.5, 1.0, 2.0, 0.25], zero=[0, 1, -2, 3])),
    "weights by column from the end": lambda g: dense(g, weights(g, [0.5, 1.0, 2.0, 0.25], zero=[0] * 4, axis=-1)),
    "weights by row": lambda g: dense(g, weights(g, [0.5, 1.0, 1.5, 1.0, 0.5, 1.0], zero=[0] * 6, axis=0)),
    "weights without a sign": lambda g: dense(g, weights(g, 0.5, "uint8", 4)),
    "a bias by tensor": lambda g: g.add(
        "Add", hidden(g), g.add("DequantizeLinear", g.constant([-9, 300, 7, 1 << 20], "int32"), g.constant(0.125))
    ),
    "a large bias": lambda g: g.add(
        "Add", hidden(g), g.add("DequantizeLinear", g.constant(LARGE, "int32"), g.constant(2.0**-28))
    ),
    "elements by tensor": lambda g: g.add("MatMul", g.quantized(hidden(g), 2.0, 3, "uint8"), g.weights((4, 4), 1.0)),
    "elements by channel": lambda g: g.add(
        "MatMul", g.quantized(hidden(g), [1.0, 2.0, 4.0, 1.0], [0, 2, 4, 2], "uint8", axis=-1), g.weights((4, 4), 1.0)
    ),
    "samples by feature": lambda g: g.add(
        "MatMul", g.quantized("input", [0.5, 1.0, 2.0, 0.5, 1.0, 1.0], [0] * 6, "int8", axis=1), g.weights((6, 4), 1.0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_read(tmp_path: Path, name: str) -> None:
    graph = Qdq(6, seed=3, opset=17)
    check(graph.model(READ[name](graph), 4), tmp_path / "m.onnx")


def _floats(graph: Qdq) -> str:
    return dense(graph, graph.add("DequantizeLinear", graph.constant(np.ones((6, 4))), graph.constant(0.5)))


def _float_zero(graph: Qdq) -> str:
    values, scale, zero = graph.constant(np.ones((6, 4)), "int8"), graph.constant(0.5), graph.constant(0.5)
    return dense(graph, graph.add("DequantizeLinear", values, scale, zero))


def _blocks(graph: Qdq) -> str:
    x = graph.add("QuantizeLinear", hidden(graph), graph.constant([1.0, 2.0]), graph.constant([0, 0], "int8"),
                  block_size=2)  # fmt: skip
    return graph.add("MatMul", x, graph.weights((4, 4), 1.0))


def _uneven(graph: Qdq, most: int) -> str:
    x = graph.quantized(hidden(graph), [1.0] * 4, [0, 1, 0, most], "int4", axis=1)
    return graph.add("MatMul", x, graph.weights((4, 4), 1.0))


ALONG = "one per channel along its axis, not of shape"
REFUSED: dict[str, tuple[Build, str]] = {
    "floats": (_floats, "its input must be integers, not float32"),
    "a zero point between integers": (_float_zero, "its zero point must be an integer, not float32"),
    "weights of a scale of 0": (lambda g: dense(g, weights(g, [0.5, 0.0, 1.0, 1.0])), "its scale must be positive"),
    "scales of another axis": (
        lambda g: dense(g, weights(g, [0.5, 1.0, 2.0], axis=1)),
        "its scale must be a single value, or one per place of axis 1 of (6, 4), not of shape (3,)",
    ),
    "no such axis of weights": (
        lambda g: dense(g, weights(g, [0.5] * 4, axis=2)), "one per place of axis 2 of (6, 4), not of shape (4,)"
    ),
    "no such axis from the end": (
        lambda g: dense(g, weights(g, [0.5] * 4, axis=-3)), "one per place of axis -1 of (6, 4), not of shape (4,)"
    ),
    "zero points of another number": (
        lambda g: dense(g, weights(g, [0.5] * 4, zero=[0] * 3)), "its zero point must be a single value, or one per"
    ),
    "blocks of elements": (_blocks, "its block_size must be left out: quantize by tensor or by channel"),
    "elements of another number": (
        lambda g: g.quantized(hidden(g), [1.0] * 3, 0, "uint8"), f"{ALONG} (3,) along axis 1"
    ),
    "frames": (lambda g: g.quantized(hidden(g), [1.0] * 4, 0, "uint8", axis=0), f"{ALONG} (4,) along axis 0"),
    "no such axis of elements": (
        lambda g: g.quantized(hidden(g), [1.0] * 4, 0, "uint8", axis=2), f"{ALONG} (4,) along axis 2"
    ),
    "a negative scale of a channel": (
        lambda g: g.quantized(hidden(g), [1.0, 1.0, -1.0, 1.0], [0] * 4, "uint8"), "its scale must be positive"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    build, message = REFUSED[name]
    graph = Qdq(6, seed=3, opset=21)
    path = write(graph.model(build(graph), 4), tmp_path / "m.onnx")
    with pytest.raises(BnnhwError) as caught:
        read_model(path)
    assert message in str(caught.value) and str(caught.value).startswith(f"{path}: node ")


def test_zero_points_even_and_odd(tmp_path: Path) -> None:
    """Levels are counted from each zero point: as many types as hold all of them."""
    graph = Qdq(6, seed=3, opset=21)
    check(graph.model(_uneven(graph, 7), 4), tmp_path / "m.onnx")
    graph = Qdq(6, seed=3, opset=21)
    x = graph.quantized(hidden(graph), [1.0] * 4, [0, 1, 0, 200], "uint8", axis=1)
    path = write(graph.model(graph.add("MatMul", x, graph.weights((4, 4), 1.0)), 4), tmp_path / "m.onnx")
    with pytest.raises(BnnhwError, match="its zero points, 0 to 200, differ by channel"):
        read_model(path)


@pytest.mark.parametrize("attributes, zero, dtype, low", [
    ({}, None, "uint8", 0), ({"output_dtype": 3}, None, "int8", -128), ({"output_dtype": 0}, None, "uint8", 0),
    ({}, np.int8(0), "int8", -128), ({"output_dtype": 2}, np.int8(0), "int8", -128), ({}, np.uint8(0), "uint8", 0),
])  # fmt: skip
def test_types_of_what_is_quantized(attributes: dict[str, int], zero: object, dtype: str, low: int) -> None:
    """Of the zero point, or what the attribute says; without both bytes."""
    inputs = [constant(0.5)] + ([] if zero is None else [constant(zero, type(zero))])
    found = convert("QuantizeLinear", elements("uint2"), *inputs, **attributes)
    assert isinstance(found, Elements) and str(found.dtype) == dtype and found.dtype.minimum == low


@pytest.mark.parametrize("zeros, bits", [([-1, 1], 4), ([-1, 2], 5), ([0, 3], 5), ([-8, 7], 5)])
def test_levels_of_channels_with_their_own_zero_points(zeros: list[int], bits: int) -> None:
    """Zero points of one parity round halves alike; of both, levels count from each."""
    kind = onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.INT4)
    found = convert("QuantizeLinear", elements("int6", (2, 1, 1)), constant([1.0, 2.0]), constant(zeros, kind), axis=1)
    steps = found.steps if isinstance(found, Integers) else ()
    inner = found.elements if isinstance(found, Integers) else found
    assert isinstance(inner, Elements) and inner.dtype.bits == bits and isinstance(found, Integers) == (bits > 4)
    activation = inner.layers[-1].activation
    assert isinstance(activation, FloatActivation)
    x = np.arange(-32, 32)[:, None] * np.ones(2)
    levels = activation.quantizer.levels(apply(activation.steps, x))
    whole = activation.dtype.values(activation.dtype.codes(levels)) * 1.0
    expected = np.clip(np.rint(x / np.array([1.0, 2.0])) + np.array(zeros), -8, 7)
    assert (apply(steps, whole) == expected).all()
