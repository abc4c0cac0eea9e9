"""Graphs of one output: class 1 iff its score is not negative, whatever stands behind the last product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import Network, archive
from bnnhw.qonnx import write_qonnx
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_models import Graph
from tests.frontend.end_models import classes_of, dense, execute, finished, read, samples
from tests.frontend.models import write
from tests.frontend.refusals import refuse

Build = Callable[[Graph, str], str]


def norm(g: Graph, y: str, gamma: float, beta: float, mean: float, variance: float) -> str:
    return g.add("BatchNormalization", y, *(g.constant([v]) for v in (gamma, beta, mean, variance)), epsilon=0.0)


def threshold(g: Graph, y: str, at: float, scale: float, bias: float) -> str:
    return g.add("MultiThreshold", y, g.constant([[at]]), out_scale=scale, out_bias=bias)


def same(network: Network, x: np.ndarray, scores: np.ndarray) -> None:
    """Class and order of float64's scores."""
    found = evaluate(network, network.input.encode(x))
    assert found.classes.tolist() == (scores >= 0).tolist()
    ours = found.scores[:, 0]
    for _, rows in groups(ours):
        assert len(set(scores[rows].tolist())) == 1
    order = np.argsort(ours, kind="stable")
    assert (np.diff(scores[order]) >= 0).all()


def groups(values: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return [(value, np.flatnonzero(values == value)) for value in np.unique(values).tolist()]


AFFINE: dict[str, Build] = {
    "nothing": lambda g, y: y,
    "bias": lambda g, y: g.add("Add", y, g.constant([0.5])),
    "a bias that makes 0": lambda g, y: g.add("Add", y, g.constant([-1.0])),
    "negative scale": lambda g, y: g.add("Mul", y, g.constant([-0.25])),
    "divided": lambda g, y: g.add("Div", g.add("Sub", g.constant([3.0]), y), g.constant([-4.0])),
    "norm": lambda g, y: norm(g, y, 0.5, 0.25, 1.0, 4.0),
    "falling norm": lambda g, y: norm(g, y, -3.0, 1.5, -1.0, 0.25),
    "flattened": lambda g, y: g.add("Flatten", g.add("Add", y, g.constant([2.0]))),
    "squeezed": lambda g, y: g.add("Squeeze", g.add("Add", y, g.constant([2.0])), g.constant([1], np.int64)),
    "leaky": lambda g, y: g.add("LeakyRelu", g.add("Add", y, g.constant([0.5])), alpha=0.25),
}


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("name", AFFINE)
def test_every_affine_step_counts(tmp_path: Path, name: str, bits: int) -> None:
    """The network is the same after a way through its file, and through our own export."""
    graph, y = dense(1, bits=bits)
    end = AFFINE[name](graph, y)
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    assert said == ()
    (scores,) = execute(proto, x, end)
    scores = scores.reshape(len(x)).astype(np.float64)
    assert {True, False} == set((scores >= 0).tolist())
    same(network, x, scores)
    archive.save(network, tmp_path / "n.bnn")
    assert archive.load(tmp_path / "n.bnn") == network
    write_qonnx(network, tmp_path / "again.onnx")
    again = streamline(read_model(tmp_path / "again.onnx").network).network
    assert again.output == network.output and again.layers == network.layers


@pytest.mark.parametrize(
    "build, kind",
    [
        (lambda g, y: g.add("Add", y, g.constant([1e6])), 1),
        (lambda g, y: g.add("Add", y, g.constant([-1e30])), 0),
        (lambda g, y: norm(g, y, 0.0, -0.5, 1.0, 1.0), 0),
        (lambda g, y: norm(g, y, 0.0, 0.0, 1.0, 1.0), 1),
        (lambda g, y: g.add("Mul", y, g.constant([0.0])), 1),
        (lambda g, y: g.quant(y, 3), 1),
        (lambda g, y: threshold(g, y, 1.5, 2.0, 1.0), 1),
        (lambda g, y: g.add("Add", g.sign(y), g.constant(1.5)), 1),
        (lambda g, y: g.add("Sub", g.sign(y, 0.5), g.constant(0.75)), 0),
        (lambda g, y: g.add("Add", g.add("Sign", y), g.constant(1.25)), 1),
        (lambda g, y: g.add("Sub", g.add("Sign", y), g.constant(1.25)), 0),
        (lambda g, y: g.add("Mul", g.sign(y), g.constant(0.0)), 1),
        # Labels of which one is never given.
        (lambda g, y: g.quant(y, 1, 1e6), 0),
        (lambda g, y: threshold(g, y, np.inf, 1.0, 0.0), 0),
        (lambda g, y: threshold(g, y, -np.inf, 1.0, 0.0), 1),
        (lambda g, y: threshold(g, y, -1e6, 1.0, 0.0), 1),
    ],
)
def test_a_constant_is_said(tmp_path: Path, build: Build, kind: int) -> None:
    graph, y = dense(1)
    network, said = read(finished(graph, build(graph, y)), tmp_path / "m.onnx")
    what = ("always negative", "never negative")[kind]
    assert said == (f"layer output: its one score is {what}: every sample is of class {kind}",)
    assert set(classes_of(network, samples())) == {kind}


SIGNS: dict[str, Build] = {
    "bits": lambda g, y: g.sign(y, 0.5),
    "Sign": lambda g, y: g.add("Sign", y),
    "one signed bit": lambda g, y: g.quant(y, 1, 3.0, signed=True),
    "one threshold of -1 and 1": lambda g, y: g.add(
        "MultiThreshold", y, g.constant([[1.0]]), out_scale=2.0, out_bias=-1.0
    ),
    "one threshold of 0 and 1": lambda g, y: g.add(
        "MultiThreshold", y, g.constant([[-3.0]]), out_scale=1.0, out_bias=0.0
    ),
    "bits made labels": lambda g, y: g.add("Add", g.sign(y, 0.5), g.constant(0.5)),
    "Sign made labels": lambda g, y: g.add("Mul", g.add("Add", g.add("Sign", y), g.constant(1.0)), g.constant(0.5)),
    "an offset between": lambda g, y: g.add("Sub", g.sign(y, 0.5), g.constant(0.25)),
    "negated": lambda g, y: g.add("Mul", g.sign(y), g.constant(-1.0)),
    "a negated threshold": lambda g, y: g.add("Mul", threshold(g, y, 1.0, 1.0, 0.0), g.constant(-1.0)),
}


@pytest.mark.parametrize("name", SIGNS)
@pytest.mark.parametrize("norms", [False, True])
def test_a_sign_leaves_the_decision(tmp_path: Path, name: str, norms: bool) -> None:
    """And the order of the scores before it, if class 1 is what reaches a bound."""
    graph, y = dense(1)
    before = norm(graph, y, -2.0, 1.0, 1.0, 4.0) if norms else y
    end = SIGNS[name](graph, before)
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    assert said == ()
    values, scores = (found.reshape(len(x)) for found in execute(proto, x, end, before))
    # 0 and what is greater are labels.
    upper = values > 0 if values.min() == 0 else values >= 0
    found = evaluate(network, network.input.encode(x))
    assert found.classes.tolist() == upper.tolist()
    if "negated" not in name:
        assert len(set(found.scores[:, 0].tolist())) == len(set(scores.tolist())) > 2
        assert (np.diff(scores[np.argsort(found.scores[:, 0], kind="stable")]) >= 0).all()


@pytest.mark.parametrize("zero", [0.0, 2.0, 0.5])
def test_a_number_of_several_levels_stays_one(tmp_path: Path, zero: float) -> None:
    graph, y = dense(1)
    inputs = [graph.constant(v) for v in (2.0, zero, 3)]
    end = graph.add("Quant", y, *inputs, signed=1, narrow=0, rounding_mode="ROUND")
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    (values,) = execute(proto, x, end)
    assert said == ()
    same(network, x, values.reshape(len(x)).astype(np.float64))


PROBABILITIES: dict[str, Build] = {
    "sigmoid": lambda g, y: g.add("Sigmoid", y),
    "of a negative scale": lambda g, y: g.add("Sigmoid", g.add("Mul", y, g.constant(-0.25))),
    "quantized": lambda g, y: g.quant(g.add("Sigmoid", g.add("Mul", y, g.constant(0.25))), 4, 1 / 15),
    "of levels": lambda g, y: g.add("Sigmoid", g.quant(y, 3, 2.0, signed=True)),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_a_probability_decides_from_its_half_on(tmp_path: Path, name: str) -> None:
    graph, y = dense(1)
    end = PROBABILITIES[name](graph, y)
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    (values,) = execute(proto, x, end)
    assert said == ()
    same(network, x, values.reshape(len(x)).astype(np.float64) - 0.5)


CURVES: dict[str, Build] = {
    "tanh": lambda g, y: g.add("Tanh", g.add("Mul", y, g.constant(0.125))),
    "hardtanh": lambda g, y: g.add("Clip", y, g.constant(-1.0), g.constant(1.0)),
    "a tanh of a leaky rectifier": lambda g, y: g.add(
        "Tanh", g.add("LeakyRelu", g.add("Mul", y, g.constant(0.125)), alpha=0.25)
    ),
    "sigmoid less a number": lambda g, y: g.add(
        "Sub", g.add("Sigmoid", g.add("Mul", y, g.constant(0.25))), g.constant(0.6)
    ),
    "16 bits": lambda g, y: g.quant(g.add("Mul", y, g.constant(-0.3)), 16, 1 / 256, signed=True),
    "16 bits of bits": lambda g, y: g.quant(g.sign(y, 0.75), 16, 1.0, signed=True),
    "16 bits of a softplus": lambda g, y: g.quant(
        g.add("Sub", g.add("Softplus", y), g.constant(1.0)), 16, 1 / 256, signed=True
    ),
}


@pytest.mark.parametrize("name", CURVES)
def test_what_keeps_the_sign_is_left_out(tmp_path: Path, name: str) -> None:
    graph, y = dense(1)
    end = CURVES[name](graph, y)
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    (values,) = execute(proto, x, end)
    assert said == ()
    assert len(set(classes_of(network, x))) == 2
    assert classes_of(network, x) == (values.reshape(len(x)) >= 0).tolist()


@pytest.mark.parametrize("outer", ["Sigmoid", "Tanh"])
def test_a_probability_of_a_probability_decides_nothing(tmp_path: Path, outer: str) -> None:
    """What is above 0 always: refused, and not taken for the sign of what is inside."""
    graph, y = dense(1)
    end = graph.add(outer, graph.add("Sigmoid", y))
    message = f"graph output '{end}': must be affine in a matrix product, without a sigmoid: end the graph before it"
    refuse(write(finished(graph, end), tmp_path / "m.onnx"), UnsupportedError, message)


def test_a_number_per_frame_has_no_channels(tmp_path: Path) -> None:
    graph, y = dense(1)
    end = norm(graph, graph.add("Squeeze", y, graph.constant([1], np.int64)), 1.0, 0.0, 0.0, 1.0)
    message = f"node 5 of 5: BatchNormalization '{graph.nodes[-1].name}': its input must have channels behind the batch"
    refuse(write(finished(graph, end), tmp_path / "m.onnx"), UnsupportedError, message)


def test_sums_of_scores_decide(tmp_path: Path) -> None:
    graph = Graph(9)
    x = graph.sign("input")
    hidden = graph.sign(graph.norm(graph.add("MatMul", x, graph.weights(9, 5)), 5))
    first = graph.add("Mul", graph.add("MatMul", x, graph.weights(9, 1)), graph.constant([0.5]))
    second = graph.add("Add", graph.add("MatMul", hidden, graph.weights(5, 1, bits=2)), graph.constant([-0.25]))
    end = graph.add("Mul", graph.add("Add", first, second), graph.constant([-3.0]))
    proto, x = finished(graph, end), samples()
    network, said = read(proto, tmp_path / "m.onnx")
    (scores,) = execute(proto, x, end)
    assert said == ()
    same(network, x, scores.reshape(len(x)).astype(np.float64))


def test_convolutions_decide(tmp_path: Path) -> None:
    """A detector: the greatest of a map's scores, and their mean."""
    for pool in ("GlobalMaxPool", "GlobalAveragePool"):
        graph = Graph(2, 4, 4)
        y = graph.add("Conv", graph.sign("input"), graph.weights(1, 2, 2, 2), graph.constant([-1.5]))
        end = graph.add("Flatten", graph.add(pool, y))
        proto, x = finished(graph, end), np.random.default_rng(3).choice([-1.0, 1.0], (80, 2, 4, 4))
        network, said = read(proto, tmp_path / "m.onnx")
        (scores,) = execute(proto, x, end)
        assert said == ()
        same(network, x, scores.reshape(len(x)).astype(np.float64))
