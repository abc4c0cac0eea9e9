"""Means, averages and windows: axes, padding, sizes that round up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import MaxPool
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_models import Graph
from tests.frontend.end_models import finished
from tests.frontend.models import write
from tests.frontend.refusals import refuse
from tests.frontend.test_conv import check


def _mean(graph: Graph, x: str, *axes: int) -> str:
    return graph.add("ReduceMean", x, graph.constant(axes, np.int64))


def test_axes_of_a_mean_as_an_input(tmp_path: Path) -> None:
    """As of operator set 18."""
    graph = Graph(3, 4, 4, seed=1)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(5, 3, 1, 1)), 5))
    proto = graph.scores(_mean(graph, x, 2, -1))
    proto.opset_import[0].version = 18
    check(proto, tmp_path / "m.onnx", high=8)
    for axes in ((1, 2), (2,), (2, 3, 3)):
        graph = Graph(3, 4, 4, seed=1)
        proto = finished(graph, _mean(graph, graph.quant("input", 3), *axes), 18)
        message = (
            f"node 2 of 2: ReduceMean '{proto.graph.node[-1].name}': its axes must be those of the positions, [2, 3], "
            f"not {list(axes)}"
        )
        refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, message)


@pytest.mark.parametrize("axes, reason", [
    (np.array([2.0, 3.0], np.float32), "at most 8 integers"),
    (np.arange(9), "at most 8 integers"),
    (np.arange(8), f"those of the positions, [2, 3], not {list(range(8))}"),
])  # fmt: skip
def test_axes_of_a_mean_are_a_few_integers(tmp_path: Path, axes: np.ndarray, reason: str) -> None:
    graph = Graph(3, 4, 4, seed=1)
    end = graph.add("ReduceMean", graph.quant("input", 3), graph.constant(axes, axes.dtype))
    message = f"node 2 of 2: ReduceMean '{end}_node': its axes must be {reason}"
    refuse(write(finished(graph, end, 18), tmp_path / "m.onnx"), UnsupportedError, message)


@pytest.mark.parametrize("source", ["numbers", "moved", "norm", "bits"])
def test_averages_that_pad(tmp_path: Path, source: str) -> None:
    """With elements that have a 0: a sum pads with nothing else."""
    graph = Graph(3, 5, 5, seed=6)
    x = graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 2, 2)), 4)
    if source != "norm":
        x = graph.sign(x) if source == "bits" else graph.quant(x, 2, 2.0)
    if source == "moved":
        x = graph.add("Add", x, graph.constant(1.0))
    x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    place = len(graph.nodes)
    proto = graph.scores(graph.sign(graph.norm(x, 4, 1)))
    if source == "numbers":
        check(proto, tmp_path / "m.onnx", high=8)
        return
    message = (
        f"node {place} of {len(proto.graph.node)}: AveragePool '{proto.graph.node[place - 1].name}': its pads must be "
        "0, since its inputs have no 0: train without padding"
    )
    refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, message)


def test_averages_of_averages(tmp_path: Path) -> None:
    """Of what a norm gives, by channel: both divisions come behind the sums."""
    graph = Graph(3, 6, 6, seed=6)
    x = graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 1, 1)), 4)
    x = graph.add("AveragePool", x, kernel_shape=[2, 1], strides=[2, 1])
    x = graph.add("AveragePool", x, kernel_shape=[1, 2], strides=[1, 2])
    check(graph.scores(graph.quant(graph.norm(x, 4, 1), 4, signed=True)), tmp_path / "m.onnx", high=8)


def test_windows_that_round_up(tmp_path: Path) -> None:
    """As many as PyTorch counts: one that begins behind the map and its padding before it is none."""
    random = np.random.default_rng(5)
    seen = set()
    for _ in range(40):
        size, kernel, stride = (int(random.integers(*ends)) for ends in ((4, 9), (1, 4), (1, 4)))
        pad, dilation = int(random.integers(0, kernel // 2 + 1)), int(random.integers(1, 3))
        if dilation * (kernel - 1) + 1 > size:
            continue
        graph = Graph(1, size, size)
        pool = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "dilations": [dilation] * 2}
        x = graph.add("MaxPool", graph.quant("input", 3), ceil_mode=1, **pool)
        values = random.integers(0, 8, (1, 1, size, size)).astype(np.float32)
        due = torch.nn.functional.max_pool2d(
            torch.from_numpy(values), kernel, stride, pad, dilation, ceil_mode=True
        ).numpy()
        weights = graph.constant(random.choice([-1.0, 1.0], (due.size, 2)))
        flat = graph.add("Reshape", x, graph.constant([1, due.size], np.int64))
        product = graph.add("MatMul", flat, graph.add("BipolarQuant", weights, graph.constant(1.0)))
        network = read_model(write(graph.model(product, 2), tmp_path / "m.onnx")).network
        (layer,) = (layer for layer in network.layers if isinstance(layer, MaxPool))
        assert layer.shape_out == due.shape[1:], pool
        scores = evaluate(streamline(network).network, network.input.encode(values)).scores
        expected = due.reshape(1, -1) @ graph.arrays[weights]
        assert scores[0, 0] - scores[0, 1] == expected[0, 0] - expected[0, 1]
        seen.add((size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1 == due.shape[-1])
    assert seen == {True, False}
