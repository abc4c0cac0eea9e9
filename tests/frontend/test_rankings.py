"""Operators around rankings and curves: a softmax over several dimensions, numbers behind one, curves divided."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from tests.frontend.conv_models import Graph
from tests.frontend.end_models import classes_of, dense, execute, finished, read, samples
from tests.frontend.models import write
from tests.frontend.refusals import refuse


@pytest.mark.parametrize("opset, refused", [(11, False), (13, True)])
def test_softmax_over_several_dimensions(tmp_path: Path, opset: int, refused: bool) -> None:
    """Before operator set 13, one of the axes from the one that is named on."""
    graph, y = dense(4)
    attributes = {"axis": 1}
    end = graph.add("Softmax", graph.add("Reshape", y, graph.constant([-1, 2, 2], np.int64)), **attributes)
    proto, x = finished(graph, end, opset), samples()
    path = tmp_path / "m.onnx"
    if refused:
        message = "its axis must be that of the classes; 1 of (batch, 2, 2) compares 2 of 4 numbers with each other"
        refuse(write(proto, path), UnsupportedError, f"node 5 of 5: Softmax '{end}_node': {message}")
        return
    network, _ = read(proto, path)
    (scores,) = execute(proto, x, y)
    assert classes_of(network, x) == scores.reshape(len(x), 4).argmax(axis=1).tolist()


BEHIND: dict[str, tuple[Callable[[Graph, str], str], str]] = {
    "divided": (lambda g, y: g.add("Div", y, g.constant(2.0)), ""),
    "times, the number first": (lambda g, y: g.add("Mul", g.constant(2.0), y), ""),
    "less a number": (lambda g, y: g.add("Sub", y, g.constant(2.0)), ""),
    "more, the number first": (lambda g, y: g.add("Add", g.constant(-2.0), y), ""),
    "a number less it": (lambda g, y: g.add("Sub", g.constant(2.0), y), "turn"),
    "a number divided by it": (lambda g, y: g.add("Div", g.constant(2.0), y), "turn"),
    "times 0": (lambda g, y: g.add("Mul", y, g.constant(0.0)), "turn"),
    "divided by a negative number": (lambda g, y: g.add("Div", y, g.constant(-2.0)), "turn"),
    "numbers of each class": (lambda g, y: g.add("Add", y, g.constant([0.0, 1.0, 0.0, 0.0])), "alike"),
}


@pytest.mark.parametrize("name", BEHIND)
def test_numbers_behind_a_softmax(tmp_path: Path, name: str) -> None:
    build, refused = BEHIND[name]
    graph, y = dense(4)
    end = build(graph, graph.add("Softmax", y))
    proto, x = finished(graph, end), samples()
    if not refused:
        network, said = read(proto, tmp_path / "m.onnx")
        (scores,) = execute(proto, x, end)
        assert said == () and classes_of(network, x) == scores.reshape(len(x), 4).argmax(axis=1).tolist()
        return
    what = "turn the order of the classes round" if refused == "turn" else "treat all classes alike"
    with pytest.raises(UnsupportedError, match=f"it must .*{what}|{what}"):
        read_model(write(proto, tmp_path / "m.onnx"))


@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_a_curve_divided_rises_still(tmp_path: Path, factor: float) -> None:
    graph, y = dense(4)
    end = graph.add("Div", graph.add("Tanh", graph.add("Mul", y, graph.constant(0.0625))), graph.constant(factor))
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    (expected,) = execute(proto, x, end)
    assert said == () and classes_of(network, x) == expected.reshape(len(x), 4).argmax(axis=1).tolist()


@pytest.mark.parametrize("divisor", [[-4.0], [1.0, 2.0, 1.0, 1.0]])
def test_a_curve_divided_otherwise_is_refused(tmp_path: Path, divisor: list[float]) -> None:
    graph, y = dense(4)
    end = graph.add("Div", graph.add("Tanh", y), graph.constant(divisor))
    message = f"graph output '{end}': must be affine in a matrix product, without a tanh: end the graph before it"
    refuse(write(finished(graph, end), tmp_path / "m.onnx"), UnsupportedError, message)
