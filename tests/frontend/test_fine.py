"""Quantizers with more levels than a layer has thresholds, layouts that a graph may mean, nodes that share a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.convert import _orders, _shared
from bnnhw.frontend.onnx.graph import parse
from bnnhw.frontend.onnx.levels import ROUNDINGS
from bnnhw.frontend.onnx.values import Product, Ranked
from bnnhw.ir import BitMatrix, DataType, Dense, Scale, WeightPlane
from bnnhw.ir.steps import apply
from tests.frontend.calls import constant, convert, elements
from tests.frontend.models import node

ROUNDED: dict[str, Any] = {
    "ROUND": np.rint, "FLOOR": np.floor, "CEIL": np.ceil,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}  # fmt: skip


def product(neurons: int = 1) -> Product:
    plane = WeightPlane(1, BitMatrix.from_bits(np.ones((neurons, 3), np.uint8)))
    return Product(elements("uint2", (3, 1, 1)), Dense("d", DataType("uint", 2), (plane,), None),
                   np.arange(neurons, dtype=np.int32), (Scale(np.full(neurons, 0.25)),))  # fmt: skip


@pytest.mark.parametrize("rounding", ["ROUND", "FLOOR", "HALF_DOWN", "HALF_UP"])
@pytest.mark.parametrize("scale, zero", [(0.5, 0.0), (0.5, 3.0), (0.25, 1.5), (1.0, -2.0), (2.0, 0.25)])
def test_the_decision_of_a_fine_quantizer(rounding: str, scale: float, zero: float) -> None:
    """Of class 1 is what rounds to a number that is not negative."""
    inputs = [constant(value) for value in (scale, zero, 16)]
    x = np.arange(-40, 41)[:, None] * 0.25
    level = int(np.ceil(zero))
    if ROUNDINGS[rounding](level)[1]:
        # No score says "above the bound, and not at it".
        with pytest.raises(UnsupportedError, match=r"its bitwidth must be a whole number in 1\.\.8, not 16\.0"):
            convert("Quant", product(), *inputs, signed=1, narrow=0, rounding_mode=rounding)
        return
    found = convert("Quant", product(), *inputs, signed=1, narrow=0, rounding_mode=rounding)
    assert isinstance(found, Ranked) and found.signed and not found.notes and isinstance(found.scores, Product)
    number = (np.clip(ROUNDED[rounding](x / scale + zero), -(1 << 15), (1 << 15) - 1) - zero) * scale
    assert ((apply(found.scores.steps[1:], x) >= 0) == (number >= 0)).all()


@pytest.mark.parametrize("zero, taken", [(0.0, False), (0.5, True), (65535.0, True), (65534.5, True), (65535.5, False)])
def test_zero_points_at_the_ends(zero: float, taken: bool) -> None:
    """Unsigned of 16 bits: the level of 0 must be one that is reached by some numbers and not by others."""
    inputs = [constant(1.0), constant(zero), constant(16.0)]
    if taken:
        assert isinstance(convert("Quant", product(), *inputs, signed=0, narrow=0, rounding_mode="FLOOR"), Ranked)
        return
    with pytest.raises(UnsupportedError, match="only at the end of a graph it may be more"):
        convert("Quant", product(), *inputs, signed=0, narrow=0, rounding_mode="FLOOR")


def test_a_fine_quantizer_of_several_classes() -> None:
    """It is left out, and that is said; one of several scales orders them otherwise."""
    inputs = [constant(0.5), constant(0.0), constant(16.0)]
    given = product(2)
    found = convert("Quant", given, *inputs)
    assert isinstance(found, Ranked) and found.scores is given and not found.signed
    assert found.notes == (
        "node 3 of 7: Quant 'n': it is left out: classes that it makes equal are told apart by their scores; end the "
        "graph before it and nothing is left out",
    )
    with pytest.raises(UnsupportedError, match=r"not 16\.0: only at the end of a graph it may be more"):
        convert("Quant", given, constant([0.5, 1.0]), *inputs[1:])


@pytest.mark.parametrize("bits, signed, narrow, taken", [
    (1, 0, 0, True), (1, 1, 0, True), (1, 1, 1, True), (1, 0, 1, False), (2, 0, 1, True), (0, 1, 0, False),
    (8, 1, 0, True),
    (9, 1, 0, True), (32, 1, 0, True), (33, 1, 0, False), (2.5, 1, 0, False),
])  # fmt: skip
def test_bit_widths(bits: float, signed: int, narrow: int, taken: bool) -> None:
    inputs = [constant(0.5), constant(0.0), constant(bits)]
    if taken:
        found = convert("Quant", product(2), *inputs, signed=signed, narrow=narrow)
        assert isinstance(found, Ranked) == (bits > 8)
        return
    least = 2 if narrow and not signed else 1
    with pytest.raises(
        UnsupportedError, match=rf"its bitwidth must be a whole number in {least}\.\.32, not {float(bits)}"
    ):
        convert("Quant", product(2), *inputs, signed=signed, narrow=narrow)


def graph(nodes: list[onnx.NodeProto], rank: int = 3) -> Any:
    inner = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *range(2, 2 + rank)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)],
    )  # fmt: skip
    return parse(helper.make_model(inner).SerializeToString())


@pytest.mark.parametrize("perm, rank, orders", [
    ([0, 3, 1, 2], 3, ["chw", "hwc"]), ([0, 1, 2, 3], 3, ["chw"]), ([0, 2, 3, 1], 3, ["chw", "wch"]),
    ([0, 1, 3, 2], 3, ["chw", "cwh"]), ([0, 3, 2, 1], 3, ["chw", "whc"]), ([3, 0, 1, 2], 3, ["chw"]),
    ([0, 2, 1], 3, ["chw"]), ([0, 2, 1], 2, ["chw", "hwc"]), ([0, 1, 2], 2, ["chw"]), ([1, 0, 2], 2, ["chw"]),
    ([0, 1], 1, ["chw"]), (None, 3, ["chw"]),
])  # fmt: skip
def test_layouts_that_samples_may_have(perm: list[int] | None, rank: int, orders: list[str]) -> None:
    """Channels first, and those that a Transpose of the graph turns into that."""
    attributes = {} if perm is None else {"perm": perm}
    turned = node("Transpose", ["input"], "t", **attributes)
    assert _orders(graph([turned, node("Relu", ["t"], "scores")], rank)) == orders
    assert _orders(graph([turned, node("Transpose", ["t"], "scores", **attributes)], rank)) == orders


def test_tensors_that_several_nodes_read() -> None:
    """Of those that the output depends on, each once; the shape of a tensor is none of its numbers."""
    nodes = [
        node("Relu", ["input"], "a"), node("Shape", ["a"], "s"), node("Add", ["a", "a"], "b"), node("Size", ["b"], "n"),
        node("Reshape", ["b", "s"], "c"), node("Relu", ["c"], "d"), node("Add", ["c", "d"], "scores"),
        node("Relu", ["b"], "unread"), node("Add", ["d", "b"], "unread too"),
    ]  # fmt: skip
    assert _shared(graph(nodes)) == {"c"}
