"""The fast reference against the naive one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import BatchNorm, BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane, batch_norm_sign
from bnnhw.ir.activation import Thresholds
from bnnhw.reference import accuracy, evaluate, evaluate_trained, trace
from bnnhw.reference.product import Product, multiply
from tests.reference import naive
from tests.strategies import fixed, frames, networks

BIPOLAR = DataType("bipolar", 1)


def chain(sizes: tuple[int, ...], dtype: DataType = BIPOLAR, seed: int = 0) -> Network:
    """Random weights, thresholds near the middle."""
    generator = np.random.default_rng(seed)
    layers: list[Dense | Output] = []
    for i, (k, n) in enumerate(zip(sizes, sizes[1:], strict=False)):
        plane = WeightPlane(1, BitMatrix.from_bits(generator.integers(0, 2, (n, k), np.uint8)))
        layer = Dense(f"dense{i}", dtype, (plane,), None)
        if i < len(sizes) - 2:
            low, high = layer.accumulator_range
            spread = generator.integers(-3, 4, (n, 1)) + (low + high) // 2
            layer = Dense(layer.name, dtype, (plane,), Thresholds(np.clip(spread, low, high + 1), BIPOLAR))
        layers.append(layer)
        dtype = BIPOLAR
    return Network(InputSpec((sizes[0],), layers[0].input), (*layers, Output.plain("output", sizes[-1])))


@fixed
@given(st.data())
def test_equals_naive(data: st.DataObject) -> None:
    network = data.draw(networks(streamlined=True))
    codes = data.draw(frames(network))
    expected = [naive.run(network, frame) for frame in codes.tolist()]
    results = trace(network, codes)
    assert list(results) == [layer.name for layer in network.layers]
    for name, array in results.items():
        assert array.tolist() == [frame[name] for frame in expected]
    scores = evaluate(network, codes, batch=2)
    assert scores.scores.tolist() == [frame["output"] for frame in expected]
    assert scores.classes.tolist() == [naive.winner(frame["output"]) for frame in expected]


@pytest.mark.parametrize(
    "coefficient, bits, dtype",
    [(1, 8, np.float32), (1 << 13, 8, np.float64), (1 << 30, 8, np.float64), (1 << 45, 8, np.int64)],
)
def test_exact_at_every_size(coefficient: int, bits: int, dtype: type) -> None:
    generator = np.random.default_rng(0)
    matrix = BitMatrix.from_bits(generator.integers(0, 2, (3, 70)))
    small = BitMatrix.from_bits(generator.integers(0, 2, (3, 70)))
    layer = Dense("d", DataType("uint", bits), (WeightPlane(coefficient, matrix), WeightPlane(1, small)), None)
    codes = generator.integers(0, 256, (4, 70), np.uint8)
    product = Product(layer)
    assert product.dtype == dtype
    assert product.accumulators(codes).tolist() == [naive.accumulate(layer, frame) for frame in codes.tolist()]


def test_widest_float32_layer_is_exact_at_its_extremes() -> None:
    # 65,792 synapses of 8 bits: sums up to 16,776,960 of 2**24 = 16,777,216, odd ones included.
    k = 65_792
    layer = Dense("d", DataType("uint", 8), (WeightPlane(1, BitMatrix.from_bits(np.ones((1, k), np.uint8))),), None)
    product = Product(layer)
    assert product.dtype == np.float32
    codes = np.full((2, k), 255, np.uint8)
    codes[1, -1] = 254
    assert product.accumulators(codes).tolist() == [[255 * k], [255 * k - 1]]


def test_ties_go_to_the_lowest_class() -> None:
    plane = WeightPlane(1, BitMatrix.from_bits(np.array([[0, 0], [1, 0], [0, 1], [1, 0]])))
    network = Network(InputSpec((2,), BIPOLAR), (Dense("d", BIPOLAR, (plane,), None), Output.plain("output", 4)))
    scores = evaluate(network, np.array([[1, 0], [1, 1]], np.uint8))
    assert scores.scores.tolist() == [[1, 2, 0, 2], [0, 1, 1, 1]]
    assert scores.classes.tolist() == [1, 1]


def test_progress_and_accuracy() -> None:
    network = chain((9, 5, 3))
    codes = np.random.default_rng(0).integers(0, 2, (7, 9), np.uint8)
    done: list[int] = []
    scores = evaluate(network, codes, done.append, batch=3)
    assert done == [3, 6, 7]
    labels = scores.classes.copy()
    labels[:2] = (labels[:2] + 1) % 3
    assert accuracy(network, codes, labels).correct == 5
    assert accuracy(network, codes, labels).fraction == 5 / 7
    with pytest.raises(NetworkError, match=r"^labels must have shape \(7,\), not \(6,\)$"):
        accuracy(network, codes, labels[:6])
    assert accuracy(network, codes[:0], labels[:0]).fraction == 0.0


def test_refusals() -> None:
    network = chain((9, 5, 3))
    with pytest.raises(NetworkError, match=r"^codes must be uint8 of shape \(frames, 9\), not int64 of \(1, 9\)$"):
        evaluate(network, np.zeros((1, 9), np.int64))
    with pytest.raises(NetworkError, match=r"^codes must be uint8 of shape \(frames, 9\), not uint8 of \(1, 8\)$"):
        trace(network, np.zeros((1, 8), np.uint8))
    with pytest.raises(NetworkError, match=r"^codes must be below 2, not 7$"):
        evaluate(network, np.full((1, 9), 7, np.uint8))
    wide = Network(network.input, (*network.matrices, Output("output", np.full(3, 1 << 62), np.zeros(3, np.int64))))
    with pytest.raises(NetworkError, match=r"^layer output: scores must be below 2\*\*63$"):
        evaluate(wide, np.zeros((1, 9), np.uint8))
    ones = np.ones(5)
    trained = Dense("d", BIPOLAR, network.matrices[0].weights, batch_norm_sign(BatchNorm(ones, ones, ones, ones, 0.0)))
    with pytest.raises(NetworkError, match=r"^only a streamlined network has an integer meaning: run the .* first$"):
        evaluate(Network(network.input, (trained, *network.layers[1:])), np.zeros((1, 9), np.uint8))


@fixed
@given(st.data())
def test_trained_formula(data: st.DataObject) -> None:
    """The float64 formula, one neuron at a time with Python floats, on naive dot products."""
    network = data.draw(networks(streamlined=False))
    codes = data.draw(frames(network, 3))
    result = evaluate_trained(network, codes, batch=2)
    for frame, scores, index in zip(codes.tolist(), result.scores.tolist(), result.classes.tolist(), strict=True):
        x = frame
        for layer in network.matrices:
            values = layer.input.values(np.array(x)).tolist()
            weights = sum(p.coefficient * p.bits.signs().astype(np.int64) for p in layer.weights)
            dots = [sum(v * w for v, w in zip(values, row, strict=True)) for row in weights.tolist()]
            (norm,) = network.output.steps if layer.activation is None else layer.activation.steps
            parameters = zip(*(a.tolist() for a in (norm.gamma, norm.mean, norm.var, norm.beta)), dots, strict=True)
            y = [g * (a - m) / (v + norm.eps) ** 0.5 + b for g, m, v, b, a in parameters]
            x = [int(value >= 0) for value in y]
        assert scores == y
        assert index == naive.winner(y)


def test_ten_thousand_frames_through_a_wide_network() -> None:
    network = chain((784, 1024, 1024, 1024, 10))
    codes = np.random.default_rng(0).integers(0, 2, (10_000, 784), np.uint8)
    scores = evaluate(network, codes)
    first = naive.run(network, codes[0].tolist())
    assert scores.scores[0].tolist() == first["output"]


def test_multiply_ignores_flags() -> None:
    """The BLAS may raise "invalid" for finite operands: a flag raised on purpose here stops nothing."""
    zero, infinite = np.zeros((1, 1)), np.full((1, 1), np.inf)
    with np.errstate(invalid="raise"):
        assert np.isnan(multiply(zero, infinite)).all()
