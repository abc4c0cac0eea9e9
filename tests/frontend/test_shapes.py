"""Nodes that move numbers, on samples, elements and weights: where each ends up, and what would move frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.values import Dimensions, Weights
from tests.frontend.calls import constant, convert, elements
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.refusals import refuse
from tests.frontend.test_conv import check

Move = Callable[[Graph, str], str]


def ints(graph: Graph, *numbers: int) -> str:
    return graph.constant(numbers, np.int64)


MOVES: dict[str, Move] = {
    "flatten from the end": lambda g, x: g.add("Flatten", g.add("Flatten", x, axis=-3), axis=-1),
    "flatten behind dimensions of 1": lambda g, x: g.add("Flatten", g.add("Unsqueeze", x, ints(g, 1)), axis=2),
    "the batch kept": lambda g, x: g.add("Reshape", x, ints(g, 0, -1)),
    "the batch as the rest": lambda g, x: g.add("Reshape", x, ints(g, -1, 12)),
    "sizes kept": lambda g, x: g.add("Flatten", g.add("Reshape", x, ints(g, 0, 0, -1, 0))),
    "turned and flattened": lambda g, x: g.add("Flatten", g.add("Transpose", x, perm=[0, 3, 1, 2])),
    "turned twice": lambda g, x: g.add(
        "Flatten", g.add("Transpose", g.add("Transpose", x, perm=[0, 3, 1, 2]), perm=[0, 2, 3, 1])
    ),
    "more dimensions and fewer": lambda g, x: g.add(
        "Flatten", g.add("Squeeze", g.add("Unsqueeze", x, ints(g, 2, -1)), ints(g, 2, 5))
    ),
    "a squeeze of several": lambda g, x: g.add(
        "Squeeze", g.add("Reshape", x, ints(g, 0, 1, 12, 1)), ints(g, 1, -1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", ["samples", "elements", "products"])
@pytest.mark.parametrize("name", MOVES)
def test_moves(tmp_path: Path, name: str, place: str) -> None:
    graph = Graph(3, 2, 2, seed=1)
    x = "input"
    if place == "samples":
        x = graph.quant(MOVES[name](graph, x), 3)
    elif place == "elements":
        x = MOVES[name](graph, graph.quant(x, 3))
    else:
        x = graph.norm(graph.add("Conv", graph.quant(x, 3), graph.weights(3, 3, 1, 1)), 3)
        x = graph.sign(MOVES[name](graph, x))
    check(graph.model(graph.norm(graph.add("MatMul", x, graph.weights(12, 4)), 4), 4), tmp_path / "m.onnx", high=8)


def test_exported_for_one_frame(tmp_path: Path) -> None:
    """Where the batch is 1, an axis of 0 and a first size of 1 leave it alone."""
    moves: tuple[Move, ...] = (
        lambda g, x: g.add("Reshape", x, ints(g, 0, 12)),
        lambda g, x: g.add("Reshape", x, ints(g, 1, 12)),
        lambda g, x: g.add("Flatten", x, axis=0),
    )
    found = []
    for move in moves:
        graph = Graph(3, 2, 2, seed=1)
        x = move(graph, graph.quant("input", 3))
        proto = graph.model(graph.add("MatMul", x, graph.weights(12, 4)), 4)
        network = read_model(write(proto, tmp_path / "m.onnx")).network
        found.append((network.input, network.layers))
    assert found[0] == found[1] == found[2]


WEIGHTS: dict[str, Move] = {
    "flattened": lambda g, w: g.add("Flatten", g.add("Reshape", w, ints(g, 2, 3, 4)), axis=2),
    "flattened from the end": lambda g, w: g.add("Flatten", g.add("Reshape", w, ints(g, 6, 2, 2)), axis=-2),
    "turned by default": lambda g, w: g.add("Transpose", g.add("Transpose", w)),
    "turned": lambda g, w: g.add("Transpose", g.add("Transpose", w, perm=[1, 0]), perm=[1, 0]),
    "a size kept": lambda g, w: g.add("Reshape", g.add("Reshape", w, ints(g, 0, 2, 2)), ints(g, 0, -1)),
    "the rest": lambda g, w: g.add("Reshape", w, ints(g, -1, 4)),
    "squeezed": lambda g, w: g.add("Squeeze", g.add("Unsqueeze", w, ints(g, 0, -1)), ints(g, 0, 3)),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_moved(tmp_path: Path, name: str) -> None:
    graph = Graph(6, seed=2)
    w = WEIGHTS[name](graph, graph.weights(6, 4, bits=2, scale=[0.5, 1.0, 2.0, 1.5]))
    network = check(graph.model(graph.add("MatMul", graph.quant("input", 3), w), 4), tmp_path / "m.onnx", high=8)
    assert [plane.coefficient for plane in network.matrices[0].weights] == [1, 1]


FLATTENED = {-3: (1, 24), -2: (2, 12), -1: (6, 4), 0: (1, 24), 1: (2, 12), 2: (6, 4), 3: (24, 1)}


@pytest.mark.parametrize("axis", range(-4, 5))
def test_weights_are_flattened_from_every_axis(tmp_path: Path, axis: int) -> None:
    """Weights of (2, 3, 4): from the first axis to behind the last, counted from both ends, and no further."""
    rows, columns = FLATTENED.get(axis, (1, 1))
    graph = Graph(rows, seed=2)
    w = graph.add("Flatten", graph.add("Reshape", graph.weights(6, 4), ints(graph, 2, 3, 4)), axis=axis)
    path = write(graph.model(graph.add("MatMul", graph.quant("input", 3), w), columns), tmp_path / "m.onnx")
    if axis not in FLATTENED:
        message = f"its axis must be in -3..3, not {axis}"
        refuse(path, UnsupportedError, f"node 3 of 6: Flatten 'flatten2_node': {message}")
        return
    (matrix,) = read_model(path).network.matrices
    assert (matrix.synapses, matrix.neurons) == (rows, columns)


def test_scales_move_with_their_weights() -> None:
    """Each keeps its own, and what is alike along a dimension is one number there."""
    values = np.arange(6, dtype=np.int16).reshape(3, 2)
    for scale, target, expected in (
        ([[0.5, 2.0]], (2, 3), [[0.5, 2.0, 0.5], [2.0, 0.5, 2.0]]), ([[0.5, 2.0]], (3, 1, 2), [[[0.5, 2.0]]]),
        ([[0.5], [1.0], [2.0]], (6, 1), [[0.5], [0.5], [1.0], [1.0], [2.0], [2.0]]), ([[0.5]], (6, 1), [[0.5]]),
        ([[0.5]], (1, 2, 3), [[[0.5]]]), ([[0.5], [1.0], [2.0]], (3, 2, 1), [[[0.5]], [[1.0]], [[2.0]]]),
    ):  # fmt: skip
        found = convert("Reshape", Weights(values, np.array(scale)), constant(target, np.int64))
        assert isinstance(found, Weights) and found.scale.tolist() == expected
        assert (found.values == values.reshape(target)).all()


@pytest.mark.parametrize("more", [5, 6])
def test_shapes_of_at_most_eight_dimensions(more: int) -> None:
    """Of the batch, twelve elements and others of 1, computed from the graph's own shape."""
    target = Dimensions((np.array([5, 12, 1, *[1] * more]), np.array([7, 12, 1, *[1] * more])))
    given = elements("uint2", (3, 2, 2))
    if more == 5:
        assert convert("Reshape", given, target).index.shape == (12, *[1] * 6)  # type: ignore[union-attr]
        return
    with pytest.raises(UnsupportedError, match="its shape must leave the batch alone, not be"):
        convert("Reshape", given, target)


REFUSED: dict[str, tuple[Move, str]] = {
    "an axis beyond": (lambda g, x: g.add("Flatten", x, axis=5), "its axis must be in -4..4, not 5"),
    "an axis before": (lambda g, x: g.add("Flatten", x, axis=-5), "its axis must be in -4..4, not -5"),
    "joined with the batch": (
        lambda g, x: g.add("Flatten", x, axis=3),
        "its axis must leave the batch alone, not join it with dimensions of (3, 2): flatten from axis 1",
    ),
    "too few dimensions": (lambda g, x: g.add("Transpose", x, perm=[0, 1]), "its perm must name 4 dimensions"),
    "twice one dimension": (lambda g, x: g.add("Transpose", x, perm=[0, 1, 1, 2]), "its perm must name 4 dimensions"),
    "the batch moved": (lambda g, x: g.add("Transpose", x), "its perm must keep the batch first, not (3, 2, 1, 0)"),
    "other elements": (lambda g, x: g.add("Reshape", x, ints(g, 0, 13)), "with 12 elements per frame, not [0, 13]"),
    "two rests": (lambda g, x: g.add("Reshape", x, ints(g, 0, -1, -1)), "12 elements per frame, not [0, -1, -1]"),
    "a rest of both": (lambda g, x: g.add("Reshape", x, ints(g, -1, -1)), "12 elements per frame, not [-1, -1]"),
    "no whole rest": (lambda g, x: g.add("Reshape", x, ints(g, 0, 5, -1)), "12 elements per frame, not [0, 5, -1]"),
    "several frames": (lambda g, x: g.add("Reshape", x, ints(g, 2, 6)), "12 elements per frame, not [2, 6]"),
    "a negative size": (lambda g, x: g.add("Reshape", x, ints(g, 0, -2, 6)), "elements per frame, not [0, -2, 6]"),
    "a shape that is none": (
        lambda g, x: g.add("Reshape", x, g.constant([1.0, 12.0])),
        "its shape must be a list of at most 8 integers",
    ),
    "a dimension of more than 1": (
        lambda g, x: g.add("Squeeze", x, ints(g, 2)),
        "its axes must fit 4 dimensions, not (2,)",
    ),
    "an axis that is not there": (
        lambda g, x: g.add("Unsqueeze", x, ints(g, 7)),
        "its axes must fit 4 dimensions, not (7,)",
    ),
    "a batch before the batch": (
        lambda g, x: g.add("Unsqueeze", x, ints(g, -5)),
        "its axes must not be the batch: keep the batch as the first dimension up to the output",
    ),
    "too many dimensions": (
        lambda g, x: g.add("Unsqueeze", x, ints(g, 1, 2, 3, 4, 5)),
        "its output must have at most 8 dimensions",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_move_frames(tmp_path: Path, name: str) -> None:
    build, message = REFUSED[name]
    graph = Graph(3, 2, 2)
    x = build(graph, graph.quant("input", 3))
    path = write(graph.model(x, 12), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: node 2 of 3: ") and message in str(caught.value)


def test_dropped_only_in_training(tmp_path: Path) -> None:
    for training in (False, True):
        graph = Graph(6, seed=2)
        x = graph.add("Dropout", graph.quant("input", 3), graph.constant(0.5), graph.constant(training, np.bool_))
        proto = graph.model(graph.add("MatMul", x, graph.weights(6, 4)), 4)
        if training:
            message = "its training_mode must be false: export the model in inference, model.eval()"
            refuse(
                write(proto, tmp_path / "m.onnx"), UnsupportedError, f"node 2 of 5: Dropout 'dropout1_node': {message}"
            )
        else:
            assert len(read_model(write(proto, tmp_path / "m.onnx")).network.chain) == 1
