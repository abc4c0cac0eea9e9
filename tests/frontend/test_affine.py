"""Affine operators with a constant: what stays elements, weights or numbers, and by which scale and offset exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Value, Weights
from bnnhw.ir import Divide, Scale, Shift, Step
from bnnhw.ir.steps import apply
from tests.frontend.calls import constant, convert, elements

GIVEN = {"scale": Fraction(1, 2), "offset": Fraction(3)}


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1, 1)])
@pytest.mark.parametrize("kind, first, number, scale, offset", [
    ("Add", False, 5, Fraction(1, 2), 8), ("Add", True, 5, Fraction(1, 2), 8), ("Sub", False, 5, Fraction(1, 2), -2),
    ("Sub", True, 5, Fraction(-1, 2), 2), ("Mul", False, 4, 2, 12), ("Mul", True, -4, -2, -12),
    ("Div", False, 0.25, 2, 12), ("Add", False, 0, Fraction(1, 2), 3),
])  # fmt: skip
def test_one_number_leaves_elements(
    kind: str, first: bool, number: float, scale: Fraction, offset: Fraction, shape: tuple[int, ...]
) -> None:
    """Of any shape, before them or behind: no layer and no step, another scale and offset."""
    given, other = elements(**GIVEN), constant(np.full(shape, number))
    found = convert(kind, *((other, given) if first else (given, other)))
    assert isinstance(found, Elements) and found.layers == () and found.index is given.index
    assert (found.scale, found.offset, found.dtype) == (scale, offset, given.dtype)


@pytest.mark.parametrize("kind, first, expected", [
    ("Add", False, lambda y, c: y + c), ("Sub", False, lambda y, c: y - c), ("Sub", True, lambda y, c: c - y),
    ("Mul", False, lambda y, c: y * c), ("Mul", True, lambda y, c: y * c), ("Div", False, lambda y, c: y / c),
])  # fmt: skip
def test_a_number_per_channel_makes_integers(kind: str, first: bool, expected: Any) -> None:
    given, other = elements(**GIVEN), constant([[[4.0]], [[-0.5]]])
    found = convert(kind, *((other, given) if first else (given, other)))
    assert isinstance(found, Integers) and found.elements.layers == ()
    values = np.array([[0.0, 1.0], [3.0, 2.0]])
    assert (apply(found.steps, values) == expected(values / 2 + 3, np.array([4.0, -0.5]))).all()


def test_a_factor_of_0_makes_integers() -> None:
    """No scale of 0: steps that give a constant."""
    for shape in ((), (2, 1, 1)):
        found = convert("Mul", elements(**GIVEN), constant(np.zeros(shape)))
        assert isinstance(found, Integers) and not apply(found.steps, np.array([[1.0, 3.0]])).any()


def test_a_channel_of_0_is_no_matter() -> None:
    found = convert("Mul", elements(), constant([[[0.0]], [[2.0]]]))
    assert isinstance(found, Integers) and apply(found.steps, np.array([[3.0, 3.0]])).tolist() == [[0, 6]]


def weights(*scale: Any) -> Weights:
    return Weights(np.arange(6, dtype=np.int16).reshape(3, 2) - 2, np.array(scale or [[0.5]], np.float64))


@pytest.mark.parametrize("kind, first, factor, scale", [
    ("Mul", False, 4.0, [[2.0]]), ("Mul", True, 4.0, [[2.0]]), ("Div", False, 4.0, [[0.125]]),
    ("Mul", False, [2.0, -3.0], [[1.0, -1.5]]), ("Mul", False, [[2.0], [3.0], [4.0]], [[1.0], [1.5], [2.0]]),
    ("Div", False, [[2.0, 4.0]], [[0.25, 0.125]]),
])  # fmt: skip
def test_weights_take_scales_of_rows_or_columns(kind: str, first: bool, factor: Any, scale: Any) -> None:
    """Exactly, and the whole numbers stay as they are."""
    given, other = weights(), constant(factor)
    found = convert(kind, *((other, given) if first else (given, other)))
    assert isinstance(found, Weights) and found.values is given.values
    assert found.scale.tolist() == scale


@pytest.mark.parametrize("kind, first, factor, scale", [
    ("Mul", False, [[2.0], [3.0], [4.0]], [[0.5, 0.25]]), ("Mul", False, [0.0, 1.0], [[0.5]]),
    ("Mul", False, np.arange(1, 7).reshape(3, 2), [[0.5]]), ("Mul", True, [1.0, 0.0], [[0.5]]),
])  # fmt: skip
def test_weights_by_anything_else_are_numbers(kind: str, first: bool, factor: Any, scale: Any) -> None:
    """By rows and by columns, each by its own, or by 0: what the graph's arithmetic gives."""
    given, other = weights(*scale), constant(factor)
    found = convert(kind, *((other, given) if first else (given, other)))
    assert isinstance(found, Constant)
    assert (found.array == given.values * np.array(scale) * np.array(factor)).all()


def test_a_number_divided_by_weights_is_a_number() -> None:
    given = Weights(np.array([[1, 2], [4, -1], [2, 1]], np.int16), np.array([[0.5]]))
    found = convert("Div", constant(3.0), given)
    assert isinstance(found, Constant) and found.array.tolist() == [[6, 3], [1.5, -6], [3, 6]]


REFUSED: dict[str, tuple[str, tuple[Value, Value], str]] = {
    "a divisor of 0": ("Div", (elements(), constant(0.0)), "its divisor must not be 0"),
    "divided by elements": (
        "Div", (constant(1.0), elements()),
        "its divisor must be a constant: only scores and elements can be divided, and by a constant",
    ),
    "a product of elements": ("Mul", (elements(), elements()), "the product of two branches is no sum of inputs"),
    "a quotient of elements": ("Div", (elements(), elements()), "the quotient of two branches is no sum of inputs"),
    "a factor of other weights": ("Mul", (weights(), constant([1.0, 2.0, 3.0])), "its factor must fit weights of"),
    "a factor of more dimensions": ("Mul", (weights(), constant(np.ones((1, 3, 2)))), "its factor must fit weights of"),
    "a factor that would broadcast them": ("Mul", (weights(), constant(np.ones((1, 3)))), "its factor must fit"),
    "numbers of other channels": (
        "Add", (elements(), constant([1.0, 2.0, 3.0])), "its other input must be a single value or one per channel (2)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    kind, inputs, message = REFUSED[name]
    with pytest.raises(UnsupportedError) as caught:
        convert(kind, *inputs)
    assert str(caught.value).startswith(f"node 3 of 7: {kind} 'n': {message}")


def test_a_batch_norm_by_channel() -> None:
    """Gamma, beta, mean and variance in the order of ONNX, each one per channel of the map."""
    found = convert(
        "BatchNormalization", elements(), *(constant(p) for p in ([2, 4], [1, 0], [3, 1], [4, 1])), epsilon=0.0
    )
    assert isinstance(found, Integers)
    assert apply(found.steps, np.array([[5.0, 3.0]])).tolist() == [[2 * 2 / 2 + 1, 4 * 2]]
    for wrong in range(4):
        parameters = [constant(np.ones(3 if place == wrong else 2)) for place in range(4)]
        what = ("gamma", "beta", "mean", "variance")[wrong]
        with pytest.raises(UnsupportedError, match=rf"its {what} must have shape \(2,\), not \(3,\)"):
            convert("BatchNormalization", elements(), *parameters)


def steps_of(value: Value) -> tuple[Step, ...]:
    assert isinstance(value, Integers)
    return value.steps


def test_steps_stand_in_their_order() -> None:
    """A difference is the negated number and a sum; a division stays one, since 1 / divisor may be no float."""
    given = elements()
    both = constant([[[3.0]], [[5.0]]])
    assert [type(step) for step in steps_of(convert("Sub", both, given))] == [Scale, Shift]
    assert [type(step) for step in steps_of(convert("Sub", given, both))] == [Shift]
    assert [type(step) for step in steps_of(convert("Div", given, both))] == [Divide]
