"""Quantizers at the ends of graphs: levels are the scores, of probabilities they are left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from tests.frontend.conv_models import Graph
from tests.frontend.end_models import classes_of, dense, execute, finished, read, samples
from tests.frontend.models import write
from tests.frontend.refusals import refuse

QUANTIZED: dict[str, Callable[[Graph, str], str]] = {
    "bits": lambda g, y: g.sign(y, 0.5),
    "Sign": lambda g, y: g.add("Sign", y),
    "two bits": lambda g, y: g.quant(y, 2, 3.0, signed=True),
    "unsigned": lambda g, y: g.quant(y, 3, 2.0),
    "negated": lambda g, y: g.add("Mul", g.quant(y, 3, 2.0, signed=True), g.constant(-0.5)),
    "equal rows": lambda g, y: g.add(
        "MultiThreshold", y, g.constant([[-3.0, 1.0, 5.0]] * 4), out_scale=2.0, out_bias=-3.0
    ),
    "rows": lambda g, y: g.add(
        "MultiThreshold", y, g.constant([[-1.0], [3.0], [1.0], [0.0]]), out_scale=1.0, out_bias=0.0
    ),
    "softmax of levels": lambda g, y: g.add("Softmax", g.quant(y, 2, 3.0, signed=True)),
}


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_quantizer_stays(tmp_path: Path, name: str) -> None:
    """Ties included: the class is that of the graph, not of the scores before it."""
    graph, y = dense(4)
    before = graph.norm(y, 4)
    end = QUANTIZED[name](graph, before)
    proto = finished(graph, end)
    x = samples()
    network, said = read(proto, tmp_path / "m.onnx")
    assert len(said) == 1 and "its quantizer makes scores equal, of which the lowest index counts" in said[0]
    expected, scores = execute(proto, x, end, before)
    assert (expected.argmax(axis=-1) != scores.argmax(axis=-1)).any()
    assert classes_of(network, x) == expected[:, 0].argmax(axis=1).tolist()


def test_a_quantizer_of_probabilities_is_left_out(tmp_path: Path) -> None:
    graph, y = dense(4)
    proto = finished(graph, graph.quant(graph.add("Softmax", y), 4, 1 / 16))
    network, said = read(proto, tmp_path / "m.onnx")
    assert said == (
        "node 5 of 5: Quant 'quant4_node': it is left out: classes that it makes equal behind node 4 of 5: Softmax "
        "'softmax3_node' are told apart by their scores; end the graph before it and nothing is left out",
    )
    x = samples()
    (expected,) = execute(proto, x, y)
    assert classes_of(network, x) == expected[:, 0].argmax(axis=1).tolist()


def threshold(graph: Graph, y: str, rows: object, scale: float = 1.0) -> str:
    return graph.add("MultiThreshold", y, graph.constant(rows), out_scale=scale)


BEHIND: dict[str, tuple[Callable[[Graph, str], str], bool]] = {
    "one scale": (lambda g, y: g.quant(y, 4, 1 / 16), True),
    "one scale, for each class": (lambda g, y: g.quant(y, 4, [0.25] * 4), True),  # type: ignore[arg-type]
    "scales of each class": (lambda g, y: g.quant(y, 4, [0.25, 0.25, 0.5, 0.25]), False),  # type: ignore[arg-type]
    "a scale of 0": (lambda g, y: g.quant(y, 4, 0.0), False),
    "a negative scale": (lambda g, y: g.sign(y, -1.0), False),
    "one row": (lambda g, y: threshold(g, y, [[0.1, 0.5]]), True),
    "one row for each class": (lambda g, y: threshold(g, y, [[0.1, 0.5]] * 4), True),
    "rows of each class": (lambda g, y: threshold(g, y, [[0.1, 0.5]] * 3 + [[0.1, 0.6]]), False),
    "a negative scale of levels": (lambda g, y: threshold(g, y, [[0.1]], -1.0), False),
}


@pytest.mark.parametrize("name", BEHIND)
def test_quantizers_behind_a_softmax(tmp_path: Path, name: str) -> None:
    build, read_ = BEHIND[name]
    graph, y = dense(4)
    path = write(finished(graph, build(graph, graph.add("Softmax", y))), tmp_path / "m.onnx")
    if read_:
        assert "it is left out" in read_model(path).warnings[0]
        return
    with pytest.raises(UnsupportedError, match="it must treat all classes alike, and have a positive scale: end the"):
        read_model(path)


def test_a_quantizer_finer_than_any_layer_has(tmp_path: Path) -> None:
    graph, y = dense(4)
    end = graph.quant(graph.norm(y, 4), 16, 1 / 256, signed=True)
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    assert said == (
        "node 5 of 5: Quant 'quant4_node': it is left out: classes that it makes equal are told apart by their scores; "
        "end the graph before it and nothing is left out",
    )
    (expected,) = execute(proto, x, end)
    assert classes_of(network, x) == expected[:, 0].argmax(axis=1).tolist()
    proto = finished(graph, graph.add("MatMul", end, graph.weights(4, 3)))
    message = (
        "node 5 of 7: Quant 'quant4_node': its bitwidth must be a whole number in 1..8, not 16.0: only at the end of"
    )
    refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, f"{message} a graph it may be more")
