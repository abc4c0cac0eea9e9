"""Operators in the forms that exporters seldom write: each against the graph as executed."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.errors import RequestError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.call import handles
from bnnhw.ir import Network
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_models import DOMAIN, Graph
from tests.frontend.end_models import classes_of, dense, execute, finished, read, samples
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all
from tests.frontend.refusals import refuse
from tests.frontend.test_conv import check, kinds

ELEMENTS: dict[str, Callable[[Graph, str], str]] = {
    "a number less them": lambda g, x: g.add("Sub", g.constant(2.5), x),
    "them less a number": lambda g, x: g.add("Sub", x, g.constant(2.5)),
    "a number by channel less them": lambda g, x: g.add("Sub", g.constant(np.arange(6)), x),
    "scaled, and a number less that": lambda g, x: g.add("Sub", g.constant(1.0), g.add("Div", x, g.constant(-4.0))),
    "scaled by channel": lambda g, x: g.add("Mul", x, g.constant([1.0, 2.0, -1.0, 0.5, 4.0, 1.0])),
    "moved, then scaled": lambda g, x: g.add("Mul", g.add("Add", x, g.constant(1.5)), g.constant(2.0)),
    "moved, then divided": lambda g, x: g.add("Div", g.add("Add", x, g.constant(1.5)), g.constant(0.5)),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_before_a_matrix(tmp_path: Path, name: str) -> None:
    graph = Graph(6, seed=2)
    x = ELEMENTS[name](graph, graph.quant("input", 3))
    check(graph.model(graph.add("MatMul", x, graph.weights(6, 4, bits=2)), 4), tmp_path / "m.onnx", high=8)


WEIGHTS: dict[str, Callable[[Graph, str], str]] = {
    "divided by one number": lambda g, w: g.add("Div", w, g.constant(0.5)),
    "divided by column": lambda g, w: g.add("Div", w, g.constant([0.5, 1.0, 2.0, 4.0])),
    "times each column": lambda g, w: g.add("Mul", g.constant([0.5, 1.0, 2.0, 3.0]), w),
    "scaled, reshaped and back": lambda g, w: g.add(
        "Reshape",
        g.add("Reshape", g.add("Mul", w, g.constant([0.5, 1.0, 2.0, 3.0])), g.constant([2, 3, 4], np.int64)),
        g.constant([6, 4], np.int64),
    ),
    "reshaped, then scaled": lambda g, w: g.add(
        "Mul", g.add("Reshape", w, g.constant([6, 4], np.int64)), g.constant([0.5, 1.0, 2.0, 3.0])
    ),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_scaled_weights(tmp_path: Path, name: str) -> None:
    graph = Graph(6, seed=3)
    w = WEIGHTS[name](graph, graph.weights(6, 4, bits=2))
    network = check(graph.model(graph.add("MatMul", graph.quant("input", 3), w), 4), tmp_path / "m.onnx", high=8)
    assert [plane.coefficient for plane in network.matrices[0].weights] == [1, 1]


SCALED_TWICE: dict[str, Callable[[Graph, str], str]] = {
    "by row": lambda g, w: g.add("Mul", w, g.constant(np.array([1, 2, 1, 4, 3, 1])[:, None])),
    "by row and column": lambda g, w: g.add(
        "Mul",
        g.add("Mul", w, g.constant([0.5, 1.0, 2.0, 3.0])),
        g.constant(np.array([1, 2, 1, 4, 3, 1])[:, None]),
    ),
    "by a matrix": lambda g, w: g.add("Mul", w, g.constant(g.random.integers(1, 4, (6, 4)))),
    "with zeros": lambda g, w: g.add("Mul", w, g.constant([1.0, 2.0, 0.0, 1.0])),
    "divided by row": lambda g, w: g.add("Div", w, g.constant(np.array([1, 0.5, 1, 0.25, 0.5, 1])[:, None])),
}


@pytest.mark.parametrize("name", SCALED_TWICE)
def test_weights_scaled_by_input(tmp_path: Path, name: str) -> None:
    graph = Graph(6, seed=3)
    w = SCALED_TWICE[name](graph, graph.weights(6, 4))
    check(graph.model(graph.add("MatMul", graph.quant("input", 3), w), 4), tmp_path / "m.onnx", high=8)


@pytest.mark.parametrize("pads, code, kind", [
    ([0] * 4, 0.0, "SumPool"), ([1, 0, 0, 1], -1.0, "SumPool"), ([1, 0, 0, 1], 1.0, "Conv2d")
])  # fmt: skip
def test_depthwise_ones_are_a_sum(tmp_path: Path, pads: list[int], code: float, kind: str) -> None:
    """Where the padding, if any, adds nothing: bits are summed as 0 and 1, so -1 is what adds none."""
    graph = Graph(3, 5, 5, seed=3)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 1, 1)), 4))
    if any(pads):
        amounts = [0, 0, *pads[:2], 0, 0, *pads[2:]]
        x = graph.add("Pad", x, graph.constant(amounts, np.int64), graph.constant(code))
    ones = graph.add("BipolarQuant", graph.constant(np.ones((4, 1, 2, 2))), graph.constant(0.5))
    x = graph.sign(graph.norm(graph.add("Conv", x, ones, group=4), 4))
    network = check(graph.scores(x), tmp_path / "m.onnx", high=8)
    assert kinds(network)[1] == kind


def test_a_signal_along_the_height(tmp_path: Path) -> None:
    """A map of width 1 whose last dimension is squeezed away between its layers."""
    graph = Graph(2, 12, 1, seed=2)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 2, 3, 1)), 4))
    x = graph.add("Squeeze", x, graph.constant([3], np.int64))
    x = graph.add("Conv", x, graph.weights(4, 4, 2), strides=[2], pads=[0, 1])
    x = graph.sign(graph.norm(graph.add("MaxPool", x, kernel_shape=[2]), 4))
    check(graph.scores(x), tmp_path / "m.onnx", high=8)


@pytest.mark.parametrize("low, refused", [(-127, False), (-128, True)])
def test_paddings_beyond_eight_bits(tmp_path: Path, low: int, refused: bool) -> None:
    """Numbers around a padding that they are not, in the units of both: at most 8 bits with a sign."""
    graph = Graph(1, 4, 4)
    x = graph.add("Add", graph.quant("input", 7), graph.constant(float(low)))
    pads = graph.constant([0, 0, 1, 0, 0, 0, 0, 0], np.int64)
    x = graph.add("Conv", graph.add("Pad", x, pads, graph.constant(0.5 if refused else 0.0)), graph.weights(3, 1, 2, 2))
    path = write(graph.scores(graph.sign(x)), tmp_path / "m.onnx")
    if not refused:
        assert str(read_model(path).network.matrices[0].input) in ("uint7", "int8")
        return
    with pytest.raises(UnsupportedError, match=r"it pads with 0\.5, which its uint7 inputs can't be"):
        read_model(path)


def test_branches_of_two_scales(tmp_path: Path) -> None:
    """By turns: no pair of numbers for all channels, though there are as many slopes as offsets."""
    graph = Graph(2, 4, 4, seed=4)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 2, 1, 1))
    one = graph.quant(graph.norm(x, 4), 2, 2.0)
    by_channel = [graph.constant(np.array(v).reshape(4, 1, 1)) for v in ([1, 2, 1, 2], [0, 1, 0, 1])]
    two = graph.add("Add", graph.add("Mul", one, by_channel[0]), by_channel[1])
    x = graph.quant(graph.add("Add", one, two), 3, 2.0)
    check(graph.scores(x), tmp_path / "m.onnx", high=8)
    # One pair for all channels needs no layer.
    graph = Graph(2, 4, 4, seed=4)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 2, 1, 1))
    one = graph.quant(graph.norm(x, 4), 2, 2.0)
    body = graph.quant(graph.add("Conv", one, graph.weights(4, 4, 1, 1)), 2, 2.0)
    x = graph.add("Add", one, graph.add("Mul", body, graph.constant(np.full((4, 1, 1), 2.0))))
    network = check(graph.scores(graph.quant(x, 3, 4.0)), tmp_path / "m.onnx", high=8)
    assert kinds(network).count("Affine") <= 1


@pytest.mark.parametrize("offset", [1.0, -3.0])
@pytest.mark.parametrize("bend", ["Relu", "Clip"])
def test_clips_of_elements_that_are_moved(tmp_path: Path, bend: str, offset: float) -> None:
    graph = Graph(6, seed=7)
    x = graph.add("Add", graph.quant("input", 3), graph.constant(offset))
    x = graph.add("Relu", x) if bend == "Relu" else graph.add("Clip", x, graph.constant(-1.0), graph.constant(3.0))
    network = check(graph.model(graph.add("MatMul", x, graph.weights(6, 4)), 4), tmp_path / "m.onnx", high=8)
    assert kinds(network) == ["Dense", "Output"]


@pytest.mark.parametrize("low, high", [(np.inf, None), (None, -np.inf)])
def test_bounds_beyond_all_numbers(tmp_path: Path, low: float | None, high: float | None) -> None:
    """At least infinity, or at most minus infinity: every number is that of the end."""
    graph = Graph(5, seed=6)
    y = graph.add("MatMul", graph.quant("input", 3), graph.weights(5, 4))
    y = graph.add("Max", y, graph.constant(low)) if high is None else graph.add("Min", y, graph.constant(high))
    proto = graph.model(graph.add("MatMul", graph.sign(y), graph.weights(4, 3)), 3)
    network = read_model(write(proto, tmp_path / "m.onnx")).network
    x = np.random.default_rng(0).integers(0, 8, (9, 5))
    result = streamline(network).network
    scores = evaluate(result, result.input.encode(x)).scores
    w = np.where(graph.arrays[graph.nodes[-2].input[0]] >= 0, 1, -1).sum(axis=0) * (1 if high is None else -1)
    assert (np.diff(scores, axis=1) * 2 == np.diff(w)).all()


@pytest.mark.parametrize("start, end", [(None, None), (0, None), (1, None), (1, 3), (-2, None), (0, 1)])
def test_shapes_of_tensors(tmp_path: Path, start: int | None, end: int | None) -> None:
    """A shape, or a part of it, scales what follows by its product: constants, unless the batch is among them."""
    graph = Graph(3, 2, 2, seed=7)
    x = graph.quant("input", 3)
    ends = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    shape = graph.add("Shape", x, **ends)
    number = graph.add("Cast", graph.add("ReduceProd", shape, keepdims=0), to=onnx.TensorProto.FLOAT)
    flat = graph.add("Flatten", x, axis=1)
    proto = graph.model(graph.add("Add", graph.add("MatMul", flat, graph.weights(12, 3)), number), 3)
    if (start or 0) != 0:
        network = check(proto, tmp_path / "m.onnx", high=8)
        due = int(np.prod([1, 3, 2, 2][slice(start, end)]))
        assert isinstance(network, Network) and due in (4, 6, 12)
    else:
        with pytest.raises(
            UnsupportedError, match=r"'add7_node': its other input must be a constant, not a number of frames$"
        ):
            read_model(write(proto, tmp_path / "m.onnx"))


@pytest.mark.parametrize("above, below", [(1.0, 0.0), (2.0, 0.0), (0.5, -0.5), (0.0, -3.0), (3.0, 1.0), (-1.0, -2.0)])
def test_a_bit_that_begins_above_its_bound(tmp_path: Path, above: float, below: float) -> None:
    """Half rounds to 0, the even number: the greater of two numbers is for what exceeds it.

    Class 1 is what is not negative; where the lesser is 0 they are labels, and beyond both all is one class.
    """
    graph, y = dense(1, synapses=8)
    bit = graph.quant(graph.add("Mul", y, graph.constant(0.25)), 1)
    end = graph.add("Add", graph.add("Mul", bit, graph.constant(above - below)), graph.constant(below))
    proto, x = finished(graph, end), samples(8)
    network, _ = read(proto, tmp_path / "m.onnx")
    values, scores = (found.reshape(len(x)) for found in execute(proto, x, end, y))
    assert 2.0 in scores and (values == np.where(scores > 2.0, above, below)).all()
    assert classes_of(network, x) == (values > 0 if below == 0 else values >= 0).tolist()


@pytest.mark.parametrize("what", ["samples", "a product"])
def test_too_many_steps(tmp_path: Path, what: str) -> None:
    graph = Graph(4)
    x = "input" if what == "samples" else graph.add("MatMul", graph.quant("input", 3), graph.weights(4, 3))
    before = len(graph.nodes)
    for _ in range(101):
        x = graph.add("Mul", x, graph.constant(1.5))
    x = graph.sign(x)
    proto = graph.model(x if what == "a product" else graph.add("MatMul", x, graph.weights(4, 3)))
    place = f"node {before + 101} of {len(proto.graph.node)}: Mul 'mul{before + 100}_node'"
    message = f"{place}: {what} must have at most 100 steps before the quantizer"
    refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, message)


def test_an_operator_has_one_handler() -> None:
    with pytest.raises(ValueError, match=r"^operator Conv must have one handler$"):
        handles("Conv")(lambda call: call.inputs[0])  # type: ignore[arg-type,return-value]


def test_neurons_in_another_order(tmp_path: Path) -> None:
    """Numbers of each are those of their places in the graph."""
    graph = Graph(5, seed=9)
    y = graph.add("MatMul", graph.quant("input", 3), graph.weights(5, 6))
    y = graph.add("Transpose", graph.add("Reshape", y, graph.constant([0, 2, 3], np.int64)), perm=[0, 2, 1])
    y = graph.add("Reshape", y, graph.constant([0, 6], np.int64))
    y = graph.add("Add", graph.add("Mul", y, graph.constant([1, -2, 3, 0.5, -1, 4])), graph.constant(np.arange(6) - 3))
    proto = graph.model(graph.norm(graph.add("MatMul", graph.sign(y), graph.weights(6, 4)), 4), 4)
    check(proto, tmp_path / "m.onnx", high=8)


def test_a_list_of_elements_becomes_a_map(tmp_path: Path) -> None:
    """Whose channels have numbers of their own."""
    graph = Graph(12, seed=3)
    x = graph.add("Reshape", graph.quant("input", 3), graph.constant([0, 3, 2, 2], np.int64))
    x = graph.add("Mul", x, graph.constant(np.array([1, 2, 4]).reshape(3, 1, 1)))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 3, 2, 1)), 4))
    check(graph.scores(x), tmp_path / "m.onnx", high=8)


@pytest.mark.parametrize("factor", [65536.0, 65537.0])
def test_scales_that_are_far_apart(tmp_path: Path, factor: float) -> None:
    graph = Graph(2, 4, 4, seed=1)
    one = graph.quant("input", 3)
    two = graph.quant(graph.norm(graph.add("Conv", one, graph.weights(2, 2, 1, 1)), 2), 3)
    two = graph.add("Mul", two, graph.constant(factor))
    end = graph.add("Add", one, two)
    path = write(graph.scores(graph.quant(end, 2, 65536.0)), tmp_path / "m.onnx")
    if factor == 65536:
        assert "Residual" in kinds(read_model(path).network)
        return
    with pytest.raises(UnsupportedError, match=r"its inputs' scales in channel 0 must be at most 65536 times a common"):
        read_model(path)


@pytest.mark.parametrize("target", [[-1, -1], [-2, 12], [5, 5], [0, 0, -1, -1]])
def test_weights_of_no_shape(tmp_path: Path, target: list[int]) -> None:
    graph = Graph(6)
    w = graph.add("Reshape", graph.weights(6, 4), graph.constant(target, np.int64))
    path = write(graph.model(graph.add("MatMul", graph.quant("input", 3), w), 4), tmp_path / "m.onnx")
    with pytest.raises(
        UnsupportedError, match=r"node 2 of 5: Reshape .*: its shape must (be of 24 weights|have 24 el)"
    ):
        read_model(path)


@pytest.mark.parametrize("versions, refused", [
    ([("", 11)], False), ([("", 13)], True), ([("", 11), ("ai.onnx", 13)], True), ([("", 13), ("ai.onnx", 11)], True),
    ([("", 0)], True), ([], True), ([("", 1000)], True), ([("", 0), ("ai.onnx", 11)], False), ([("other", 11)], True),
])  # fmt: skip
def test_versions_of_operators(tmp_path: Path, versions: list[tuple[str, int]], refused: bool) -> None:
    """The newest that is stated, or of all that is known: a Softmax compares along one axis since operator set 13."""
    graph, y = dense(4)
    end = graph.add("Softmax", graph.add("Reshape", y, graph.constant([-1, 2, 2], np.int64)), axis=1)
    proto = finished(graph, end)
    del proto.opset_import[:]
    proto.opset_import.extend(onnx.helper.make_opsetid(*version) for version in [*versions, (DOMAIN, 1)])
    path = write(proto, tmp_path / "m.onnx")
    if refused:
        with pytest.raises(UnsupportedError, match="its axis must be that of the classes"):
            read_model(path)
    else:
        read_model(path)


@pytest.mark.parametrize("value, refused", [(1 << 53, False), ((1 << 53) + 2, True), (-(1 << 53) - 2, True)])
def test_integers_that_float64_does_not_hold(tmp_path: Path, value: int, refused: bool) -> None:
    graph = Graph(4)
    y = graph.add("MatMul", graph.quant("input", 3), graph.weights(4, 3))
    path = write(graph.model(graph.sign(graph.add("Add", y, graph.constant(value, np.int64)))), tmp_path / "m.onnx")
    if refused:
        with pytest.raises(UnsupportedError, match=r"its other input must be below 2\*\*53$"):
            read_model(path)
    else:
        read_model(path)


@pytest.mark.parametrize("option", ["scale", "offset"])
def test_numbers_of_channels_that_are_not_there(tmp_path: Path, option: str) -> None:
    graph = Graph(2, 5, 4)
    path = write(graph.scores(graph.quant("input", 3)), tmp_path / "m.onnx")
    message = f"--input-{option} must have one number, or one per channel (2 or 4), not 3"
    with pytest.raises(RequestError, match=re.escape(message)):
        read_model(path, **{f"input_{option}": (Fraction(1), Fraction(2), Fraction(3))})


@pytest.mark.parametrize("scale", [(Fraction(0),), (Fraction(1), Fraction(0)), (Fraction(-1, 2),), ()])
def test_scales_of_samples_are_positive(tmp_path: Path, scale: tuple[Fraction, ...]) -> None:
    graph = Graph(2, 5, 4)
    path = write(graph.scores(graph.quant("input", 3)), tmp_path / "m.onnx")
    message = f"{path}: --input-scale must be positive, not {', '.join(map(str, scale))}"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        read_model(path, input_scale=scale)


def test_a_shortcut_of_samples_that_are_integers(tmp_path: Path) -> None:
    """A branch and the input itself, without a quantizer, as somebody says that it is of integers."""
    graph = Graph(2, 4, 4, seed=5)
    total = graph.add("Add", graph.add("Conv", "input", graph.weights(2, 2, 1, 1)), "input")
    proto = graph.scores(graph.sign(graph.norm(total, 2, 9)))
    x = np.random.default_rng(3).integers(0, 8, (40, 2, 4, 4))
    expected = execute_all(proto, x.astype(np.float32))["scores"]
    network = streamline(read_model(write(proto, tmp_path / "m.onnx"), input_type="uint3").network).network
    assert "Residual" in kinds(network)
    assert evaluate(network, network.input.encode(x)).classes.tolist() == expected.argmax(axis=1).tolist()
