"""What layers emit as integers and steps, as elements alike, as maps: by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.exact import common_unit, exact_affine, exact_value
from bnnhw.frontend.onnx.streams import affine_steps, alike, as_integers, as_map, check_planes, entering
from bnnhw.frontend.onnx.values import Elements, Integers, Weights, layout
from bnnhw.ir import Affine, BatchNorm, Clip, Curve, DataType, Divide, Gap, InputSpec, PRelu, Relu, Scale, Shift, Step
from bnnhw.ir.curves import Staircase
from tests.frontend.calls import call, constant, convert, elements

THIRD, HALF = Fraction(1, 3), Fraction(1, 2)
LONG = Fraction(1, 3) + Fraction(1, 1 << 60)
"""Neither a float64 nor a quotient of two of them."""


def row(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


@pytest.mark.parametrize("slopes, offsets, kinds", [
    ([1, 1], [0, 0], []), ([2, 1], [0, 0], [Scale]), ([1, 1], [0, HALF], [Shift]), ([2, 2], [0, 1], [Scale, Shift]),
    ([THIRD, 1], [0, 0], [Scale, Divide]), ([THIRD, 1], [THIRD, 2], [Shift, Scale, Divide]),
    ([THIRD, 1], [HALF, 2], [Shift, Scale, Divide]), ([3, 3], [1, 1], [Scale, Shift]),
    ([Fraction(1, 7), 0], [HALF, 2], [Scale, Divide, Shift]),
])  # fmt: skip
def test_affine_steps(slopes: list[Any], offsets: list[Any], kinds: list[type[Step]]) -> None:
    """Exactly the line; an offset before a division where that is exact."""
    steps = affine_steps(call("Add"), [Fraction(s) for s in slopes], [Fraction(o) for o in offsets])
    assert [type(step) for step in steps] == kinds
    assert exact_affine(steps, 2) == (slopes, offsets)


@pytest.mark.parametrize("slopes, offsets, message", [
    ([THIRD, THIRD], [Fraction(1, 18), 0], "offset must be exact in float64, not about 0.05555555555555555"),
    ([3, 3], [THIRD, 0], "offset must be exact in float64, not about 0.3333333333333333"),
    ([0, 1], [0, THIRD], "offset must be exact in float64, not about 0.3333333333333333"),
    ([1, LONG], [0, 0], "scale must be exact in float64, not about 0.3333333333333333"),
])  # fmt: skip
def test_lines_that_are_no_steps(slopes: list[Any], offsets: list[Any], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        affine_steps(call("Add"), [Fraction(s) for s in slopes], [Fraction(o) for o in offsets])
    assert str(caught.value) == f"node 3 of 7: Add 'n': its {message}: use float32 parameters"


def test_the_first_number_that_is_no_float_is_named() -> None:
    with pytest.raises(UnsupportedError, match=r"its offset must be exact in float64, not about 0\.333"):
        affine_steps(call("Add"), [Fraction(0)] * 3, [HALF, THIRD, Fraction(2, 3)])
    with pytest.raises(UnsupportedError, match=r"its scale must be exact in float64, not about 0\.25:"):
        affine_steps(call("Add"), [HALF, LONG - Fraction(1, 12), LONG], [Fraction(0)] * 3)


NORM = BatchNorm(row(3.0, 0.0, 1.0), row(1.0, 5.0, 0.0), row(-2.0, 1.0, 0.0), row(4.0, 4.0, 2.0), 0.0)


@pytest.mark.parametrize("steps, neurons, expected", [
    ((), 1, ([1], [0])), ((Scale(row(2.0)), Shift(row(3.0)), Divide(row(4.0))), 1, ([HALF], [Fraction(3, 4)])),
    ((NORM,), 2, ([Fraction(3, 2), 0], [4, 5])), ((NORM,), 3, None), ((Relu(),), 1, None),
    ((Shift(row(1.0)), Scale(row(-2.0))), 1, ([-2], [-2])), ((Curve("tanh"),), 1, None),
    ((Staircase("floor"),), 1, None),
])  # fmt: skip
def test_lines_of_steps(steps: tuple[Step, ...], neurons: int, expected: Any) -> None:
    assert exact_affine(steps, neurons) == expected


GAP = Gap(row(-1.0), row(2.0), row(0.5), row(-1.5))


@pytest.mark.parametrize("step, value, expected", [
    (Relu(), -1, 0), (Relu(), THIRD, THIRD), (PRelu(row(0.5)), -3, Fraction(-3, 2)), (PRelu(row(0.5)), 0, 0),
    (PRelu(row(0.5)), 3, 3), (Clip(row(-1.0), row(2.0)), -2, -1), (Clip(row(-1.0), row(2.0)), 3, 2),
    (Clip(row(-1.0), row(2.0)), THIRD, THIRD), (Clip(row(-np.inf), row(2.0)), -9, -9),
    (Clip(row(-1.0), row(np.inf)), 9, 9),
    (GAP, -1, 0), (GAP, 2, 0), (GAP, Fraction(-5, 4), Fraction(-3, 4)), (GAP, 3, Fraction(3, 2)), (GAP, 0, 0),
    (Staircase("floor"), Fraction(-3, 2), -2), (Staircase("ceil"), Fraction(-3, 2), -1),
    (Staircase("round"), Fraction(5, 2), 2), (Curve("cube"), THIRD, Fraction(1, 27)), (Curve("square"), 3, 9),
    (Curve("square"), 0, 0), (Curve("square"), -1, None), (Curve("tanh"), 1, None), (NORM, 2, 7),
    (Divide(row(4.0)), 3, Fraction(3, 4)),
])  # fmt: skip
def test_values_of_steps(step: Step, value: Any, expected: Any) -> None:
    assert exact_value((step,), 0, Fraction(value)) == expected
    if expected is not None:
        assert exact_value((step, Scale(row(2.0)), Shift(row(1.0))), 0, Fraction(value)) == 2 * expected + 1


@pytest.mark.parametrize("numbers, unit", [
    ([], 1), ([0, 0], 1), ([6, 4], 2), ([HALF, THIRD], Fraction(1, 6)), ([0, Fraction(3, 4)], Fraction(3, 4)),
    ([-6, 9], 3),
    ([Fraction(-3, 2)], Fraction(3, 2)),
])  # fmt: skip
def test_units(numbers: list[Any], unit: Any) -> None:
    assert common_unit([Fraction(n) for n in numbers]) == unit


def integers(slopes: tuple[float, float], offsets: tuple[float, float]) -> Integers:
    return Integers(elements("uint2", (2, 1, 3)), (Scale(row(*slopes)), Shift(row(*offsets))))


def test_elements_and_products_as_integers() -> None:
    given = elements("uint2", scale=HALF, offset=Fraction(3))
    found = as_integers(call("Add"), given)
    assert exact_affine(found.steps, 2) == ([HALF, HALF], [3, 3])
    assert (found.elements.scale, found.elements.offset) == (1, 0) and as_integers(call("Add"), found) is found


@pytest.mark.parametrize("slopes, offsets, multiplier, offset, scale, base", [
    ((2, 2), (1, 1), None, None, 2, 1), ((2, 4), (0, 2), [1, 2], [0, 1], 2, 0), ((3, 6),
    (0.5, 1), [6, 12], [1, 2], HALF, 0),
    ((1, 2), (65536, 0), [1, 2], [65536, 0], 1, 0), ((1, 2), (65537, 65537), [1, 2], [0, 0], 1, 65537),
    ((1, 1), (65537, 65538), [1, 1], [0, 1], 1, 65537), ((0, 0), (1, 2), [0, 0], [1, 2], 1, 0), ((-1, 1),
    (0, 0), [-1, 1], [0, 0], 1, 0),
])  # fmt: skip
def test_integers_alike(
    slopes: Any, offsets: Any, multiplier: list[int] | None, offset: list[int] | None, scale: Any, base: Any
) -> None:
    """From a base of 0 where the integers stay small, else from the first channel's."""
    found = alike(call("Conv"), "input", integers(slopes, offsets))
    assert (found.scale, found.offset) == (scale, base)
    if multiplier is None:
        assert found.layers == ()
        return
    (layer,) = found.layers
    assert isinstance(layer, Affine) and found.dtype == layer.output
    assert (layer.multiplier.tolist(), layer.offset.tolist()) == (multiplier, offset)


def test_widths_of_a_matrix() -> None:
    check_planes(call("Conv"), "input", DataType("uint", 8))
    with pytest.raises(UnsupportedError, match="its input must have at most 8 bits, not the 9 of int9: quantize it"):
        check_planes(call("Conv"), "input", DataType("int", 9))


def test_maps_as_they_come_in() -> None:
    """Upright and on their side, signals of either axis; elements of the input enter as the map that they are."""
    given = elements("uint2", (2, 3, 4))
    assert as_map(call("Conv"), given, "input") == (given, (1, 2))
    behind = replace(given, layers=(Affine("a", (2, 3, 4), given.dtype, np.array([1, 1]), np.array([0, 0])),))
    turned = replace(behind, index=behind.index.transpose(0, 2, 1))
    assert as_map(call("Conv"), turned, "input") == (turned, (2, 1))
    for shape, axes in (((2, 1, 4), (-1, 1)), ((2, 4, 1), (1, -1))):
        signal = elements("uint2", shape)
        layer = Affine("a", shape, signal.dtype, np.array([1, 1]), np.array([0, 0]))
        signal = replace(signal, layers=(layer,), index=layout(shape).reshape(2, 4))
        assert as_map(call("Conv"), signal, "input") == (signal, axes)
    for wrong, message in (
        (replace(behind, index=behind.index.transpose(1, 0, 2)), "must be the map of 2 x 3 x 4 that comes in, not of"),
        (replace(behind, index=behind.index[:, ::-1]), "must have channels, height and width in this order"),
        (
            replace(behind, index=behind.index.ravel()),
            "must be \\(channels, height, width\\) or \\(channels, length\\)",
        ),
        (replace(behind, index=behind.index[None]), "must be \\(channels, height, width\\) or \\(channels, length\\)"),
        (replace(behind, index=behind.index.reshape(2, 12)), "must be the map of 2 x 3 x 4 that comes in, not of"),
    ):
        with pytest.raises(UnsupportedError, match=f"its input {message}"):
            as_map(call("Conv"), wrong, "input")
    # A list of 24 that is seen as a map enters as one, unless something depends on the order.
    flat = Elements(given.dtype, np.arange(24, dtype=np.int32).reshape(2, 3, 4), InputSpec((24,), given.dtype), ())
    assert as_map(call("Conv"), flat, "input")[0].shape == (2, 3, 4) == entering(flat).shape
    with pytest.raises(UnsupportedError, match="its input must be the map of 24 x 1 x 1 that comes in"):
        as_map(call("Conv"), flat, "input", fixed=True)
    assert entering(given) is given


def test_large_biases_are_exact_or_refused() -> None:
    """Beyond 29 bits a product with a scale of 24 bits may be none of float64's."""
    scale = float(np.float32((1 << 24) - 1))
    for whole, exact in (((1 << 29) - 1, True), (1 << 29, True), ((1 << 30) - 1, False), (1 << 30, True)):
        inputs = constant([whole, 1], np.int32), constant(scale)
        if exact:
            found = convert("DequantizeLinear", *inputs)
            assert not isinstance(found, Weights) and found.array.tolist() == [whole * ((1 << 24) - 1), scale]  # type: ignore[union-attr]
        else:
            with pytest.raises(UnsupportedError, match="its output must be exact in float64, not about"):
                convert("DequantizeLinear", *inputs)
