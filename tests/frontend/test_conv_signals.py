"""Signals and maps in other orders: of one dimension, on their side, channels last, flattened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.frontend.conv_checks import check
from tests.frontend.conv_models import Graph


@pytest.mark.parametrize("case", ["rank 3", "unsqueezed", "height 1", "width 1"])
def test_signal(case: str, tmp_path: Path) -> None:
    """One dimension: strides, dilation, padding and pools along it, in all the shapes that graphs give a signal."""
    length = 40
    graph = Graph(*{"height 1": (2, 1, length), "width 1": (2, length, 1)}.get(case, (2, length)), seed=3)

    def along(*sizes: int, other: int = 1) -> list[int]:
        """A list of sizes of as many dimensions as the signal has here; of pads if there are two."""
        places = {"rank 3": [0], "width 1": [0, 1]}.get(case, [1, 0])
        both = [[size, *[other] * (len(places) - 1)] for size in sizes]
        return [numbers[place] for numbers in both for place in places]

    x = "input" if case != "unsqueezed" else graph.add("Unsqueeze", "input", graph.constant([2], np.int64))
    x = graph.quant(x, 4, 1.0, signed=True)
    shape = (6, 2, *along(5))
    x = graph.add("Conv", x, graph.weights(*shape), strides=along(2), pads=along(2, 1, other=0))
    x = graph.sign(graph.norm(x, 6))
    x = graph.add("Conv", x, graph.weights(6, 1, *along(3)), group=6, dilations=along(2))
    x = graph.add("MaxPool", x, kernel_shape=along(2), strides=along(2))
    x = graph.sign(graph.norm(x, 6))
    network = check(graph.scores(x), tmp_path / "m.onnx", -10, 10)
    assert network.input.shape == ((2, length, 1) if case == "width 1" else (2, 1, length))


@pytest.mark.parametrize("padded", ["attribute", "Pad", "auto"])
def test_maps_on_their_side(padded: str, tmp_path: Path) -> None:
    """Height and width swapped between two convolutions: what a node says is in the order of its own dimensions."""
    graph = Graph(2, 9, 11)
    x = graph.add("Conv", graph.quant("input", 4), graph.weights(4, 2, 2, 1))
    x = graph.add("Transpose", graph.sign(graph.norm(x, 4, 30)), perm=[0, 1, 3, 2])
    how: dict[str, object] = {"strides": [2, 1]} | ({} if padded == "auto" else {"dilations": [1, 2]})
    if padded == "Pad":
        x = graph.add("Pad", x, graph.constant([0, 0, 1, 2, 0, 0, 0, 1], np.int64), graph.constant(1.0))
    else:
        how |= {"auto_pad": "SAME_LOWER"} if padded == "auto" else {"pads": [1, 2, 0, 1]}
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 4, 3, 2), **how), 4))
    x = graph.add("MaxPool", graph.add("Transpose", x, perm=[0, 1, 3, 2]), kernel_shape=[1, 2], strides=[1, 2])
    x = graph.add("AveragePool", graph.add("Transpose", x, perm=[0, 1, 3, 2]), kernel_shape=[2, 1])
    check(graph.scores(x), tmp_path / "m.onnx")


def test_signal_as_keras_has_it(tmp_path: Path) -> None:
    """tf2onnx' one-dimensional layers: a convolution on a map of height 1, a pool on one of width 1, and so on."""
    graph = Graph(3, 1, 16)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 1, 3, bits=2))
    x = graph.quant(graph.norm(graph.add("Squeeze", x, graph.constant([2], np.int64)), 4), 2)
    x = graph.add("Reshape", graph.add("Unsqueeze", x, graph.constant([1], np.int64)), graph.constant([-1, 4, 14, 1],
                  np.int64))  # fmt: skip
    x = graph.add("MaxPool", x, kernel_shape=[2, 1], strides=[2, 1])
    x = graph.add("Conv", x, graph.weights(4, 4, 3, 3, bits=2), pads=[1, 1, 1, 1])
    x = graph.add("Unsqueeze", graph.add("Squeeze", x, graph.constant([3], np.int64)), graph.constant([2], np.int64))
    x = graph.quant(graph.norm(x, 4), 2)
    check(graph.scores(graph.add("Transpose", x, perm=[0, 2, 3, 1])), tmp_path / "m.onnx")


@pytest.mark.parametrize("order", ["flatten", "transpose", "reshape"])
def test_channels_first_and_last(order: str, tmp_path: Path) -> None:
    """A fully connected layer sees channels first, whatever the stream's order is; or last, if the graph says so."""
    graph = Graph(3, 5, 4, seed=2)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 4), graph.weights(4, 3, 2, 2)), 4, 20))
    if order == "transpose":
        x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    elif order == "reshape":
        x = graph.add("Reshape", x, graph.constant([0, -1], np.int64))
    check(graph.scores(x), tmp_path / "m.onnx")


def test_norm_of_channels_last(tmp_path: Path) -> None:
    """Constants and thresholds follow the channels through a Transpose."""
    graph = Graph(2, 4, 4, seed=5)
    x = graph.add("Conv", graph.quant("input", 4), graph.weights(4, 2, 2, 2))
    x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    x = graph.add("Mul", x, graph.constant([1, -2, 4, -0.5]))
    steps = np.sort(graph.random.integers(-40, 40, (4, 3)), axis=1)
    x = graph.add("MultiThreshold", x, graph.constant(steps), data_layout="NHWC", out_dtype="UINT2")
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(3, 4, 3, 3)), 3))
    check(graph.scores(x), tmp_path / "m.onnx")


def test_samples_reshaped_to_images(tmp_path: Path) -> None:
    graph = Graph(32, seed=9)
    x = graph.add("Reshape", graph.quant("input", 4), graph.constant([0, 2, 4, 4], np.int64))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 2, 2, 2)), 4, 20))
    assert check(graph.scores(x), tmp_path / "m.onnx").input.shape == (2, 4, 4)
