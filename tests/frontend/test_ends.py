"""The ends of graphs: what keeps the order of classes is left out, a quantizer stays, a single score decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.qonnx import write_qonnx
from bnnhw.streamline import streamline
from tests.frontend.conv_models import Graph
from tests.frontend.end_models import classes_of, dense, execute, finished, read, samples
from tests.frontend.models import write
from tests.frontend.refusals import refuse

RISING: dict[str, Callable[[Graph, str], str]] = {
    "softmax": lambda g, y: g.add("Softmax", y, axis=1),
    "softmax by default": lambda g, y: g.add("Softmax", y),
    "log softmax": lambda g, y: g.add("LogSoftmax", y, axis=-1),
    "twice": lambda g, y: g.add("Softmax", g.add("LogSoftmax", y)),
    "log of a softmax": lambda g, y: g.add("Log", g.add("Softmax", y)),
    "scaled": lambda g, y: g.add("Sub", g.add("Mul", g.add("Softmax", y), g.constant(100.0)), g.constant([50.0])),
    "moved": lambda g, y: g.add(
        "Flatten", g.add("Softmax", g.add("Unsqueeze", g.add("Identity", y), g.constant([2, 3], np.int64)), axis=1)
    ),
    "reshaped": lambda g, y: g.add("Reshape", g.add("Softmax", y), g.constant([-1, 4, 1], np.int64)),
    "cast": lambda g, y: g.add("Cast", g.add("Softmax", y), to=TensorProto.DOUBLE),
    "leaky": lambda g, y: g.add("LeakyRelu", y, alpha=0.25),
    "sigmoid": lambda g, y: g.add("Sigmoid", g.add("Mul", y, g.constant(-0.125))),
    "scaled sigmoid": lambda g, y: g.add("Add", g.add("Mul", g.add("Sigmoid", y), g.constant(2.0)), g.constant(-1.0)),
    "softmax of a tanh": lambda g, y: g.add("Softmax", g.add("Tanh", g.add("Mul", y, g.constant(0.0625)))),
    "a clip out of reach": lambda g, y: g.add("Clip", y, g.constant(-300.0), g.constant(300.0)),
}


@pytest.mark.parametrize("name", RISING)
def test_what_rises_changes_no_class(tmp_path: Path, name: str) -> None:
    graph, y = dense(4)
    proto = finished(graph, RISING[name](graph, graph.norm(y, 4)))
    x = samples()
    network, said = read(proto, tmp_path / "m.onnx")
    assert said == ()
    (expected,) = execute(proto, x, proto.graph.output[0].name)
    assert classes_of(network, x) == expected.reshape(len(x), 4).argmax(axis=1).tolist()


def top_k(graph: Graph, y: str, k: int, output: int = 1, **attributes: int) -> str:
    names = [f"best{len(graph.nodes)}", f"index{len(graph.nodes)}"]
    inputs = [y, graph.constant([k], np.int64)]
    graph.nodes.append(helper.make_node("TopK", inputs, names, name="top", **attributes))
    return names[output]


CHOSEN: dict[str, Callable[[Graph, str], str]] = {
    "argmax": lambda g, y: g.add("ArgMax", y, axis=1),
    "argmax without keepdims": lambda g, y: g.add("ArgMax", y, axis=-1, keepdims=0),
    "argmin": lambda g, y: g.add("ArgMin", y, axis=1),
    "argmax of negated scores": lambda g, y: g.add("ArgMax", g.add("Mul", y, g.constant(-2.0)), axis=1),
    "argmax of a softmax": lambda g, y: g.add("ArgMax", g.add("Softmax", y), axis=1),
    "argmin of a softmax": lambda g, y: g.add("ArgMin", g.add("Softmax", y), axis=1),
    "cast": lambda g, y: g.add("Cast", g.add("ArgMax", y, axis=1), to=TensorProto.INT32),
    "squeezed": lambda g, y: g.add("Squeeze", g.add("ArgMax", y, axis=1)),
    "reshaped": lambda g, y: g.add("Reshape", g.add("ArgMax", y, axis=1), g.constant([-1], np.int64)),
    "topk": lambda g, y: top_k(g, y, 1),
    "three best": lambda g, y: top_k(g, y, 3, axis=-1, largest=1, sorted=1),
    "the best of three": lambda g, y: g.add("Gather", top_k(g, y, 3), g.constant(0, np.int64), axis=1),
    "topk of a softmax": lambda g, y: top_k(g, g.add("Softmax", y), 4),
    "topk of levels": lambda g, y: top_k(g, g.quant(y, 2, 4.0, signed=True), 1),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_the_class_itself(tmp_path: Path, name: str) -> None:
    graph, y = dense(5)
    proto = finished(graph, CHOSEN[name](graph, graph.norm(y, 5)))
    x = samples()
    network, said = read(proto, tmp_path / "m.onnx")
    assert all("its quantizer makes scores equal" in line for line in said)
    (expected,) = execute(proto, x, proto.graph.output[0].name)
    assert len(set(expected.reshape(len(x), -1)[:, 0].tolist())) > 1
    assert classes_of(network, x) == expected.reshape(len(x), -1)[:, 0].tolist()


def test_the_values_of_the_best(tmp_path: Path) -> None:
    graph, y = dense(5)
    network, said = read(finished(graph, top_k(graph, y, 2, output=0)), tmp_path / "m.onnx")
    plain, _ = read(finished(graph, y), tmp_path / "m.onnx")
    assert said == () and network.layers == plain.layers


AXIS = "its axis must be that of the classes; "
REFUSED: dict[str, tuple[str, Callable[[Graph, str], str]]] = {
    "softmax of frames": (
        f"node 4 of 4: Softmax 'softmax3_node': {AXIS}0 of (batch, 4) compares frames with each other",
        lambda g, y: g.add("Softmax", y, axis=0),
    ),
    "softmax of one": (
        f"node 5 of 5: Softmax 'softmax4_node': {AXIS}-1 of (batch, 4, 1) compares 1 of 4 numbers with each other",
        lambda g, y: g.add("Softmax", g.add("Unsqueeze", y, g.constant([2], np.int64))),
    ),
    "argmax by default": (
        f"node 4 of 4: ArgMax 'argmax3_node': {AXIS}0 of (batch, 4) compares frames with each other",
        lambda g, y: g.add("ArgMax", y),
    ),
    "axis": (
        "node 4 of 4: LogSoftmax 'logsoftmax3_node': its axis must be in -2..1, not 2",
        lambda g, y: g.add("LogSoftmax", y, axis=2),
    ),
    "last of equals": (
        "node 4 of 4: ArgMax 'argmax3_node': its select_last_index must be 0: of equal scores the class with the "
        "lowest index counts",
        lambda g, y: g.add("ArgMax", y, axis=1, select_last_index=1),
    ),
    "smallest": (
        "node 4 of 4: TopK 'top': its largest must be 1: a network's class is that of its highest score",
        lambda g, y: top_k(g, y, 1, largest=0),
    ),
    "unsorted": (
        "node 4 of 4: TopK 'top': its sorted must be 1 for a k above 1: the first of the classes must be the best",
        lambda g, y: top_k(g, y, 2, sorted=0),
    ),
    "too many": ("node 4 of 4: TopK 'top': its k must be in 1..4, not 5.0", lambda g, y: top_k(g, y, 5)),
    "the second best": (
        "node 5 of 5: Gather 'gather4_node': its index must be 0, the best class",
        lambda g, y: g.add("Gather", top_k(g, y, 2), g.constant(1, np.int64), axis=1),
    ),
    "turned round": (
        "node 5 of 5: Mul 'mul4_node': it must not turn the order of the classes round that node 4 of 5: Softmax "
        "'softmax3_node' gives",
        lambda g, y: g.add("Mul", g.add("Softmax", y), g.constant(-1.0)),
    ),
    "one less": (
        "node 5 of 5: Sub 'sub4_node': it must not turn the order of the classes round that node 4 of 5: Softmax "
        "'softmax3_node' gives",
        lambda g, y: g.add("Sub", g.constant(1.0), g.add("Softmax", y)),
    ),
    "class by class": (
        "node 5 of 5: Mul 'mul4_node': behind node 4 of 5: Softmax 'softmax3_node' it must treat all classes alike: "
        "end the graph before it",
        lambda g, y: g.add("Mul", g.add("Softmax", y), g.constant([1.0, 2.0, 1.0, 1.0])),
    ),
    "another layer": (
        "node 6 of 6: MatMul 'matmul5_node': behind node 4 of 6: Softmax 'softmax3_node' a graph must end",
        lambda g, y: g.add("MatMul", g.add("Softmax", y), g.weights(4, 3)),
    ),
    "a class is no number": (
        "node 5 of 5: Softmax 'softmax4_node': its input must be one number per class, not what node 4 of 5: ArgMax "
        "'argmax3_node' gives",
        lambda g, y: g.add("Softmax", g.add("ArgMax", y, axis=1)),
    ),
    "whole numbers": (
        "node 5 of 5: Cast 'cast4_node': its type must be float or double, not int64, as only the address of a "
        "table may be, a whole sum of at most 8 bits: round with a quantizer (Quant, QuantizeLinear)",
        lambda g, y: g.add("Cast", g.add("Softmax", y), to=TensorProto.INT64),
    ),
    "thresholds by class": (
        "node 5 of 5: MultiThreshold 'multithreshold4_node': behind node 4 of 5: Softmax 'softmax3_node' it must treat "
        "all classes alike, and have a positive scale: end the graph before it",
        lambda g, y: g.add("MultiThreshold", g.add("Softmax", y), g.constant([[0.1], [0.2], [0.1], [0.1]])),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_ends(tmp_path: Path, name: str) -> None:
    message, build = REFUSED[name]
    graph, y = dense(4)
    proto = finished(graph, build(graph, y))
    refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, message)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "ArgMax", "ArgMin", "TopK"])
def test_a_single_score_is_not_ranked(tmp_path: Path, kind: str) -> None:
    graph, y = dense(1)
    end = top_k(graph, y, 1) if kind == "TopK" else graph.add(kind, y, axis=1)
    message = (
        f"node 4 of 4: {kind} '{graph.nodes[-1].name}': of a single score it always gives the same: end the graph "
        "before it, and the class is 1 where the score is not negative"
    )
    refuse(write(finished(graph, end), tmp_path / "m.onnx"), UnsupportedError, message)


def test_softmax_of_old(tmp_path: Path) -> None:
    """Before opset 13 the axes behind the axis count too, and it is 1 by default."""
    graph = Graph(2, 3, 3)
    y = graph.add("Conv", graph.sign("input"), graph.weights(4, 2, 3, 3))
    proto = finished(graph, graph.add("Softmax", y), opset=11)
    x = np.random.default_rng(1).choice([-1.0, 1.0], (40, 2, 3, 3))
    network, _ = read(proto, tmp_path / "m.onnx")
    (expected,) = execute(proto, x, y)
    assert classes_of(network, x) == expected.reshape(40, 4).argmax(axis=1).tolist()
    message = (
        f"node 4 of 4: Softmax 'softmax3_node': {AXIS}-1 of (batch, 4, 1, 1) compares 1 of 4 numbers with each other"
    )
    refuse(write(finished(graph, proto.graph.output[0].name), tmp_path / "m.onnx"), UnsupportedError, message)


def test_saturated_curves_are_said(tmp_path: Path) -> None:
    graph, y = dense(4)
    network, said = read(
        finished(graph, graph.add("Sigmoid", graph.add("Mul", y, graph.constant(9.0)))), tmp_path / "m"
    )
    assert said == (
        "graph output 'sigmoid4': its sigmoid makes scores equal in float64 that differ: here the greater counts; "
        "scale what it is given, or end the graph before it",
    )
    assert network.output.multiplier.tolist() == [1] * 4


def test_curves_saturated_at_one_score_are_as_good(tmp_path: Path) -> None:
    """Dot products are odd, -9 to 9: of the least and the greatest tanh gives -1 and 1, of no other."""
    graph, y = dense(4)
    end = graph.add("Tanh", graph.add("Mul", y, graph.constant(2.5)))
    assert (np.abs(np.tanh(2.5 * np.array([7.0, 9.0, 11.0]))) == 1).tolist() == [False, True, True]
    assert read(finished(graph, end), tmp_path / "m")[1] == ()


@pytest.mark.parametrize("kind", ["Relu", "Clip", "sigmoid"])
def test_what_makes_scores_equal_is_refused(tmp_path: Path, kind: str) -> None:
    graph, y = dense(4)
    end = {
        "Relu": lambda: graph.add("Relu", y),
        "Clip": lambda: graph.add("Clip", y, graph.constant(-1.0), graph.constant(1.0)),
        "sigmoid": lambda: graph.add("Sub", graph.constant(1.0), graph.add("Sigmoid", y)),
    }[kind]()
    message = f"graph output '{end}': must be affine in a matrix product, without a {kind}: end the graph before it"
    refuse(write(finished(graph, end), tmp_path / "m.onnx"), UnsupportedError, message)


SUMS: dict[str, Callable[[Graph], str]] = {
    "global average": lambda g: g.add(
        "Flatten", g.add("GlobalAveragePool", g.norm(g.add("Conv", g.sign("input"), g.weights(4, 2, 2, 2)), 4))
    ),
    "whole map": lambda g: g.norm(g.add("Conv", g.sign("input"), g.weights(4, 2, 3, 3)), 4),
    "strided": lambda g: g.add("Conv", g.sign("input"), g.weights(4, 2, 2, 2), strides=[2, 2]),
    "depthwise": lambda g: g.add(
        "Flatten", g.add("Conv", g.quant("input", 2, signed=True), g.weights(2, 1, 3, 3), group=2)
    ),
    "greatest": lambda g: g.add("GlobalMaxPool", g.add("Conv", g.sign("input"), g.weights(4, 2, 2, 2))),
}


def two_matrices(graph: Graph) -> str:
    x = graph.add("Flatten", graph.sign("input"))
    hidden = graph.sign(graph.norm(graph.add("MatMul", x, graph.weights(18, 6)), 6))
    first = graph.add("MatMul", x, graph.weights(18, 3, scale=0.5))
    second = graph.add(
        "Add", graph.add("MatMul", hidden, graph.weights(6, 3, bits=2)), graph.constant([0.5, -1.0, 0.0])
    )
    return graph.norm(graph.add("Sub", first, second), 3)


SUMS["two matrices"] = two_matrices


@pytest.mark.parametrize("name", SUMS)
def test_other_ends_than_a_matrix(tmp_path: Path, name: str) -> None:
    graph = Graph(2, 3, 3)
    proto = finished(graph, SUMS[name](graph))
    x = np.random.default_rng(1).choice([-1.0, 1.0], (60, 2, 3, 3))
    network, said = read(proto, tmp_path / "m.onnx")
    assert said == ()
    (expected,) = execute(proto, x, proto.graph.output[0].name)
    assert classes_of(network, x) == expected.reshape(len(x), -1).argmax(axis=1).tolist()
    # And once more through our own export.
    write_qonnx(network, tmp_path / "again.onnx")
    again = streamline(read_model(tmp_path / "again.onnx").network).network
    assert classes_of(again, x) == classes_of(network, x)
