"""Bisection in float64 against exact arithmetic."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import FloatActivation
from bnnhw.ir.arithmetic import DotAffine
from bnnhw.ir.steps import falling
from bnnhw.streamline.search import Accumulators, first_reached
from bnnhw.streamline.thresholds import exact_threshold, exact_thresholds
from tests.strategies import fixed, quantizers, steps


@st.composite
def activations(draw: st.DrawFn) -> tuple[FloatActivation, Accumulators]:
    neurons = draw(st.integers(1, 4))
    constants = np.array(draw(st.lists(st.integers(-40, 40), min_size=neurons, max_size=neurons)))
    low = draw(st.integers(-30, 5))
    layer = Accumulators("a", DotAffine(draw(st.sampled_from([1, 2])), constants), low, low + draw(st.integers(0, 60)))
    return FloatActivation(draw(steps(neurons)), draw(quantizers(neurons))), layer


@fixed
@given(activations())
def test_what_bisection_calls_exact_is_exact(drawn: tuple[FloatActivation, Accumulators]) -> None:
    activation, layer = drawn
    try:
        values, flipped = exact_thresholds(activation, layer)
    except NetworkError as error:
        if "to be decided" not in str(error):
            raise
        return
    assert not (flipped & ~falling(activation.steps, activation.neurons)).any()
    found, exact = first_reached(activation, layer, flipped)
    for level, neuron in np.argwhere(exact).tolist():
        assert found[level, neuron] == exact_threshold(activation, level, neuron, layer, bool(flipped[neuron]))
    assert (values >= layer.low).all() and (values <= layer.high + 1).all() and (np.diff(values, axis=1) >= 0).all()


def test_most_of_a_trained_layer_needs_no_exact_arithmetic() -> None:
    """A batch norm and 15 levels of 64 neurons over 66 million accumulators."""
    from bnnhw.ir import BatchNorm, DataType, Quantizer

    rng = np.random.default_rng(0)
    norm = BatchNorm(*rng.normal(size=(3, 64)), rng.uniform(1, 2, 64), 1e-5)
    bounds = np.broadcast_to(np.arange(15) * 1e6 + 0.5, (64, 15))
    activation = FloatActivation((norm,), Quantizer(DataType("uint", 4), bounds, np.zeros(15, np.bool_)))
    layer = Accumulators("a", DotAffine(1, np.zeros(64, np.int64)), -(1 << 25), 1 << 25)
    _, exact = first_reached(activation, layer, norm.gamma < 0)
    assert exact.all()
