from __future__ import annotations

import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import BatchNorm, DataType, Divide, PRelu, Quantizer, Relu, Scale, Shift, Step, apply, falling
from bnnhw.ir.steps import standard_deviation


def test_prelu_by_hand() -> None:
    chain = (Shift(np.array([-1.0, 2.0])), PRelu(np.array([0.5, 3.0])), Scale(np.array([1.0, -1.0])))
    found = apply(chain, np.array([[3, -4], [1, -2], [-3, 5]]))
    # Neuron 0: 2, 0, 0.5 * -4. Neuron 1: -(3 * -2), -0, -7.
    assert found.tolist() == [[2, 6], [0, 0], [-2, -7]]
    assert falling(chain, 2).tolist() == [False, True]


@pytest.mark.parametrize(
    ("slope", "message"),
    [
        (
            [0.25, -0.5],
            r"prelu: slope must not be negative, since it then is not monotone, not -0\.5 as in neuron 1",
        ),
        ([np.nan], r"prelu: slope must be finite"),
        ([[1.0]], r"prelu: slope must have one value per neuron, not shape \(1, 1\)"),
    ],
)
def test_impossible_slopes(slope: object, message: str) -> None:
    with pytest.raises(NetworkError, match=rf"^{message}$"):
        PRelu(np.array(slope))


def test_a_quantizer_of_more_than_eight_bits_counts_all_levels() -> None:
    dtype = DataType("uint", 10)
    bounds = np.arange(1.0, 1024.0)[None]
    quantizer = Quantizer(dtype, bounds, np.zeros(1023, np.bool_))
    values = np.array([[-3.0], [0.5], [255.5], [256.0], [300.0], [1023.0], [5000.0]])
    levels = quantizer.levels(values)
    assert levels.dtype == np.uint16
    assert levels.ravel().tolist() == [0, 0, 255, 256, 300, 1023, 1023]


STEPS: list[tuple[Step, list[list[float]]]] = [
    (Scale(np.array([0.5, -2.0])), [[1.5, 4.0], [-2.0, -2.0]]),
    (Divide(np.array([0.5, -2.0])), [[6.0, 1.0], [-8.0, -0.5]]),
    (Shift(np.array([0.5, -2.0])), [[3.5, -4.0], [-3.5, -1.0]]),
    (Relu(), [[3.0, 0.0], [0.0, 1.0]]),
    (
        BatchNorm(np.array([2.0, -1.0]), np.array([1.0, 0.0]), np.array([1.0, 2.0]), np.array([3.0, 0.0]), 1.0),
        [[3.0, 4.0], [-4.0, 1.0]],
    ),
]


@pytest.mark.parametrize(("step", "due"), STEPS, ids=lambda value: type(value).__name__)
def test_each_step_by_hand(step: Step, due: list[list[float]]) -> None:
    assert apply((step,), np.array([[3, -2], [-4, 1]])).tolist() == due


@pytest.mark.parametrize("step", [step for step, _ in STEPS], ids=lambda step: type(step).__name__)
def test_falling_neurons(step: Step) -> None:
    """Those whose factor is negative; two that fall, one behind the other, rise."""
    falls = not isinstance(step, Shift | Relu)
    assert falling((step,), 2).tolist() == [False, falls]
    assert falling((step, Scale(np.array([-1.0, -1.0]))), 2).tolist() == [True, not falls]


def test_a_constant_neuron_rises() -> None:
    assert falling((Scale(np.array([0.0])), Scale(np.array([-1.0]))), 1).tolist() == [False]


@pytest.mark.parametrize(
    ("bounds", "strict", "message"),
    [
        ([0.0, 1.0, 2.0], [False] * 3, r"must have bounds of shape \(neurons, 3\)"),
        ([[0.0, 1.0]], [False] * 3, r"must have bounds of shape \(neurons, 3\)"),
        ([[0.0, 1.0, 2.0]], [False] * 2, r"must have bounds of shape \(neurons, 3\)"),
        ([[0.0, 1.0, 0.5]], [False] * 3, "each row of bounds must ascend"),
        ([[0.0, 1.0, np.nan]], [False] * 3, "each row of bounds must ascend"),
    ],
)
def test_impossible_quantizers(bounds: object, strict: list[bool], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        Quantizer(DataType("uint", 2), np.array(bounds), np.array(strict))


def test_quantizer_by_hand() -> None:
    """A bound is reached at it, a strict one above it; minus infinity always and infinity never, also by themselves."""
    bounds = np.array([[-np.inf, 0.0, 2.0], [1.0, 1.0, np.inf]])
    quantizer = Quantizer(DataType("int", 2), bounds, np.array([False, True, False]))
    assert quantizer.neurons == 2
    values = np.array([[-np.inf, 0.5], [0.0, 1.0], [0.5, 1.5], [2.0, np.inf]])
    assert quantizer.levels(values).tolist() == [[1, 0], [1, 1], [2, 2], [3, 2]]


def test_impossible_norms() -> None:
    one = np.ones(2)
    assert standard_deviation(BatchNorm(one, one, one, np.array([3.0, 8.0]), 1.0)).tolist() == [2, 3]
    with pytest.raises(NetworkError, match=r"mean must have shape \(2,\), not \(3,\)"):
        BatchNorm(one, one, np.ones(3), one, 0.0)
    for var, eps in ((np.array([1.0, 0.0]), 0.0), (np.array([1.0, -1.0]), 0.5), (one, np.inf), (one, np.nan)):
        with pytest.raises(NetworkError, match=r"var \+ eps must be positive"):
            BatchNorm(one, one, one, var, eps)
    with pytest.raises(NetworkError, match="divisor must not be 0"):
        Divide(np.array([1.0, 0.0]))


def test_steps_are_equal_by_their_numbers() -> None:
    assert Scale(np.array([1.0, 2.0])) == Scale(np.array([1.0, 2.0]))
    assert Scale(np.array([1.0, 2.0])) != Scale(np.array([1.0, 3.0]))
    assert Scale(np.array([1.0])) != Shift(np.array([1.0]))
