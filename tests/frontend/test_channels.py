"""Scales of each channel, of activations and weights: in front of depthwise layers, and where they are summed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.planes import multiples
from bnnhw.ir import DataType
from tests.frontend.conv_checks import check, kinds
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.refusals import refuse

ANY = np.array([0.5, 1.25, 3.0, 0.75]).reshape(1, 4, 1, 1)
"""Scales that float32 holds, and whose quotients are no powers of two."""


def _elements(graph: Graph, scale: np.ndarray, bits: int = 2) -> str:
    x = graph.norm(graph.add("Conv", graph.quant("input", 3), graph.weights(4, 2, 1, 1)), 4)
    if bits == 1:
        return graph.add("BipolarQuant", x, graph.constant(scale))
    inputs = [graph.constant(scale), graph.constant(0), graph.constant(bits)]
    return graph.add("Quant", x, *inputs, signed=1, narrow=0, rounding_mode="ROUND")


@pytest.mark.parametrize("bits", [1, 3])
@pytest.mark.parametrize("neurons", [4, 8])
def test_depthwise(tmp_path: Path, bits: int, neurons: int) -> None:
    """Any scales, with a window of neurons per channel."""
    graph = Graph(2, 5, 5, seed=bits + neurons)
    x = graph.add("Conv", _elements(graph, ANY, bits), graph.weights(neurons, 1, 3, 3, bits=2), group=4)
    network = check(graph.scores(graph.sign(graph.norm(x, neurons))), tmp_path / "m.onnx")
    assert kinds(network) == ["Conv2d", "Conv2d", "Dense", "Output"]
    assert network.matrices[1].input.bits == bits


@pytest.mark.parametrize("bits", [1, 3])
def test_depthwise_with_padding(tmp_path: Path, bits: int) -> None:
    """A 0 around elements, whether they have one in every channel or lie on both sides of it, and by a Pad node."""
    for pad in (False, True):
        graph = Graph(2, 5, 5, seed=3)
        x = _elements(graph, ANY, bits)
        if pad:
            x = graph.add("Pad", x, graph.constant([0, 0, 1, 0, 0, 0, 1, 2], np.int64))
        pads = {} if pad else {"pads": [1, 0, 1, 2]}
        x = graph.add("Conv", x, graph.weights(4, 1, 3, 3, bits=2), group=4, **pads)
        network = check(graph.scores(graph.sign(graph.norm(x, 4))), tmp_path / "m.onnx")
        assert kinds(network) == ["Conv2d", *["Affine"] * (bits == 1), "Conv2d", "Dense", "Output"]


def test_pools_and_norms_between(tmp_path: Path) -> None:
    graph = Graph(2, 6, 6, seed=5)
    x = graph.add("MaxPool", graph.norm(_elements(graph, ANY, 3), 4), kernel_shape=[2, 2], strides=[2, 2])
    x = graph.add("Conv", x, graph.weights(4, 1, 2, 2, bits=3), group=4)
    check(graph.scores(graph.sign(graph.norm(x, 4))), tmp_path / "m.onnx")


def test_summed_over(tmp_path: Path) -> None:
    """Multiples of one scale go into the weights: bits stay bits."""
    graph = Graph(2, 5, 5, seed=6)
    x = _elements(graph, np.array([1.0, 2.0, 0.5, 1.5]).reshape(1, 4, 1, 1), 1)
    x = graph.add("Conv", x, graph.weights(3, 4, 2, 2))
    network = check(graph.scores(graph.sign(graph.norm(x, 3))), tmp_path / "m.onnx")
    assert kinds(network) == ["Conv2d", "Conv2d", "Dense", "Output"]
    assert network.matrices[1].input == DataType("bipolar", 1)


def test_summed_over_with_offsets(tmp_path: Path) -> None:
    """Zero points of each channel's own, made by a norm, add a constant to each neuron."""
    graph = Graph(6, seed=8)
    inputs = [graph.constant(1.0), graph.constant(0), graph.constant(2)]
    x = graph.add("MatMul", graph.quant("input", 3), graph.weights(6, 5))
    x = graph.add("Quant", graph.norm(x, 5), *inputs, signed=1, narrow=0, rounding_mode="ROUND")
    x = graph.add("MatMul", graph.norm(x, 5), graph.weights(5, 4))
    check(graph.model(graph.norm(x, 4), 4), tmp_path / "m.onnx")


def test_scales_that_have_no_divisor(tmp_path: Path) -> None:
    graph = Graph(2, 5, 5, seed=6)
    x = _elements(graph, np.array([1.0, 1.1, 1.3, 0.7]).reshape(1, 4, 1, 1), 2)
    proto = graph.scores(graph.sign(graph.add("Conv", x, graph.weights(3, 4, 2, 2))))
    refuse(
        write(proto, tmp_path / "m.onnx"),
        UnsupportedError,
        "node 7 of 13: Conv 'conv6_node': it sums over channels of its first input whose scales, 0.699999988079071 to "
        "1.2999999523162842, are no small multiples of one: quantize activations with one scale for all channels, or "
        "with powers of two",
    )


def test_scales_of_inputs_and_masks_of_weights(tmp_path: Path) -> None:
    """A scale per row and column, and a mask: small integers times a scale per neuron, whatever made them."""
    graph = Graph(6, seed=9)
    w = graph.add(
        "Mul", graph.weights(6, 4, scale=[0.5, 1, 2, 3]), graph.constant(np.array([1, 2, 1, 4, 1, 1])[:, None])
    )
    mask = graph.random.integers(0, 2, (6, 4))
    x = graph.add("MatMul", graph.quant("input", 4), graph.add("Mul", w, graph.constant(mask)))
    check(graph.model(x, 4), tmp_path / "m.onnx", high=30)


def test_weights_without_a_quantizer(tmp_path: Path) -> None:
    """As larq's and XNOR-Net's converters leave them: signs times a float per neuron."""
    graph = Graph(6, seed=10)
    signs = np.sign(graph.random.normal(size=(6, 4)))
    w = graph.constant(signs * np.array([0.75, 1.5, 3.25, 5.0]))
    network = check(graph.model(graph.add("MatMul", graph.quant("input", 4), w), 4), tmp_path / "m.onnx", high=30)
    assert [plane.coefficient for plane in network.matrices[0].weights] == [1]
    alpha = graph.add("ReduceMean", graph.add("Abs", graph.constant(signs * 0.5)), axes=[0], keepdims=1)
    proto = graph.model(
        graph.add("MatMul", graph.nodes[0].output[0], graph.add("Mul", graph.constant(signs), alpha)), 4
    )
    check(proto, tmp_path / "m.onnx", high=30)


def test_multiples() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        whole = random.integers(-255, 256, (3, 5))
        whole[:, 0] = 1
        unit = random.choice([1.0, -1.0]) * random.uniform(1e-3, 1e3, 3).astype(np.float32).astype(np.float64)
        found = multiples(whole * unit[:, None])
        assert found is not None
        assert np.array_equal(found[0] * found[1][:, None], whole * unit[:, None])
        assert np.array_equal(found[0], whole * np.sign(unit)[:, None])
    assert multiples(np.array([[1.0, 256.0]])) is None
    assert multiples(np.array([[1.0, 1e-30]])) is None
    assert multiples(np.array([[0.1, 0.3]])) is None
    zeros = multiples(np.zeros((2, 3)))
    assert zeros is not None and not zeros[0].any() and (zeros[1] > 0).all()


def test_numbers_of_a_single_channel(tmp_path: Path) -> None:
    """A channel alone is scaled and moved like all there are."""
    graph = Graph(2, 4, 4, seed=5)
    x = graph.norm(graph.add("Conv", graph.quant("input", 2), graph.weights(1, 2, 2, 2, bits=2)), 1)
    check(graph.scores(graph.sign(graph.add("Conv", x, graph.weights(3, 1, 2, 2)))), tmp_path / "m.onnx")
