"""Convolutional graphs: the imported network, and the streamlined one, against the graph as executed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import Affine, Conv2d, MaxPool, Network, Quantize, Residual, SumPool, walk
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.qonnx_package import execute_all


def check(proto: onnx.ModelProto, path: Path, low: int = 0, high: int = 16, number: int = 40) -> Network:
    """Scores as trained are equal, classes streamlined are; the streamlined network."""
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(7).integers(4 * low, 4 * high, (number, *shape)).astype(np.float32) / 4
    expected = execute_all(proto, x)["scores"]
    assert len(np.unique(expected)) > 3  # neither constant nor saturated
    imported = read_model(write(proto, path))
    network = imported.network
    codes = network.input.encode(x.reshape(number, -1) if len(shape) == 2 else x)
    assert np.array_equal(evaluate_trained(network, codes).scores, expected)
    result = streamline(network)
    assert result.warnings == ()
    assert np.array_equal(evaluate(result.network, codes).classes, expected.argmax(axis=1))
    return result.network


def kinds(network: Network) -> list[str]:
    return [type(layer).__name__ for layer in walk(network.layers)]


GEOMETRIES = {
    "plain": {},
    "wide": {"kernel_shape": [2, 4]},
    "stride": {"strides": [2, 3]},
    "dilation": {"dilations": [2, 1], "kernel_shape": [3, 3]},
    "pads": {"pads": [1, 0, 2, 1]},
    "all": {"pads": [2, 1, 0, 3], "strides": [1, 2], "dilations": [1, 2], "kernel_shape": [3, 2]},
    "same upper": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "same lower": {"auto_pad": "SAME_LOWER", "strides": [1, 2], "kernel_shape": [2, 4]},
    "valid": {"auto_pad": "VALID"},
}


@pytest.mark.parametrize("bits", [1, 3])
@pytest.mark.parametrize("case", GEOMETRIES)
def test_geometry(case: str, bits: int, tmp_path: Path) -> None:
    """A convolution of 4-bit elements, padded with zeros that they have, then a binarized one, then classes."""
    attributes = GEOMETRIES[case]
    graph = Graph(2, 7, 8, seed=len(case))
    x = graph.quant("input", 4)
    kernel = attributes.get("kernel_shape", [3, 3])
    x = graph.add("Conv", x, graph.weights(5, 2, *kernel, bits=bits), **attributes)
    x = graph.sign(graph.norm(x, 5, 30))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 5, 2, 1)), 4))
    check(graph.scores(x), tmp_path / "m.onnx")


@pytest.mark.parametrize("value", [-1.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_padded_binarized(value: float, seed: int, tmp_path: Path) -> None:
    """A Pad node of -1 or +1 before binarized convolutions, norms of both signs between them."""
    graph = Graph(3, 6, 6, seed=seed)
    x = graph.sign(graph.add("Sub", "input", graph.constant(7.5)))
    for channels, outputs in ((3, 6), (6, 4)):
        pads = [0, 0, 1, 0, 0, 0, 1, 2]
        x = graph.add("Pad", x, graph.constant(pads, np.int64), graph.constant(value))
        x = graph.add("Conv", x, graph.weights(outputs, channels, 3, 3), kernel_shape=[3, 3])
        x = graph.sign(graph.norm(x, outputs))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    convs = [layer for layer in network.layers if isinstance(layer, Conv2d)]
    assert [(conv.window.padding, conv.padding_code) for conv in convs] == [((1, 0, 1, 2), int(value > 0))] * 2


@pytest.mark.parametrize("seed", range(3))
def test_zeros_around_bits(seed: int, tmp_path: Path) -> None:
    """Zeros lie between -1 and +1: handled exactly, in two planes, and said."""
    graph = Graph(2, 5, 5, seed=seed)
    x = graph.sign(graph.add("Sub", "input", graph.constant(7.5)))
    x = graph.add("Conv", x, graph.weights(4, 2, 3, 3), pads=[1, 1, 1, 1])
    x = graph.sign(graph.norm(x, 4), scale=0.5)
    x = graph.add("Conv", x, graph.weights(4, 4, 3, 3), pads=[1, 1, 0, 0])
    x = graph.sign(graph.norm(x, 4))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert kinds(network) == ["Affine", "Conv2d", "Affine", "Conv2d", "Dense", "Output"]
    assert [layer.input.bits for layer in network.matrices] == [2, 2, 1]
    warnings = read_model(tmp_path / "m.onnx").warnings
    assert warnings == tuple(
        f"node {position} of 15: Conv '{name}_node': it pads with 0.0, which lies between the two values of its "
        "inputs: they become 2-bit numbers, where 1 would do; a model trained to pad with one of their values avoids it"
        for position, name in ((4, "conv3"), (8, "conv7"))
    )


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


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("bits", [1, 2])
def test_depthwise(multiplier: int, bits: int, tmp_path: Path) -> None:
    """Depthwise, then pointwise: MobileNet's pair."""
    graph = Graph(4, 6, 6, seed=bits)
    x = graph.add("Conv", graph.quant("input", 2, 5.0), graph.weights(4, 4, 1, 1))
    x = graph.sign(graph.norm(x, 4))
    outputs = 4 * multiplier
    x = graph.add("Conv", x, graph.weights(outputs, 1, 3, 2, bits=bits), group=4, strides=[2, 1])
    x = graph.sign(graph.norm(x, outputs))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(5, outputs, 1, 1)), 5))
    network = check(graph.scores(x), tmp_path / "m.onnx")
    assert [layer.depthwise for layer in network.layers if isinstance(layer, Conv2d)] == [False, True, False]


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


def test_convolution_over_the_whole_map_gives_scores(tmp_path: Path) -> None:
    graph = Graph(2, 4, 4, seed=6)
    x = graph.sign(graph.norm(graph.add("Conv", graph.quant("input", 4), graph.weights(5, 2, 2, 2)), 5, 20))
    x = graph.add("Conv", x, graph.weights(3, 5, 3, 3), graph.constant([0.5, -1, 3]))
    x = graph.add("Flatten", x)
    assert kinds(check(graph.model(x), tmp_path / "m.onnx")) == ["Conv2d", "Dense", "Output"]


def test_weights_of_many_scales(tmp_path: Path) -> None:
    """A scale for each output channel, 3-bit weights, and a bias."""
    graph = Graph(2, 5, 5, seed=8)
    scale = np.array([0.5, 1, 2, 0.25]).reshape(4, 1, 1, 1)
    weights = graph.weights(4, 2, 3, 3, bits=3, scale=scale)
    x = graph.add("Conv", graph.quant("input", 2, 4.0), weights, graph.constant([0.5, -8, 3, 0]))
    x = graph.sign(x)
    check(graph.scores(x), tmp_path / "m.onnx")


def test_samples_reshaped_to_images(tmp_path: Path) -> None:
    graph = Graph(32, seed=9)
    x = graph.add("Reshape", graph.quant("input", 4), graph.constant([0, 2, 4, 4], np.int64))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 2, 2, 2)), 4, 20))
    assert check(graph.scores(x), tmp_path / "m.onnx").input.shape == (2, 4, 4)


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


def test_brevitas_cnv(tmp_path: Path) -> None:
    """The graph that Brevitas writes of CNV (brevitas_examples.bnn_pynq, 1W1A), with fewer channels."""
    graph = Graph(3, 32, 32, seed=13)
    x = graph.add("Sub", graph.add("Mul", "input", graph.constant(2.0)), graph.constant(1.0))
    x = graph.quant(x, 8, 1 / 128, signed=True)
    channels = 3
    for outputs, pooled in ((4, False), (4, True), (8, False), (8, True), (12, False), (12, False)):
        x = graph.add(
            *("Conv", x, graph.weights(outputs, channels, 3, 3)),
            dilations=[1, 1],
            group=1,
            kernel_shape=[3, 3],
            pads=[0, 0, 0, 0],
            strides=[1, 1],
        )
        x = graph.sign(graph.norm(x, outputs))
        if pooled:
            x = graph.add("MaxPool", x, kernel_shape=[2, 2], pads=[0, 0, 0, 0], strides=[2, 2])
        channels = outputs
    shape = graph.add("Shape", x)
    batch = graph.add("Gather", shape, graph.constant(0, np.int64), axis=0)
    batch = graph.add("Unsqueeze", batch, graph.constant([0], np.int64))
    x = graph.add("Reshape", x, graph.add("Concat", batch, graph.constant([-1], np.int64), axis=0))
    for inputs, outputs in ((12, 16), (16, 16)):
        transposed = graph.add("Transpose", graph.weights(outputs, inputs), perm=[1, 0])
        x = graph.sign(graph.norm(graph.add("MatMul", x, transposed), outputs))
    x = graph.add("MatMul", x, graph.add("Transpose", graph.weights(10, 16), perm=[1, 0]))
    for kind, value in (("Sub", 1.0), ("Div", 4.0), ("Mul", -0.5), ("Add", 3.0)):
        x = graph.add(kind, x, graph.constant(value))
    proto = graph.model(x, 10)
    # Fractions of 0..1, as images of bytes are scaled.
    samples = np.random.default_rng(1).integers(0, 256, (20, 3, 32, 32))
    expected = execute_all(proto, samples.astype(np.float32) / np.float32(255))["scores"]
    imported = read_model(write(proto, tmp_path / "m.onnx"))
    assert len(imported.warnings) == 1 and imported.warnings[0].startswith("the graph maps 0..1 onto -1..1")
    network = streamline(imported.network).network
    assert kinds(network) == [
        *("Conv2d", "Conv2d", "MaxPool", "Conv2d", "Conv2d", "MaxPool", "Conv2d", "Conv2d"),
        *("Dense", "Dense", "Dense", "Output"),
    ]
    assert np.array_equal(evaluate(network, network.input.encode(samples)).classes, expected.argmax(axis=1))
