"""Integer scores against float64 scores, over whole grids."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

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
    Divide,
    InputSpec,
    Network,
    Output,
    PRelu,
    Relu,
    Scale,
    Shift,
    WeightPlane,
)
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.steps import normalize
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from bnnhw.streamline.output_affine import output_affine
from tests.strategies import DTYPES, fixed, frames, networks, norms, planes, steps

BIPOLAR = DataType("bipolar", 1)


def single(layer: Dense, norm: BatchNorm) -> Network:
    plain = Output.plain("output", layer.neurons)
    spec = InputSpec((layer.synapses,), layer.input)
    return Network(spec, (layer, Output(plain.name, plain.multiplier, plain.offset, (norm,))))


def plain_layer(classes: int, synapses: int) -> Dense:
    bits = np.random.default_rng(0).integers(0, 2, (classes, synapses))
    return Dense("d", BIPOLAR, (WeightPlane(1, BitMatrix.from_bits(bits)),), None)


def norm_of(gamma: list[float], beta: list[float], mean: list[float], var: float = 1.0) -> BatchNorm:
    return BatchNorm(np.array(gamma), np.array(beta), np.array(mean), np.full(len(gamma), var), 0.0)


def disputed(layer: Dense, norm: BatchNorm, output: Output) -> tuple[int, float]:
    """Pairs of scores ordered otherwise than in float64, and the widest gap among them, by brute force."""
    low, high = layer.accumulator_range
    acc = np.arange(low, high + 1)
    affine = dot_affine(layer)
    y = normalize(norm, affine.scale * acc[:, None] + affine.constants)
    s = output.multiplier * acc[:, None] + output.offset
    number, gap = 0, 0.0
    for i, j in combinations(range(layer.neurons), 2):
        wrong = (s[:, i, None] >= s[None, :, j]) != (y[:, i, None] >= y[None, :, j])
        number += int(wrong.sum())
        gap = max(gap, float(np.abs(y[:, i, None] - y[None, :, j])[wrong].max(initial=0.0)))
    return number, gap


@st.composite
def heads(draw: st.DrawFn) -> tuple[Dense, BatchNorm]:
    classes, synapses = draw(st.integers(2, 5)), draw(st.integers(1, 7))
    return Dense("d", draw(DTYPES), draw(planes(classes, synapses)), None), draw(norms(classes))


@fixed
@given(heads())
def test_every_pair_of_scores(head: tuple[Dense, BatchNorm]) -> None:
    layer, norm = head
    result = output_affine(single(layer, norm))
    output = result.network.output
    assert output.steps == ()
    number, gap = disputed(layer, norm, output)
    assert bool(result.warnings) == bool(number)
    if number:
        low, high = layer.accumulator_range
        total = layer.neurons * (layer.neurons - 1) // 2 * (high - low + 1) ** 2
        assert result.warnings == (
            f"layer output: the integer argmax can't be proved equal to float64's: {number} of {total} pairs of "
            f"scores are ordered otherwise, none more than {gap:.3g} apart",
        )
        # Only what float64 itself can't tell apart.
        assert gap <= 1e-9


@fixed
@given(st.data())
def test_the_network_says_the_same(data: st.DataObject) -> None:
    network = data.draw(networks(streamlined=False))
    same_classes(network, data)


@fixed
@given(st.data())
def test_any_affine_tail(data: st.DataObject) -> None:
    network = data.draw(networks(streamlined=False))
    tail = data.draw(steps(network.output.classes, relu=False))
    plain = network.output
    same_classes(replace(network, layers=(*network.layers[:-1], replace(plain, steps=tail))), data)


def same_classes(network: Network, data: st.DataObject) -> None:
    result = streamline(network)
    assert result.network.streamlined
    assert result.network.provenance == network.provenance
    codes = data.draw(frames(network))
    if not result.warnings:
        assert np.array_equal(evaluate(result.network, codes).classes, evaluate_trained(network, codes).classes)


@pytest.mark.parametrize(
    "gamma, beta, mean, multiplier, offset",
    [
        ([1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1], [0, 0, 0]),
        ([3, 3, 3], [0, 12, 0], [0, 0, -2], [1, 1, 1], [-4, -2, -3]),
        ([1, -1], [0, 0], [0, 0], [1, -1], [-3, 3]),
        # From -2 to 6: about 0 they take as many bits.
        ([1, -1], [0, -4], [0, 0], [1, -1], [0, 4]),
        ([2, 1], [0, 0], [0, 0], [2, 1], [-6, -3]),
        ([0, 0, 0], [0.5, -7, 0.25], [9, 9, 9], [0, 0, 0], [1, -1, 0]),
        # Never close: the second always wins.
        ([1, 1], [-9, 9], [0, 0], [0, 0], [-1, 0]),
        ([1e-200, 1e-200], [1e200, -1e200], [0, 0], [0, 0], [0, -1]),
        ([0, 7e-84], [0, 1], [0, 0], [0, 0], [-1, 0]),
    ],
)
def test_by_hand(
    gamma: list[float], beta: list[float], mean: list[float], multiplier: list[int], offset: list[int]
) -> None:
    # 6 synapses: acc in 0..6, dot = 2 * acc - 6.
    output = output_affine(single(plain_layer(len(gamma), 6), norm_of(gamma, beta, mean))).network.output
    assert output.multiplier.tolist() == multiplier
    assert output.offset.tolist() == offset


def test_trained_looking_head_of_ten_classes() -> None:
    generator = np.random.default_rng(3)
    layer = plain_layer(10, 1024)
    columns = [generator.normal(m, s, 10).astype(np.float32).astype(float) for m, s in ((1, 0.2), (0, 0.5), (0, 20))]
    norm = BatchNorm(*columns, generator.uniform(500, 1500, 10).astype(np.float32).astype(float), 1e-5)
    result = output_affine(single(layer, norm))
    assert result.warnings == ()
    assert disputed(layer, norm, result.network.output) == (0, 0.0)


def test_what_rounding_decides_is_a_warning_with_its_margin() -> None:
    # Class 0 is class 1 up to roundings of 0.1 and 0.9, which come out above or below with acc.
    norm = norm_of([1, 1], [-0.9, 0], [0.1, 1])
    layer = plain_layer(2, 40)
    result = output_affine(single(layer, norm))
    number, gap = disputed(layer, norm, result.network.output)
    assert 0 < gap < 1e-14
    assert result.warnings == (
        f"layer output: the integer argmax can't be proved equal to float64's: {number} of 1681 pairs of scores "
        f"are ordered otherwise, none more than {gap:.3g} apart",
    )


def test_without_a_norm_nothing_changes() -> None:
    layer = plain_layer(3, 5)
    network = Network(InputSpec((5,), BIPOLAR), (layer, Output.plain("output", 3)))
    assert output_affine(network).network is network


def test_refusals() -> None:
    layer, norm = plain_layer(2, 6), norm_of([1, 1], [0, 0], [0, 0])
    scaled = Output("output", np.array([1, 2]), np.zeros(2, np.int64), (norm,))
    with pytest.raises(NetworkError, match=r"^layer output: an output with steps must have multiplier 1 and offset 0$"):
        output_affine(Network(InputSpec((6,), BIPOLAR), (layer, scaled)))
    with pytest.raises(NetworkError, match=r"^layer output: scores must be finite$"):
        output_affine(single(layer, norm_of([1e308, 1], [0, 0], [0, 0], 1e-300)))


def test_classes_that_share_slope_and_shift_score_their_accumulators() -> None:
    """Whatever the tail is, as long as it rises."""
    layer = plain_layer(3, 30)
    steps = (
        Shift(np.full(3, -0.4488643)),
        Divide(np.full(3, 17.838068)),
        Scale(np.full(3, 0.7341181)),
        Shift(np.full(3, -1.1436615)),
    )
    plain = Output.plain("output", 3)
    network = Network(InputSpec((30,), BIPOLAR), (layer, replace(plain, steps=steps)))
    assert output_affine(network).network.output == plain
    falling = replace(plain, steps=(Scale(np.full(3, -2.0)),))
    output = output_affine(Network(InputSpec((30,), BIPOLAR), (layer, falling))).network.output
    assert (output.multiplier == -1).all() and not output.offset.any()
    for step, kind in ((Relu(), "relu"), (PRelu(np.ones(3)), "prelu")):
        rectified = replace(plain, steps=(step,))
        with pytest.raises(NetworkError, match=rf"^layer output: scores must be affine, without a {kind}$"):
            output_affine(Network(InputSpec((30,), BIPOLAR), (layer, rectified)))
