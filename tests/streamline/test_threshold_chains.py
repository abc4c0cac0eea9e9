"""Thresholds of any chain of steps, against decimal numbers of 200 digits, and what several roots make of them."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import CheckError, NetworkError
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    Clip,
    Curve,
    Dense,
    Divide,
    FloatActivation,
    Gap,
    Network,
    Output,
    PRelu,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
    WeightPlane,
    batch_norm_sign,
    sign,
)
from bnnhw.ir.activation import Thresholds
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import thresholds as module
from bnnhw.streamline.roots import Number
from bnnhw.streamline.thresholds import thresholds as run_pass
from tests.strategies import DTYPES, fixed, frames, networks, planes, quantizers, steps
from tests.streamline.curves import FORMULAS
from tests.streamline.layers import BIPOLAR, convert


def exactly(steps: tuple[Step, ...], neuron: int, dot: int) -> Decimal:
    """The chain in decimal numbers of 200 digits: as good as exact for the parameters drawn."""
    y = Decimal(dot)
    for step in steps:
        match step:
            case Scale():
                y *= Decimal(float(step.factor[neuron]))
            case Divide():
                y /= Decimal(float(step.divisor[neuron]))
            case Shift():
                y += Decimal(float(step.offset[neuron]))
            case BatchNorm():
                g, b, m, v = (
                    Decimal(float(a[neuron])) for a in (step.gamma, step.beta, step.mean, step.var + step.eps)
                )
                y = g * (y - m) / v.sqrt() + b
            case Relu():
                y = max(y, Decimal(0))
            case PRelu():
                y = min(y, Decimal(0)) * Decimal(float(step.slope[neuron])) + max(y, Decimal(0))
            case Clip():
                y = min(max(y, Decimal(float(step.low[neuron]))), Decimal(float(step.high[neuron])))
            case Gap():
                low, high, below, above = (float(a[neuron]) for a in (step.low, step.high, step.below, step.above))
                y = y + Decimal(below) if y < low else y + Decimal(above) if y > high else Decimal(0)
            case Staircase():
                modes = {"floor": ROUND_FLOOR, "ceil": ROUND_CEILING, "round": ROUND_HALF_EVEN}
                y = y.to_integral_value(modes[step.name])
            case Curve():
                with mpmath.workdps(250):
                    y = Decimal(mpmath.nstr(FORMULAS[step.name](mpmath.mpf(str(y))), 220))
    return y


@st.composite
def float_layers(draw: st.DrawFn) -> Dense:
    neurons, synapses = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    activation = FloatActivation(draw(steps(neurons)), draw(quantizers(neurons)))
    return Dense("d", draw(DTYPES), draw(planes(neurons, synapses)), activation)


@fixed
@given(float_layers())
def test_every_level_of_any_chain(layer: Dense) -> None:
    """Every accumulator of every neuron, against 200 decimal digits; a tie that 200 digits leave open is skipped."""
    activation = layer.activation
    assert isinstance(activation, FloatActivation)
    try:
        converted, _ = convert(layer)
    except NetworkError as error:
        if "to be decided" not in str(error):
            raise
        return
    found, affine = converted.activation, dot_affine(layer)
    assert isinstance(found, Thresholds) and found.dtype == activation.dtype
    low, high = layer.accumulator_range
    assert found.values.min() >= low and found.values.max() <= high + 1
    with localcontext() as context:
        context.prec = 200
        for n in range(layer.neurons):
            flips = {
                bool((old.bits.bits()[n] != new.bits.bits()[n]).any())
                for old, new in zip(layer.weights, converted.weights, strict=True)
            }
            assert len(flips) == 1
            for acc in range(low, high + 1):
                y = exactly(activation.steps, n, affine.scale * acc + int(affine.constants[n]))
                level, open_ = 0, False
                for bound, strict in zip(activation.quantizer.bounds[n], activation.quantizer.strict, strict=True):
                    gap = y - Decimal(float(bound)) if np.isfinite(bound) else Decimal(-float(bound))
                    level += gap > 0 or (gap == 0 and not strict)
                    open_ |= gap != 0 and abs(gap) < Decimal("1e-150")
                met = low + high - acc if flips == {True} else acc
                assert open_ or level == int((found.values[n] <= met).sum())


@fixed
@given(st.data())
def test_any_network_says_the_same(data: st.DataObject) -> None:
    network = data.draw(networks(streamlined=False, general=True, max_size=5))
    plain = Output.plain("output", network.output.classes)
    before = Network(network.input, (*network.layers[:-1], plain))
    try:
        result = run_pass(before)
    except NetworkError as error:
        if "to be decided" not in str(error):
            raise
        return
    codes = data.draw(frames(network))
    if not result.warnings:
        assert np.array_equal(evaluate(result.network, codes).scores, evaluate_trained(before, codes).scores)


def test_large_domains_are_proved_at_their_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same warnings and errors as from all accumulators, where rounding and mistakes are."""
    norm = BatchNorm(np.ones(1), np.array([-0.9]), np.array([0.1]), np.ones(1), 0.0)
    plane = WeightPlane(1, BitMatrix.from_bits(np.zeros((1, 3))))
    layer = Dense("d", BIPOLAR, (plane,), batch_norm_sign(norm))
    _, everywhere = convert(layer)
    monkeypatch.setattr(module, "EXHAUST", 0)
    assert convert(layer)[1] == everywhere and len(everywhere) == 1
    monkeypatch.setattr(module, "exact_thresholds", lambda *_: (np.array([[1]]), np.zeros(1, np.bool_)))
    with pytest.raises(CheckError, match=r"^layer d: neuron 0 at acc = 1: threshold 1 contradicts float64, y = -2\.0$"):
        convert(layer)


def test_batch_norms_in_series() -> None:
    """(dot / sqrt(2) - 1) * 3 / sqrt(3) + 1 >= 0: dot >= sqrt(2) - sqrt(6) / 3 = 0.598, two roots."""
    one = np.ones(1)
    chain = (BatchNorm(one, -one, 0 * one, 2 * one, 0.0), BatchNorm(3 * one, one, 0 * one, 3 * one, 0.0))
    plane = WeightPlane(1, BitMatrix.from_bits(np.ones((1, 5))))
    converted, warnings = convert(Dense("d", BIPOLAR, (plane,), FloatActivation(chain, sign(1))))
    assert isinstance(converted.activation, Thresholds) and not warnings
    # dot = 2 * acc - 5.
    assert converted.activation.values.tolist() == [[3]]


def test_numbers_with_several_roots() -> None:
    two, three = (1, Fraction(2)), (1, Fraction(3))
    number = Number(Fraction(1, 2), (two, three))  # 0.5 + 1.414 + 1.732
    assert (number.floor(), number.ceil(), number.sign()) == (3, 4, 1)
    assert ((-number).floor(), (-number).ceil(), (-number).sign()) == (-4, -3, -1)
    assert number.times_root(Fraction(2)).floor() == 5  # 0.707 + 2 + 2.449
    zero = Number(Fraction(0), (two, (1, Fraction(8)), (-1, Fraction(18))))
    with pytest.raises(
        NetworkError, match=r"^a bound on a sum of square roots is too close to a whole number to be .*$"
    ):
        zero.sign()
