"""Bisection in float64 against exact arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import FloatActivation
from bnnhw.ir.arithmetic import DotAffine
from bnnhw.ir.steps import falling
from bnnhw.streamline import search as module
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


@pytest.mark.parametrize("bound, wrong, value, exact", [
    (9.5, {}, 10, True), (9.5, {10: 1.0}, 10, False), (9.5, {9: 1.0}, 10, False), (9.5, {8: 1.0}, 10, True),
    (9.5, {10: 0.5}, 10, False), (9.5, {10: 0.4375}, 10, True), (10.0, {}, 10, False), (10.5, {10: 0.25}, 11, True),
    (10.5, {10: 0.75}, 11, False), (-5.0, {0: 9.0}, 0, False), (-5.0, {0: 4.0}, 0, True), (0.5, {0: 1.0}, 1, False),
    (0.5, {2: 9.0}, 1, True), (np.inf, {10: 99.0}, 11, True), (-np.inf, {0: 99.0}, 0, True),
])  # fmt: skip
def test_neighbours_decide(
    monkeypatch: pytest.MonkeyPatch, bound: float, wrong: dict[int, float], value: int, exact: bool
) -> None:
    """Exact where the value there and the one before it are farther from the bound than float64 is off: 0..10."""

    def bounded(_: object, dots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return dots.astype(float), np.vectorize(lambda dot: wrong.get(int(dot), 0.0))(dots)

    monkeypatch.setattr(module, "apply_bounded", bounded)
    monkeypatch.setattr(module, "exact_chain", lambda *_: np.zeros(1, np.bool_))
    layer = Accumulators("a", DotAffine(1, np.zeros(1, np.int64)), 0, 10)
    found = module._search((), np.array([[bound]]), np.zeros(1, np.bool_), layer, np.zeros(1, np.bool_))
    assert (found[0].tolist(), found[1].tolist()) == ([[value]], [[exact]])
