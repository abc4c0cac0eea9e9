"""A network of one output: the sign of its score, and its order, against float64 over every accumulator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    DataType,
    Dense,
    InputSpec,
    Network,
    Output,
    PRelu,
    Relu,
    Scale,
    Shift,
    Step,
    WeightPlane,
)
from bnnhw.ir.arithmetic import dot_affine, dot_output
from bnnhw.ir.steps import apply
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from bnnhw.streamline.decision import FAR
from tests.strategies import DTYPES, fixed, planes, steps

BIPOLAR = DataType("bipolar", 1)


def network_of(layer: Dense, *tail: Step) -> Network:
    output = replace(Output.plain("output", 1), steps=tail)
    return Network(InputSpec((layer.synapses,), layer.input), (layer, output))


def plain_layer(synapses: int = 8, dtype: str = "bipolar", coefficients: tuple[int, ...] = (1,)) -> Dense:
    random = np.random.default_rng(synapses)
    weights = [WeightPlane(c, BitMatrix.from_bits(random.integers(0, 2, (1, synapses)))) for c in coefficients]
    return Dense("d", DataType.parse(dtype), tuple(weights), None)


def shift(value: float) -> Shift:
    return Shift(np.array([value]))


def scale(value: float) -> Scale:
    return Scale(np.array([value]))


def norm(gamma: float, beta: float, mean: float, var: float) -> BatchNorm:
    return BatchNorm(np.array([gamma]), np.array([beta]), np.array([mean]), np.array([var]), 1e-5)


def whole(layer: Dense) -> np.ndarray:
    """Every accumulator of a layer."""
    low, high = layer.accumulator_range
    return np.arange(low, high + 1)


def dots(layer: Dense) -> np.ndarray:
    affine = dot_affine(layer)
    return affine.scale * whole(layer) + affine.constants[0]


@fixed
@given(st.data())
def test_class_and_order_of_every_accumulator(data: st.DataObject) -> None:
    layer = Dense("d", data.draw(DTYPES), data.draw(planes(1, data.draw(st.integers(1, 9)))), None)
    tail = data.draw(steps(1, relu=False)) or (shift(0.0),)
    result = streamline(network_of(layer, *tail))
    output = result.network.output
    assert output.steps == () and abs(output.multiplier[0]) <= 1
    y = apply(tail, dots(layer)[:, None])[:, 0]
    scores = output.multiplier[0] * whole(layer) + output.offset[0]
    if not any("decides by rounding" in warning for warning in result.warnings):
        assert np.array_equal(scores >= 0, y >= 0)
    # Never the other way round; float64 may take two for one.
    assert (np.sign(np.diff(y)) * np.sign(np.diff(scores)) >= 0).all()
    assert not np.diff(y).any() or np.diff(scores).all()
    constant = any("every sample" in warning for warning in result.warnings)
    assert constant == (len({score >= 0 for score in scores.tolist()}) == 1)


@pytest.mark.parametrize(
    "dtype, coefficients", [("bipolar", (1,)), ("uint4", (1, 2)), ("int3", (-1, 2)), ("uint1", (3,))]
)
@pytest.mark.parametrize("factor, offset", [(1.0, 0.5), (0.25, -3.0), (-1.5, 0.75), (-1.0, 0.0), (2.0**-30, 2.0**-20)])
def test_the_score_is_the_output_in_units_of_an_accumulator(
    dtype: str, coefficients: tuple[int, ...], factor: float, offset: float
) -> None:
    layer = plain_layer(8, dtype, coefficients)
    output = streamline(network_of(layer, scale(factor), shift(offset))).network.output
    unit = abs(dot_affine(layer).scale * Fraction(factor))
    due = [floor((Fraction(factor) * dot + Fraction(offset)) / unit) for dot in dots(layer).tolist()]
    assert (output.multiplier[0] * whole(layer) + output.offset[0]).tolist() == due


def test_a_score_of_0_is_class_1() -> None:
    layer = plain_layer(8)
    codes = np.zeros((2, 8), np.uint8)
    row = layer.weights[0].bits.bits()[0]
    codes[0] = np.where(np.arange(8) < 4, row, 1 - row)
    codes[1] = np.where(np.arange(8) < 3, row, 1 - row)
    for tail in ((shift(0.0),), (scale(3.0),), (norm(0.1, 0.0, 0.0, 7.0),), (shift(-4.0), shift(4.0))):
        network = network_of(layer, *tail)
        found = evaluate(streamline(network).network, codes)
        assert found.scores.tolist() == [[0], [-1]] and found.classes.tolist() == [1, 0]
        assert found.best.tolist() == [0, -1]
        assert evaluate_trained(network, codes).classes.tolist() == [1, 0]
    # The other way round both are of class 1.
    found = evaluate(streamline(network_of(layer, scale(-1.0))).network, codes)
    assert found.scores.tolist() == [[0], [1]] and found.classes.tolist() == [1, 1]


@pytest.mark.parametrize(
    "tail, kind, multiplier, offset",
    [
        ((norm(0.0, 0.5, 1.0, 1.0),), 1, 0, 0),
        ((norm(0.0, -0.5, 1.0, 1.0),), 0, 0, -1),
        ((scale(0.0), shift(0.0)), 1, 0, 0),
        ((shift(8.0),), 1, 1, 0),
        ((shift(-8.5),), 0, 1, -9),
        ((shift(1e6),), 1, 1, 500_000 - 4),
        ((shift(1e300),), 1, 1, FAR),
        ((scale(-1.0), shift(-1e300)), 0, -1, -FAR),
    ],
)
def test_a_constant_is_no_secret(tail: tuple[Step, ...], kind: int, multiplier: int, offset: int) -> None:
    result = streamline(network_of(plain_layer(8), *tail))
    output = result.network.output
    assert (output.multiplier[0], output.offset[0]) == (multiplier, offset)
    what = ("always negative", "never negative")[kind]
    assert f"layer output: its one score is {what}: every sample is of class {kind}" in result.warnings


def test_what_rounding_decides_is_a_warning() -> None:
    # Float64 loses the small one between two large ones.
    result = streamline(network_of(plain_layer(8), shift(1.0), shift(-(2.0**-60)), shift(-1.0)))
    assert result.warnings == (
        "layer output: at acc = 4: float64 decides by rounding, y = 0.0; exactly, it is of class 0",
    )
    assert result.network.output == Output("output", np.array([1]), np.array([-5]))


def test_refusals() -> None:
    layer = plain_layer(8)
    with pytest.raises(NetworkError, match=r"^layer output: scores must be finite$"):
        streamline(network_of(layer, scale(1e308), scale(1e308)))
    with np.errstate(over="ignore"):
        overflow = BatchNorm(*np.ones((3, 1)), np.array([1.7e308]), 1.7e308)
    with pytest.raises(NetworkError, match=r"^layer output: batch norm: var \+ eps must be finite$"):
        streamline(network_of(layer, overflow))
    message = "layer output: its one score is never negative, whatever the sample is: it must not end in a Relu"
    with pytest.raises(NetworkError, match=f"^{message}$"):
        streamline(network_of(layer, Relu()))


def test_monotone_steps_keep_the_decision() -> None:
    layer = plain_layer(8)
    for tail in ((PRelu(np.array([0.25])), shift(0.5)), (Relu(), shift(-1.0))):
        output = streamline(network_of(layer, *tail)).network.output
        y = apply(tail, dots(layer)[:, None])[:, 0]
        assert np.array_equal(whole(layer) + output.offset[0] >= 0, y >= 0)


@pytest.mark.parametrize("dtype", ["bipolar", "uint2", "int3"])
@pytest.mark.parametrize("synapses", [7, 8])
def test_dot_products_as_scores(dtype: str, synapses: int) -> None:
    """Without any step: the sign is that of the dot product, not of the accumulator, which is never negative."""
    weights = (WeightPlane(1, BitMatrix.from_bits(np.arange(synapses)[None] % 2)),)
    layer = Dense("d", DataType.parse(dtype), weights, None)
    network = Network(InputSpec((synapses,), layer.input), (layer, dot_output("output", layer)))
    codes = np.random.default_rng(0).integers(0, layer.input.levels, (50, synapses)).astype(np.uint8)
    signs = layer.weights[0].bits.signs()[0].astype(np.int64)
    expected = layer.input.values(codes) @ signs
    assert set(evaluate(network, codes).classes.tolist()) == {0, 1}
    assert np.array_equal(evaluate(network, codes).classes, expected >= 0)
    assert np.array_equal(evaluate(network, codes).scores[:, 0], expected // dot_affine(layer).scale)


def test_an_output_of_several_scores_is_as_it_was() -> None:
    output = Output.plain("output", 3)
    assert output.labels == 3
    assert output.decide(np.array([[1, 3, 3], [-2, -3, -4]])).tolist() == [1, 0]
    single = Output.plain("output", 1)
    assert (single.classes, single.labels) == (1, 2)
    assert single.decide(np.array([[-1], [0], [1]])).tolist() == [0, 1, 1]
