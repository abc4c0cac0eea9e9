"""Pools of maps: the greatest before and behind a quantizer, and averages as sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import MaxPool
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.conv_checks import check, kinds
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all


@pytest.mark.parametrize("order", ["norm first", "pool first", "between", "after sign"])
@pytest.mark.parametrize("seed", range(3))
def test_max_pool(order: str, seed: int, tmp_path: Path) -> None:
    """Pools before, inside and behind the chain: with negative gammas the least accumulator counts."""
    graph = Graph(2, 9, 8, seed=seed)
    x = graph.add("Conv", graph.quant("input", 4), graph.weights(6, 2, 2, 2))
    geometry = {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [1, 0, 0, 1]}
    if order == "pool first":
        x = graph.add("MaxPool", x, **geometry)
    if order == "between":
        x = graph.add("Mul", x, graph.constant(np.array([1, -1, 2, -0.5, 1, -4]).reshape(1, 6, 1, 1)))
        x = graph.add("MaxPool", x, **geometry)
    x = graph.norm(x, 6, 20)
    if order == "norm first":
        x = graph.add("MaxPool", x, **geometry)
    x = graph.sign(x)
    if order == "after sign":
        x = graph.add("MaxPool", x, **geometry)
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert kinds(network) == ["Conv2d", "MaxPool", "Dense", "Output"]
    (pool,) = (layer for layer in network.layers if isinstance(layer, MaxPool))
    assert str(pool.input) == "bipolar"
    assert pool.minimum.any() == (order in ("pool first", "between"))


@pytest.mark.parametrize("bend", ["Relu", "PRelu"])
def test_pools_of_pools_of_many_levels(bend: str, tmp_path: Path) -> None:
    """Two pools of accumulators, the second rounding up, before a 3-bit quantizer."""
    graph = Graph(3, 10, 9, seed=4)
    x = graph.add("Conv", graph.quant("input", 3), graph.weights(4, 3, 3, 3))
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], dilations=[1, 2])
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    slopes = [graph.constant(np.array([0, 0.25, 1, 2]).reshape(4, 1, 1))] if bend == "PRelu" else []
    x = graph.quant(graph.add(bend, graph.norm(x, 4, 20), *slopes), 3, 8.0)
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert [layer.shape_out for layer in network.layers[:3]] == [(4, 8, 7), (4, 7, 5), (4, 4, 3)]
    assert [str(layer.input) for layer in network.layers[1:3] if isinstance(layer, MaxPool)] == ["uint3"] * 2


@pytest.mark.parametrize("pool", ["global", "mean", "mean kept", "pool"])
@pytest.mark.parametrize("source", ["bits", "numbers", "norm"])
def test_average(pool: str, source: str, tmp_path: Path) -> None:
    """Averages of bits (a popcount), of 2-bit numbers, and of what a batch norm gives, then a quantizer."""
    graph = Graph(3, 6, 6, seed=len(pool))
    x = graph.norm(graph.add("Conv", graph.quant("input", 3, 2.0), graph.weights(5, 3, 3, 3)), 5)
    x = {"bits": graph.sign, "numbers": lambda y: graph.quant(y, 2, 4.0), "norm": lambda y: y}[source](x)
    # 16 positions: exact in float32.
    if pool == "pool":
        x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    elif pool == "global":
        x = graph.add("GlobalAveragePool", x)
    else:
        x = graph.add("ReduceMean", x, axes=[-1, -2], keepdims=int(pool == "mean kept"))
    x = graph.quant(graph.norm(x, 5, 1), 4, signed=True)
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert "SumPool" in kinds(network)


def test_average_of_49_into_a_matrix(tmp_path: Path) -> None:
    """Sums of 49 bits are 6-bit elements; the division by 49, no float, comes after the product."""
    graph = Graph(2, 9, 9, seed=1)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(6, 2, 3, 3)), 6, 9))
    flat = graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1)
    product = graph.add("MatMul", flat, graph.weights(6, 3))
    network = read_model(write(graph.model(product), tmp_path / "m.onnx")).network
    x = np.random.default_rng(0).integers(0, 8, (50, 2, 9, 9)).astype(np.float32)
    expected = execute_all(graph.model(product), x)["scores"]
    scores = evaluate_trained(network, network.input.encode(x)).scores
    assert np.array_equal(np.rint(expected * 49), np.rint(scores * 49))
    assert np.allclose(expected, scores, rtol=0, atol=1e-6)  # float32 divides by 49 before it multiplies
    result = streamline(network)
    assert result.warnings == ()
    assert [str(layer.input) for layer in result.network.matrices] == ["uint3", "uint6"]
    assert np.array_equal(evaluate(result.network, network.input.encode(x)).classes, np.rint(expected * 49).argmax(1))
