"""Branches of maps: shortcuts, differences, branches in branches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw.ir import Affine, Quantize, Residual, SumPool
from tests.frontend.conv_checks import check, kinds
from tests.frontend.conv_models import Graph


@pytest.mark.parametrize("seed", range(3))
def test_shortcut_of_integers(seed: int, tmp_path: Path) -> None:
    """Bi-Real Net's shortcut: products are added to what the sign was taken of, twice in a row."""
    graph = Graph(4, 5, 5, seed=seed)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 4, 1, 1))
    for _ in range(2):
        bits = graph.sign(graph.add("Sub", x, graph.constant(graph.random.integers(-3, 4, (1, 4, 1, 1)))))
        bits = graph.add("Pad", bits, graph.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), graph.constant(-1.0))
        x = graph.add("Add", graph.add("Conv", bits, graph.weights(4, 4, 3, 3)), x)
    x = graph.sign(graph.norm(x, 4))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert sum(isinstance(layer, Residual) for layer in network.layers) == 2


@pytest.mark.parametrize("kind", ["Add", "Sub"])
def test_branches_of_several_scales(kind: str, tmp_path: Path) -> None:
    """Quantized branches, scales 2 and 1/2 apart and a batch norm of powers of 2 on one, an average on the other."""
    graph = Graph(3, 6, 6, seed=3)
    x = graph.quant(graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 3, 3)), 4), 3, 2.0, True)
    body = graph.sign(x)
    body = graph.norm(graph.add("Conv", body, graph.weights(4, 4, 2, 2), strides=[2, 2]), 4)
    shortcut = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = graph.add(kind, shortcut, body)
    x = graph.quant(graph.norm(x, 4, 1), 2, 4.0, signed=True)
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert {"Residual", "SumPool", "Affine"} <= set(kinds(network))


def test_nested_branches(tmp_path: Path) -> None:
    """A residual layer inside another, both over one stream of integers, with a downsampling convolution outside."""
    graph = Graph(3, 6, 6, seed=11)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 1, 1))
    inner = graph.add("Add", x, graph.add("Conv", graph.sign(x), graph.weights(4, 4, 1, 1)))
    inner = graph.add(
        "Conv", graph.sign(graph.add("Sub", inner, graph.constant(0.5))), graph.weights(5, 4, 2, 2), strides=[2, 2]
    )
    outer = graph.add("Conv", graph.sign(x), graph.weights(5, 4, 1, 1), strides=[2, 2])
    x = graph.sign(graph.norm(graph.add("Add", outer, inner), 5))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    (outer_layer,) = (layer for layer in network.layers if isinstance(layer, Residual))
    assert any(isinstance(layer, Residual) for layer in (*outer_layer.body, *outer_layer.shortcut))


def test_numbers_quantized_again(tmp_path: Path) -> None:
    """4-bit elements, normed by channels of both signs without a product between: an element-wise layer."""
    graph = Graph(3, 5, 5, seed=12)
    x = graph.quant(graph.norm(graph.quant("input", 4), 3, 20), 2, 4.0, signed=True)
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 3, 2, 2)), 4))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert kinds(network) == ["Affine", "Quantize", "Conv2d", "Dense", "Output"]
    assert isinstance(network.layers[0], Affine) and isinstance(network.layers[1], Quantize)
    assert not any(isinstance(layer, SumPool) for layer in network.layers)
