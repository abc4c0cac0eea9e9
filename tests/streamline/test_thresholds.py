"""Thresholds against the formula, exactly and in float64, over whole domains."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import CheckError, NetworkError
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    DataType,
    Dense,
    FloatActivation,
    Network,
    Output,
    Quantizer,
    Shift,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.ir.activation import Thresholds
from bnnhw.ir.arithmetic import DotAffine, dot_affine, weight_values
from bnnhw.ir.steps import normalize
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from bnnhw.streamline import thresholds as module
from bnnhw.streamline.search import Accumulators
from bnnhw.streamline.thresholds import thresholds as run_pass
from tests.map_strategies import map_networks
from tests.strategies import DTYPES, fixed, frames, networks, norms, planes
from tests.streamline.layers import BIPOLAR, convert, neuron, threshold


def norm_of(activation: FloatActivation) -> BatchNorm:
    (norm,) = activation.steps
    assert isinstance(norm, BatchNorm)
    return norm


def fires_exactly(norm: BatchNorm, n: int, dot: int) -> bool:
    """gamma * (dot - mean) + beta * s >= 0, by signs and squares of rationals."""
    left = Fraction(norm.gamma[n]) * (dot - Fraction(norm.mean[n]))
    beta = Fraction(norm.beta[n])
    right = beta * beta * Fraction(float(norm.var[n] + norm.eps))
    if left >= 0:
        return beta >= 0 or left * left >= right
    return beta >= 0 and left * left <= right


@st.composite
def trained_layers(draw: st.DrawFn) -> Dense:
    neurons, synapses = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    return Dense("d", draw(DTYPES), draw(planes(neurons, synapses)), batch_norm_sign(draw(norms(neurons))))


@fixed
@given(trained_layers())
def test_every_accumulator(layer: Dense) -> None:
    converted, warnings = convert(layer)
    assert isinstance(layer.activation, FloatActivation)
    assert isinstance(converted.activation, Thresholds)
    norm, affine = norm_of(layer.activation), dot_affine(layer)
    low, high = layer.accumulator_range
    named = {(int(n), int(a)) for w in warnings for n, a in re.findall(r"neuron (\d+) at acc = (-?\d+):", w)}
    different = set()
    for n in range(layer.neurons):
        flipped = norm.gamma[n] < 0
        for old, new in zip(layer.weights, converted.weights, strict=True):
            assert np.array_equal(new.bits.bits()[n], old.bits.bits()[n] ^ flipped)
        for acc in range(low, high + 1):
            dot = affine.scale * acc + int(affine.constants[n])
            fires = (low + high - acc if flipped else acc) >= converted.activation.values[n, 0]
            assert fires == fires_exactly(norm, n, dot)
            if fires != (normalize(norm, np.full(layer.neurons, dot))[n] >= 0):
                different.add((n, acc))
    assert different == named
    assert len(warnings) == len(named)


@fixed
@given(st.data())
def test_the_network_says_the_same(data: st.DataObject) -> None:
    network = data.draw(networks(streamlined=False))
    result = run_pass(network)
    plain = Output.plain("output", network.output.classes)
    before = Network(network.input, (*network.layers[:-1], plain))
    after = Network(network.input, (*result.network.layers[:-1], plain))
    assert after.streamlined
    codes = data.draw(frames(network))
    if not result.warnings:
        assert np.array_equal(evaluate(after, codes).scores, evaluate_trained(before, codes).scores)


@fixed
@given(st.data(), st.booleans())
def test_networks_over_maps_say_the_same(data: st.DataObject, general: bool) -> None:
    """All passes, on convolutions, pools, element-wise and residual layers: the last accumulators are the same."""
    network = data.draw(map_networks(streamlined=False, general=general))
    plain = Output.plain("output", network.output.classes)
    before = Network(network.input, (*network.layers[:-1], plain))
    result = streamline(before)
    assert result.network.streamlined
    codes = data.draw(frames(network))
    if not result.warnings:
        assert np.array_equal(evaluate(result.network, codes).scores, evaluate_trained(before, codes).scores)


@fixed
@given(st.data())
def test_dot_is_affine_in_acc(data: st.DataObject) -> None:
    network = data.draw(networks(streamlined=True))
    layer = Dense("d", network.input.dtype, network.matrices[0].weights, None)
    codes = data.draw(frames(network))
    last = Network(network.input, (layer, Output.plain("o", layer.neurons)))
    affine = dot_affine(layer)
    dots = layer.input.values(codes) @ weight_values(layer).T
    assert np.array_equal(affine.scale * evaluate(last, codes).scores + affine.constants, dots)


@pytest.mark.parametrize(
    "k, gamma, beta, mean, expected",
    [
        (5, 1.0, 0.0, 0.0, 3),  # dot = 2p - 5 >= 0
        (4, 1.0, 0.0, 0.0, 2),  # the tie at p = 2 fires
        (4, 1.0, 0.0, 2.0, 3),  # c = 2: the tie at p = 3 fires
        (4, -1.0, 0.0, 2.0, 1),  # dot <= 2: p <= 3, 4 - p >= 1; the tie fires
        (5, -2.0, 0.0, 0.0, 3),  # p <= 2, 5 - p >= 3
        (4, 1.0, -2.0, 0.0, 3),  # c = 2
        (4, 0.0, 0.0, 1.0, 0),
        (4, -0.0, -0.0, 1.0, 0),
        (4, 0.0, -1e-300, 1.0, 5),
        (4, 1.0, 0.0, 1e300, 5),
        (4, 1.0, 0.0, -1e300, 0),
        (4, -1.0, 0.0, 1e300, 0),
        (4, 1e-308, 1e-308, 0.0, 2),  # c = -1, so dot >= -1
    ],
)
def test_by_hand(k: int, gamma: float, beta: float, mean: float, expected: int) -> None:
    assert threshold(neuron(k, gamma, beta, mean)) == expected


def test_bit_planes_by_hand() -> None:
    # 3 inputs of 0..15, one weight +1 and two -1: dot = acc + 15 * (1 - 3), so dot >= 7 is acc >= 37.
    assert threshold(neuron(3, 1.0, 0.0, 7.0, dtype=DataType("uint", 4), ones=1)) == 37
    # dot <= 7 is acc <= 37, and the complemented row counts 45 - acc.
    assert threshold(neuron(3, -1.0, 0.0, 7.0, dtype=DataType("uint", 4), ones=1)) == 8
    # Two's complement, -4..3: the planes' coefficients sum to -1, dot = acc - (1 - 3).
    assert threshold(neuron(3, 1.0, 0.0, 1.0, dtype=DataType("int", 3), ones=1)) == -1


def test_irrational_root_is_not_rounded() -> None:
    # sqrt(2) * beta against an integer: 3 * sqrt(2) = 4.24, 2 * sqrt(2) = 2.83.
    assert threshold(neuron(9, 1.0, -3.0, 0.0, 2.0)) == 7  # dot >= 4.24: 5 = 2 * 7 - 9
    assert threshold(neuron(9, 1.0, -2.0, 0.0, 2.0)) == 6


def test_rounding_in_float64_is_a_warning_and_exact_wins() -> None:
    # 1 - 0.1 rounds to the float64 nearest 0.9, which is more than 1 minus the float64 nearest 0.1.
    layer = neuron(3, 1.0, -0.9, 0.1)
    converted, warnings = convert(layer)
    assert warnings == (
        "layer d: neuron 0 at acc = 2: float64 decides by rounding, y = 0.0; exactly, it does not reach level 1",
    )
    assert isinstance(converted.activation, Thresholds)
    assert converted.activation.values.tolist() == [[3]]


def test_a_wrong_threshold_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "exact_thresholds", lambda *_: (np.array([[3]]), np.zeros(1, np.bool_)))
    with pytest.raises(CheckError, match=r"^layer d: neuron 0 at acc = 2: threshold 3 contradicts float64, y = 0\.5$"):
        convert(neuron(4, 1.0, 0.5, 0.0))


def test_what_overflows_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error without bound is no contradiction, however far a value is: a warning."""
    monkeypatch.setattr(module, "exact_thresholds", lambda *_: (np.array([[3]]), np.zeros(1, np.bool_)))
    monkeypatch.setattr(
        module, "apply_bounded", lambda _, dots: (np.full(dots.shape, np.inf), np.full(dots.shape, np.inf))
    )
    warnings = convert(neuron(4, 1.0, 0.5, 0.0))[1]
    assert warnings and all("float64 decides by rounding, y = inf" in warning for warning in warnings)


def test_overflow_is_refused() -> None:
    layer = neuron(4, 1.0, 0.0, 0.0, 1.7e308)
    assert isinstance(layer.activation, FloatActivation)
    norm = norm_of(layer.activation)
    with np.errstate(over="ignore"):
        activation = batch_norm_sign(BatchNorm(norm.gamma, norm.beta, norm.mean, norm.var, 1e308))
    with pytest.raises(NetworkError, match=r"^layer d: batch norm: var \+ eps must be finite$"):
        convert(Dense("d", BIPOLAR, layer.weights, activation))


@pytest.mark.parametrize("bits", [1, 4])
def test_a_wide_layer(bits: int) -> None:
    """784 inputs, trained-looking parameters, all 15 * 784 + 1 accumulators of 64 neurons."""
    generator = np.random.default_rng(bits)
    dtype = DataType("uint", bits)
    plane = WeightPlane(1, BitMatrix.from_bits(generator.integers(0, 2, (64, 784))))
    columns = [generator.normal(size=64).astype(np.float32) for _ in range(3)]
    var = generator.uniform(100, 4000, 64).astype(np.float32)
    norm = BatchNorm(columns[0], columns[1], columns[2] * 50, var, 1e-5)
    converted, warnings = convert(Dense("d", dtype, (plane,), batch_norm_sign(norm)))
    assert warnings == ()
    assert isinstance(converted.activation, Thresholds)
    assert len(np.unique(converted.activation.values)) > 10


def levels_of(bounds: list[float], k: int = 4) -> Dense:
    """One neuron whose sums are -k .. k; its level is how many of them it reaches."""
    bits = len(bounds).bit_length()
    quantizer = Quantizer(DataType("uint", bits), np.array([bounds]), np.zeros(len(bounds), np.bool_))
    plane = WeightPlane(1, BitMatrix.from_bits(np.ones((1, k), np.uint8)))
    return Dense("d", BIPOLAR, (plane,), FloatActivation((Shift(np.zeros(1)),), quantizer))


@pytest.mark.parametrize("exhaust", [1 << 24, 0])
@pytest.mark.parametrize(
    "values, acc, wrong", [([1, 3, 3], 2, 3), ([1, 2, 4], 3, 4), ([2, 2, 3], 1, 2), ([1, 1, 3], 1, 1)]
)
def test_a_wrong_threshold_is_named(
    monkeypatch: pytest.MonkeyPatch, values: list[int], acc: int, wrong: int, exhaust: int
) -> None:
    """Level by level, whether all accumulators are looked at or those beside the thresholds."""
    layer = levels_of([-2.5, -0.5, 1.5])
    assert convert(layer)[0].activation.values.tolist() == [[1, 2, 3]]  # type: ignore[union-attr]
    monkeypatch.setattr(module, "EXHAUST", exhaust)
    monkeypatch.setattr(module, "CHUNK", 1)
    monkeypatch.setattr(module, "exact_thresholds", lambda *_: (np.array([values]), np.zeros(1, np.bool_)))
    with pytest.raises(CheckError, match=rf"^layer d: neuron 0 at acc = {acc}: threshold {wrong} contradicts float64"):
        convert(layer)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 100])
def test_every_accumulator_is_looked_at_once(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """In chunks of comparisons; or beside each threshold, and at both ends, where they are too many."""
    monkeypatch.setattr(module, "CHUNK", chunk)
    layer = Accumulators("a", DotAffine(1, np.zeros(2, np.int64)), -3, 6)
    values = np.array([[-3, 0], [2, 7]])
    monkeypatch.setattr(module, "EXHAUST", 40)
    parts = list(module._points(layer, values))
    assert [p for _, part in parts for p in part.ravel().tolist()] == list(range(-3, 7))
    assert all(some == slice(0, 2) and part.shape[1:] == (1, 1) for some, part in parts)
    assert all(part.size <= max(1, chunk // 4) for _, part in parts)
    monkeypatch.setattr(module, "EXHAUST", 39)
    (every, ends), *parts = module._points(layer, values)
    assert every == slice(0, 2) and ends.ravel().tolist() == [-3, 6]
    found = np.concatenate([part for _, part in parts], axis=1)
    assert found.tolist() == [[[-3, 1], [-1, 6]], [[-3, 2], [0, 6]]]
    assert [(some.start, some.stop) for some, _ in parts] == ([(0, 1), (1, 2)] if chunk < 4 else [(0, 2)])


@pytest.mark.parametrize("number", [20, 21, 25])
def test_many_roundings_are_counted(number: int) -> None:
    """Twenty are listed; ties that float64 decides, one per neuron."""
    norm = BatchNorm(*(np.full(number, v) for v in (0.1, -0.6000000000000001, 0.0, 1.0)), 0.0)
    plane = WeightPlane(1, BitMatrix.from_bits(np.ones((number, 8), np.uint8)))
    warnings = convert(Dense("d", BIPOLAR, (plane,), batch_norm_sign(norm)))[1]
    assert [
        text.startswith(f"layer d: neuron {n} at acc = 7: float64 decides") for n, text in enumerate(warnings[:20])
    ] == [True] * 20
    rest = [] if number == 20 else [f"layer d: float64 decides by rounding in {number - 20} more places"]
    assert list(warnings[20:]) == rest
