"""What stands between the last layer and the scores: which steps change no class, which signs decide what, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.frontend.onnx.end import (
    _decides,
    _least_of_class_one,
    _rises,
    _saturated,
    _sign,
    _Tail,
    _without_idle,
    _without_rising,
)
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    Clip,
    Curve,
    DataType,
    Dense,
    Divide,
    FloatActivation,
    Gap,
    PRelu,
    Quantizer,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
    WeightPlane,
)
from bnnhw.ir.steps import apply


def row(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def same(*values: float) -> np.ndarray:
    """Of three classes alike, or of one value each."""
    return row(*(values * 3)[: max(3, len(values))])


ONES = same(1.0)


@pytest.mark.parametrize("step, rises", [
    (PRelu(same(0.5)), True), (PRelu(same(0.0)), False), (PRelu(row(0.5, 0.5, 0.25)), False), (Scale(same(2.0)), True),
    (Scale(same(0.0)), False), (Scale(same(-2.0)), False), (Scale(row(2.0, 2.0, 1.0)), False),
    (Divide(same(2.0)), True), (Divide(same(-2.0)), False), (Divide(row(2.0, 1.0, 2.0)), False),
    (Shift(same(-1.0)), True), (Shift(row(1.0, 1.0, 0.0)), False), (Curve("tanh"), True), (Relu(), False),
    (Clip(same(-9.0), same(9.0)), False), (Staircase("floor"), False),
    (BatchNorm(ONES, ONES, ONES, ONES, 0.0), False), (Gap(-ONES, ONES, ONES, -ONES), False),
])  # fmt: skip
def test_steps_that_keep_the_order(step: Step, rises: bool) -> None:
    assert _rises(step) is rises


TANH, SIGMOID = Curve("tanh"), Curve("sigmoid")
UP, MOVED, DOWN = Scale(same(2.0)), Shift(same(1.0)), Scale(same(-1.0))
NORM = BatchNorm(ONES, ONES, ONES, ONES, 0.0)


@pytest.mark.parametrize("steps, kept", [
    ((), 0), ((UP, MOVED), 2), ((UP, TANH), 1), ((UP, TANH, UP, MOVED), 1), ((UP, TANH, DOWN), 3),
    ((NORM, SIGMOID, TANH, UP), 1), ((NORM, Relu()), 2), ((NORM, Relu(), TANH), 2), ((TANH, NORM), 2),
    ((TANH, NORM, SIGMOID), 2), ((Clip(same(-1.0), same(1.0)),), 1), ((TANH, UP, Relu(), TANH, UP), 3),
])  # fmt: skip
def test_bends_of_several_classes(steps: tuple[Step, ...], kept: int) -> None:
    """Left out from the last one on while all that follows rises, class by class alike."""
    assert _without_rising(steps, False) == steps[:kept]


def one(*steps: Step) -> tuple[Step, ...]:
    return steps


@pytest.mark.parametrize("steps, kept", [
    (one(UP, TANH), 1), (one(MOVED, SIGMOID), 1), (one(TANH, UP), 2), (one(SIGMOID, MOVED), 2), (one(SIGMOID, TANH), 1),
    (one(TANH, TANH), 0), (one(TANH, SIGMOID), 0), (one(UP, PRelu(row(0.5))), 1), (one(UP, PRelu(row(0.0))), 2),
    (one(UP, Clip(row(-1.0), row(1.0))), 1), (one(UP, Clip(row(-1.0), row(0.0))), 1), (one(UP, Relu()), 2),
    (one(UP, Clip(row(0.0), row(1.0))), 2), (one(UP, Clip(row(-2.0), row(-1.0))), 2),
    (one(TANH, Clip(row(-1.0), row(1.0))), 0), (one(SIGMOID, Clip(row(-1.0), row(1.0))), 1), (one(Curve("exp")), 1),
    (one(Curve("softsign")), 0), (one(Curve("softplus")), 1), (one(MOVED,), 1),
])  # fmt: skip
def test_bends_of_a_single_score(steps: tuple[Step, ...], kept: int) -> None:
    """What keeps the sign, and a sigmoid at the very end, of which the half is class 1."""
    assert _without_rising(steps, True) == steps[:kept]


def test_what_decides() -> None:
    assert [_decides(SIGMOID, last) for last in (True, False)] == [True, False]
    assert [_decides(Curve(name), False) for name in ("tanh", "exp", "erf", "softplus")] == [True, False, True, False]
    assert _decides(PRelu(row(1.0)), False)


def test_the_least_number_of_class_one() -> None:
    """0, or where 0 is the least of several labels the next one."""
    assert [_least_of_class_one(v) for v in ([-1.0, 1.0], [0.0, 1.0], [2.0, 0.0, 0.5], [0.0, 0.0], [1.0, 3.0])] == [
        0.0, 1.0, 0.5, 0.0, 0.0,
    ]  # fmt: skip


def layer(classes: int = 3, synapses: int = 4, activation: FloatActivation | None = None) -> Dense:
    """Dots of -synapses .. synapses."""
    plane = WeightPlane(1, BitMatrix.from_bits(np.ones((classes, synapses), np.uint8)))
    return Dense("d", DataType("bipolar", 1), (plane,), activation)


@pytest.mark.parametrize("step, idle", [
    (Clip(same(-4.0), same(4.0)), True), (Clip(same(-4.0), same(3.5)), False), (Clip(same(-3.5), same(4.0)), False),
    (Clip(row(-4.0, -4.0, -3.0), same(4.0)), False), (Relu(), False), (PRelu(same(1.0)), True), (TANH, False),
    (Scale(same(1.0)), False), (Gap(same(-9.0), same(-8.0), same(0.0), same(8.0)), False),
])  # fmt: skip
def test_bends_that_no_number_reaches(step: Step, idle: bool) -> None:
    """Of sums from -4 to 4; behind a shift of 4 none is negative, and a rectifier does nothing."""
    assert _without_idle(layer(), (step,)) == (() if idle else (step,))
    assert _without_idle(layer(), (UP, step)) == ((UP,) if isinstance(step, PRelu) else (UP, step))
    moved = Shift(same(4.0))
    assert _without_idle(layer(), (moved, Relu())) == (moved,)
    assert _without_idle(layer(), (Shift(same(3.5)), Relu()))[1:] == (Relu(),)


def test_curves_that_saturate() -> None:
    """Where float64 makes the two greatest numbers equal, or the two least."""
    wide = layer(3, 40)
    assert _saturated(wide, (TANH,), 0) == "tanh"
    assert _saturated(wide, (Scale(same(0.25)), TANH), 1) is None
    assert _saturated(wide, (SIGMOID,), 0) == "sigmoid"
    assert _saturated(wide, (Shift(same(-1000.0)), Curve("exp")), 1) == "exp"
    # Equal before already.
    assert _saturated(wide, (Scale(same(0.0)), TANH), 1) is None
    # At one end alone.
    assert _saturated(layer(3, 6), (Shift(same(24.0)), TANH), 1) == "tanh"
    assert _saturated(layer(3, 6), (Shift(same(-24.0)), TANH), 1) == "tanh"


def signed(bounds: list[float], dtype: str, strict: bool = False, *steps: Step) -> tuple[np.ndarray, np.ndarray]:
    """Of one neuron whose sums are -4 .. 4: its number by the quantizer, and the score that is left for its class."""
    kind = DataType.parse(dtype)
    quantizer = Quantizer(kind, np.array([bounds]), np.full(len(bounds), strict))
    activation = FloatActivation((Scale(row(0.5)),), quantizer)
    found = _sign(_Tail((layer(1, 4, activation),), steps))
    sums = np.arange(-4, 5)[:, None] * 1.0
    numbers = kind.values(kind.codes(quantizer.levels(sums / 2)))
    after = found.layers[-1].activation
    if after is None:
        return apply(steps, numbers), apply(found.steps, sums)
    assert after is activation
    return apply(steps, numbers), apply(found.steps, numbers)


@pytest.mark.parametrize("bounds, dtype, strict, steps", [
    ([0.0], "bipolar", False, ()), ([0.5], "bipolar", False, ()), ([-1.0], "uint1", False, ()),
    ([1.0], "uint1", False, (Scale(row(2.0)), Shift(row(-1.0)))), ([0.0], "bipolar", False, (Scale(row(-1.0)),)),
    ([1.0], "bipolar", False, (Scale(row(-1.0)),)), ([0.0], "bipolar", True, ()), ([0.0], "uint1", True, ()),
    ([1.0], "uint1", False, (Scale(row(3.0)),)), ([1.0], "bipolar", False, (Shift(row(1.0)),)),
    ([1.0], "bipolar", False, (Shift(row(2.0)),)), ([1.0], "bipolar", False, (Scale(row(0.0)),)),
    ([-np.inf, 0.5, 0.5], "int2", False, ()), ([-np.inf], "uint1", False, ()), ([np.inf], "uint1", False, ()),
    ([np.inf], "bipolar", False, (Shift(row(1.0)),)), ([-np.inf], "bipolar", False, (Shift(row(1.0)),)),
    ([0.5], "uint1", False, (Shift(row(1.0)),)), ([0.5], "uint1", False, (Scale(row(-1.0)), Shift(row(1.0)))),
])  # fmt: skip
def test_signs_of_a_single_score(bounds: list[float], dtype: str, strict: bool, steps: tuple[Step, ...]) -> None:
    """The class stays that of the number: 1 where it is not negative, of labels 0 and more where it is not 0."""
    numbers, scores = signed(bounds, dtype, strict, *steps)
    kind = DataType.parse(dtype)
    # All that the type can give count, those that no sum reaches included.
    every = apply(steps, kind.values(np.arange(kind.levels)[:, None] if kind.bits > 1 else np.array([[0], [1]])))
    labels = every.min() == 0
    expected = numbers > 0 if labels and every.max() > 0 else numbers >= 0
    assert ((scores >= 0) == expected).all()
