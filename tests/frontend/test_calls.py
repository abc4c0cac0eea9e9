"""What a node reads of its inputs and attributes, and how the input's thresholds are found: by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx import input_rows
from bnnhw.frontend.onnx.call import MAX_FRACTION_BITS
from bnnhw.frontend.onnx.input_rows import _from_rank, _rank, _searched, input_spec, least_float, relaid, threshold_row
from bnnhw.frontend.onnx.levels import ROUNDINGS, element_type, integer_range, padded, quant_bounds, round_exactly
from bnnhw.frontend.onnx.values import layout
from bnnhw.ir import DataType, InputSpec
from bnnhw.streamline.preimage import HalfLine
from bnnhw.streamline.roots import Number
from tests.frontend.calls import call, constant, elements

UINT2 = DataType("uint", 2)
INFINITY = math.inf


@pytest.mark.parametrize("value, neurons, index, expected", [
    (3.0, 2, None, [3, 3]), ([3.0], 2, None, [3, 3]), ([[3.0]], 2, None, [3, 3]), ([1.0, 2.0], 2, None, [1, 2]),
    ([[1.0, 2.0]], 2, None, [1, 2]), ([[[1.0, 2.0]]], 2, None, None), ([[1.0], [2.0]], 2, None, None),
    ([1.0] * 3, 2, None, None),
    ([1.0, 2.0], 2, np.array([1, 0]), [2, 1]), ([[1.0, 2.0]], 2, np.array([1, 0]), [2, 1]),
    ([[[1.0]], [[2.0]]], 2, layout((2, 2, 3)), [1, 2]), ([[[[1.0]], [[2.0]]]], 2, layout((2, 2, 3)), [1, 2]),
    (np.ones((2, 2, 3)) * [[[1]], [[2]]], 2, layout((2, 2, 3)), [1, 2]),
    (np.arange(12).reshape(2, 2, 3), 2, layout((2, 2, 3)), None),
    ([1.0, 2.0], 2, layout((2, 2, 3)), None), ([1.0, 1.0, 1.0], 2, layout((2, 2, 3)), [1, 1]),
    ([[1.0] * 3, [1.0] * 3], 2, layout((2, 2, 3)), [1, 1]), ([[[1.0]], [[2.0]]] * 2, 2, layout((2, 2, 3)), None),
    (np.ones((2, 2, 2, 3)), 2, layout((2, 2, 3)), None), ([[[1.0]], [[2.0]]], 2, np.arange(12), None),
])  # fmt: skip
def test_one_value_or_one_per_channel(value: Any, neurons: int, index: Any, expected: list[float] | None) -> None:
    node = call("Add", None, constant(value))
    if expected is not None:
        assert node.channels(1, "shift", neurons, index).tolist() == expected
        return
    with pytest.raises(UnsupportedError, match=r"^node 3 of 7: Add 'n': its shift must be a single value or one per "):
        node.channels(1, "shift", neurons, index)


def test_constants() -> None:
    """In float64, which holds whole numbers up to 2**53."""
    node = call(
        "Add", constant(1 << 53, np.int64), constant((1 << 53) + 2, np.int64), constant([1.0, 2.0]), constant(0.5)
    )
    assert node.constant(0, "shift") == 2.0**53 and node.scalar(3, "shift") == 0.5
    with pytest.raises(UnsupportedError, match=r"its shift must be below 2\*\*53$"):
        node.constant(1, "shift")
    with pytest.raises(UnsupportedError, match=r"its shift must be a single value, not of shape \(2,\)$"):
        node.scalar(2, "shift")
    assert node.input(4) is None and node.input(3) is not None
    with pytest.raises(UnsupportedError, match=r"its shift must be a constant, not nothing$"):
        node.constant(4, "shift")
    assert call("Add", constant((-1 << 53) - 2, np.float64)).constant(0, "x") == -(2.0**53) - 2


def test_attributes() -> None:
    """Of the type of their default, and finite."""
    node = call("Gemm", alpha=0.5, transA=1, axes=[1, 2], mode="x", beta=float("inf"))
    assert node.attribute("alpha", 1.0) == 0.5 and node.attribute("transA", 0) == 1 and node.attribute("other", 7) == 7
    for name, default, word in (("alpha", 1, "int"), ("transA", 1.0, "float"), ("mode", (), "tuple")):
        with pytest.raises(UnsupportedError, match=rf"its {name} must be of type {word}, not"):
            node.attribute(name, default)
    with pytest.raises(UnsupportedError, match=r"its beta must be finite, not inf$"):
        node.attribute("beta", 1.0)
    node.require("transA", 1, 0, 1)
    with pytest.raises(UnsupportedError, match=r"its transA must be 0 or 1, not 2$"):
        node.require("transA", 2, 0, 1)


def test_fractions() -> None:
    node = call("Mul")
    assert MAX_FRACTION_BITS == 4096
    for good in (Fraction((1 << 4096) - 1), Fraction(1, (1 << 4096) - 1), -Fraction((1 << 4096) - 1)):
        assert node.fraction("scale", good) is good
    for bad in (Fraction(1 << 4096), Fraction(1, 1 << 4096), -Fraction(1 << 4096)):
        with pytest.raises(UnsupportedError, match="its scale must have at most 4096 bits: use fewer steps"):
            node.fraction("scale", bad)
    assert node.exact("scale", Fraction(1, 8)) == 0.125
    for bad in (Fraction(1, 3), Fraction(10) ** 400, Fraction((1 << 53) + 1)):
        with pytest.raises(UnsupportedError, match="its scale must be exact in float64, not about"):
            node.exact("scale", bad)


@pytest.mark.parametrize("bits, signed, narrow, ends", [
    (3, True, False, (-4, 3)), (3, True, True, (-3, 3)), (3, False, False, (0, 7)), (3, False, True, (0, 6)),
    (1, True, False, (-1, 0)), (1, False, False, (0, 1)),
])  # fmt: skip
def test_integer_ranges(bits: int, signed: bool, narrow: bool, ends: tuple[int, int]) -> None:
    assert integer_range(bits, signed, narrow) == ends


ROUNDED: dict[str, Any] = {
    "ROUND": round, "HALF_EVEN": round, "FLOOR": lambda x: x // 1, "CEIL": lambda x: -(-x // 1),
    "UP": lambda x: -(-x // 1) if x > 0 else x // 1, "DOWN": lambda x: x // 1 if x > 0 else -(-x // 1),
    "HALF_UP": lambda x: (x + Fraction(1, 2)) // 1 if x > 0 else -((Fraction(1, 2) - x) // 1),
    "HALF_DOWN": lambda x: -((Fraction(1, 2) - x) // 1) if x > 0 else (x + Fraction(1, 2)) // 1,
}  # fmt: skip


@pytest.mark.parametrize("mode", sorted(ROUNDINGS))
def test_bounds_of_every_level(mode: str) -> None:
    """Of a scale and a zero point: on each bound, and beside it; and numbers rounded by themselves."""
    scale, zero = Fraction(3, 4), Fraction(1, 2)
    bounds = quant_bounds(-3, 4, scale, zero, mode)
    assert len(bounds.values) == len(bounds.strict) == 7
    for n in range(-96, 97):
        x = Fraction(n, 16)
        wanted = min(max(int(ROUNDED[mode](x / scale + zero)), -3), 4)
        assert -3 + sum(x > b if s else x >= b for b, s in zip(bounds.values, bounds.strict, strict=True)) == wanted
        assert round_exactly(x, mode) == ROUNDED[mode](x)


@pytest.mark.parametrize("low, high, dtype", [
    (0, 1, "uint1"), (0, 255, "uint8"), (0, 256, None), (-1, 0, "int2"), (-128, 127, "int8"), (-129, 0, None),
    (-1, 128, None),
    (-5, -3, "int4"), (3, 3, "uint2"), (0, 0, "uint1"),
])  # fmt: skip
def test_types_of_elements(low: int, high: int, dtype: str | None) -> None:
    if dtype is not None:
        assert str(element_type(low, high)) == dtype
        return
    with pytest.raises(Exception, match="elements must have at most 8 bits, not 9: quantize to fewer"):
        element_type(low, high)


def test_levels_that_a_type_has_besides() -> None:
    found = padded(-1, [0.5, 1.5], [True, False], DataType("int", 3))
    assert found == ([-INFINITY] * 3 + [0.5, 1.5] + [INFINITY] * 2, [False] * 3 + [True, False] + [False] * 2)
    assert padded(0, [0.5, 1.5, 2.5], [True] * 3, UINT2) == ([0.5, 1.5, 2.5], [True] * 3)


def next_to(value: float, steps: int = 1) -> float:
    for _ in range(abs(steps)):
        value = math.nextafter(value, INFINITY if steps > 0 else -INFINITY)
    return value


@pytest.mark.parametrize("value, strict, least", [
    (Fraction(1, 2), False, 0.5), (Fraction(1, 2), True, next_to(0.5)), (Fraction(0), False, 0.0),
    (Fraction(0), True, 5e-324),
    (Fraction(1, 3), False, next_to(1 / 3) if Fraction(1 / 3) < Fraction(1, 3) else 1 / 3),
    (Fraction(-1, 3), False, -(1 / 3) if Fraction(-(1 / 3)) >= Fraction(-1, 3) else next_to(-(1 / 3))),
    (Fraction(1, 10) + Fraction(1, 10**40), False, 0.1), (Fraction(10) ** 400, False, INFINITY),
    (-(Fraction(10) ** 400), False, -INFINITY),
    (Fraction(1, 10**400), False, 5e-324), (Fraction(-1, 10**400), False, 0.0),
    (Fraction(float(1 << 60)), True, next_to(float(1 << 60))),
])  # fmt: skip
def test_the_least_float(value: Fraction, strict: bool, least: float) -> None:
    assert least_float(Number(value), strict) == least
    if math.isfinite(least):
        assert _searched(Number(value), strict) == least


@pytest.mark.parametrize("off", [-9, -4, -3, -2, -1, 0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("strict", [False, True])
def test_guesses_that_are_off(monkeypatch: pytest.MonkeyPatch, off: int, strict: bool) -> None:
    """Near or far: what the guess is changes nothing."""
    for value in (Fraction(1, 3), Fraction(-5, 7), Fraction(3, 2)):
        expected = least_float(Number(value), strict)
        monkeypatch.setattr(input_rows, "_about", lambda number, v=value: next_to(float(v), off))
        assert least_float(Number(value), strict) == expected
        monkeypatch.undo()


def test_ranks_are_the_order_of_floats() -> None:
    values = [-INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, next_to(1.0), 1e300, INFINITY]
    ranks = [_rank(value) for value in values]
    assert ranks == sorted(ranks) and [_from_rank(rank) for rank in ranks] == values
    assert _rank(5e-324) == 1 == -_rank(-5e-324) and _rank(next_to(1.0)) == _rank(1.0) + 1


def line(end: float, above: bool = True, strict: bool = False) -> HalfLine:
    return HalfLine(Number(Fraction(end)), above, strict)


def test_rows_of_thresholds() -> None:
    """Rising as they are; falling from the other end, where what is at most an end is less than the next float."""
    assert threshold_row([True, line(1.0), line(2.0, strict=True), False]) == (
        (-INFINITY, 1.0, next_to(2.0), INFINITY),
        False,
    )
    assert threshold_row([True, False]) == ((-INFINITY, INFINITY), False)
    falls = [True, line(2.0, above=False), line(1.0, above=False, strict=True), False]
    assert threshold_row(falls) == ((-INFINITY, 1.0, next_to(2.0), INFINITY), True)


@pytest.mark.parametrize("numbers, rows", [
    ([0] * 6, 1), ([1] * 6, 1), ([0, 1] * 3, 2), ([0, 1, 0, 1, 0, 0], 6), ([0, 2] * 3, 1), ([0, 1, 2, 1, 0, 1], 2),
])  # fmt: skip
def test_as_few_rows_as_needed(numbers: list[int], rows: int) -> None:
    """One, one per channel, or one per element; rows 0 and 2 are the same."""
    given = [((1.0, 2.0, 3.0), False), ((4.0, 5.0, 6.0), True), ((1.0, 2.0, 3.0), False)]
    spec = input_spec((2, 1, 3), UINT2, given, np.array(numbers))
    assert len(spec.rows) == rows
    assert [spec.rows[n % rows] for n in range(6)] == [given[n][0] for n in numbers]
    assert [(spec.falling or (False,) * rows)[n % rows] for n in range(6)] == [given[n][1] for n in numbers]


def test_inputs_as_other_maps() -> None:
    """A list as the map of it, channels first or last; other orders are none."""
    spec = InputSpec((12,), UINT2, (1.0, 2.0, 3.0))
    for order in ("chw", "hwc"):
        raw = np.arange(12).reshape((2, 2, 3) if order == "chw" else (2, 3, 2))
        index = raw if order == "chw" else raw.transpose(2, 0, 1)
        found = relaid(spec, index.astype(np.int32), (2, 2, 3))
        assert found is not None and (found.shape, found.layout, found.rows) == ((2, 2, 3), order, ((1.0, 2.0, 3.0),))
        assert np.array_equal(found.places().ravel(), index.transpose(1, 2, 0).ravel())
    mixed = np.arange(12).reshape(2, 2, 3).copy()
    mixed[0, 0, :2] = mixed[0, 0, 1::-1]
    assert relaid(spec, mixed.astype(np.int32), (2, 2, 3)) is None
    plain = relaid(InputSpec((12,), UINT2), np.arange(12, dtype=np.int32).reshape(2, 2, 3), (2, 2, 3))
    assert plain is not None and plain.thresholds is None
    # Thresholds of each element move with it.
    each = InputSpec((4,), DataType("uint", 1), tuple((float(n),) for n in range(4)), (False, True, False, True))
    found = relaid(each, np.array([[[0, 1]], [[2, 3]]], np.int32), (2, 1, 2))
    assert found is not None and [row[0] for row in found.rows] == [0.0, 2.0, 1.0, 3.0]
    assert found.falling == (False, False, True, True)


def test_elements_of_a_stream() -> None:
    given = elements("uint2", (2, 3, 4))
    assert (given.shape, given.neurons) == ((2, 3, 4), 2)
