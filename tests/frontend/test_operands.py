"""Elements in front of a matrix, channel by channel; weights as planes: by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.channels import Channels, _code, as_operand, factor
from bnnhw.frontend.onnx.planes import MAX_WEIGHT, multiples, weight_planes
from bnnhw.frontend.onnx.values import Elements, Integers
from bnnhw.ir import DataType, Relu, Scale, Shift
from tests.frontend.calls import call, elements

SHAPE = (2, 1, 3)


def channels(slopes: tuple[float, float], offsets: tuple[float, float], dtype: str = "uint2") -> Channels:
    given = replace(elements("uint2", SHAPE), dtype=DataType.parse(dtype))
    steps = (Scale(np.array(slopes, np.float64)), Shift(np.array(offsets, np.float64)))
    return Channels(Integers(given, steps), *(tuple(Fraction(v) for v in pair) for pair in (slopes, offsets)))


@pytest.mark.parametrize("slopes, offsets, number, dtype, code", [
    ((1, 1), (0, 0), 0, "uint2", 0), ((1, 1), (0, 0), 3, "uint2", 3), ((1, 1), (0, 0), 4, "uint2", None),
    ((1, 1), (0, 0), -1, "uint2", None), ((2, 0.5), (0, 3), 4, "uint2", 2), ((2, 0.5), (0, 3), 2, "uint2", None),
    ((2, 2), (0, 0), 1, "uint2", None), ((0, 1), (5, 4), 5, "uint2", None), ((1, 0), (4, 5), 5, "uint2", None),
    ((0, 0), (5, 5), 5, "uint2", None), ((-1, -2), (0, 2), 2, "int2", None), ((-1, -2), (0, 2), 1, "int2", None),
    ((-1, -3), (0, 2), -1, "int2", 1), ((2, 4), (0, 4), -4, "int2", -2), ((2, 4), (0, 2), -6, "int3", None),
    ((1, 2), (0, -1), 1, "bipolar", 1), ((1, 2), (0, 1), -1, "bipolar", -1), ((1, 2), (3, 3), 3, "bipolar", None),
])  # fmt: skip
def test_the_element_that_is_a_number(
    slopes: tuple[float, float], offsets: tuple[float, float], number: float, dtype: str, code: int | None
) -> None:
    """The same one in every channel, and one that there is."""
    assert _code(channels(slopes, offsets, dtype), Fraction(number)) == code


def integers(slopes: list[float], offsets: list[float], *others: object) -> Integers:
    steps = (Scale(np.array(slopes, np.float64)), Shift(np.array(offsets, np.float64)), *others)
    return Integers(elements("uint2", SHAPE), steps)  # type: ignore[arg-type]


def test_what_is_multiplied() -> None:
    """Alike: one scale and offset; by channel; by a table where steps are no lines."""
    found = as_operand(call("Conv"), integers([2, 2], [1, 1]), "input")
    assert isinstance(found, Elements) and (found.scale, found.offset, found.layers) == (2, 1, ())
    for slopes, offsets in (([2, 4], [1, 1]), ([2, 2], [1, 0]), ([0, 0], [1, 1])):
        found = as_operand(call("Conv"), integers(slopes, offsets), "input")
        assert isinstance(found, Channels)
        assert (found.slopes, found.offsets) == (tuple(slopes), tuple(offsets))
    found = as_operand(call("Conv"), integers([2, 4], [-3, -3], Relu()), "input")
    assert isinstance(found, Elements) and len(found.layers) == 1


ROWS = np.array([[1, -1, 2, 0, 3, 1], [0, 1, 1, 1, -1, -1]], np.int16)
"""Two neurons over three places of two channels, channel fastest: sums 6 and 0, 1 and 1."""


def test_factors_of_elements() -> None:
    given = elements("uint2", SHAPE, scale=Fraction(1, 2), offset=Fraction(3))
    found = factor(call("Conv"), "input", given, ROWS, None, False)
    assert found.elements is given and found.rows is ROWS
    assert (found.slopes, found.constants) == ([Fraction(1, 2)] * 2, [18, 3])


def test_factors_by_channel_go_into_the_weights() -> None:
    """Halves of 3 and 2, offsets of 5 and 0: weights of the first channel three times, of the second twice."""
    found = factor(call("Conv"), "input", channels((1.5, 1.0), (5, 0), "uint7"), ROWS, None, False)
    assert found.rows.tolist() == [[3, -2, 6, 0, 9, 2], [0, 2, 3, 2, -3, -2]]
    assert found.slopes == [Fraction(1, 2)] * 2
    assert found.constants == [5 * 6, 0]
    # With a padding of 5, which is 0 of the first channel and of the second too.
    found = factor(call("Conv"), "input", channels((1.5, 1.0), (5, 5), "uint7"), ROWS, Fraction(5), False)
    assert found.constants == [5 * 6, 5 * 1] and found.elements.offset == 5 and not found.elements.layers


def test_factors_of_a_depthwise_product() -> None:
    """Neurons 0 and 1 see the first channel, 2 and 3 the second."""
    rows = np.array([[1, 2, 3], [1, 1, 1], [-1, 0, 0], [2, -2, 1]], np.int16)
    found = factor(call("Conv"), "input", channels((2, 3), (1, -1)), rows, None, True)
    assert found.rows is rows and found.slopes == [2, 2, 3, 3] and found.constants == [6, 3, 1, -1]
    assert (found.elements.scale, found.elements.offset) == (1, 0)
    found = factor(call("Conv"), "input", channels((2, 3), (1, -1)), rows, Fraction(5), True)
    assert found.elements.offset == 5 - 2 and found.constants == [6, 3, 1, -1]


@pytest.mark.parametrize("multiplier, merged", [(2, False), (3, True), (4, False), (5, True)])
def test_whichever_takes_fewer_popcounts(multiplier: int, merged: bool) -> None:
    """Bits 0, 1 of one channel, 0 and m of another: in the weights 3, 2, 4 and 3 planes, else 2, 2, 3 and 3 bits."""
    found = factor(call("Conv"), "input", channels((1, multiplier), (0, 0), "uint1"), np.array([[1, -1]]), None, False)
    assert found.rows.tolist() == ([[1, -multiplier]] if merged else [[1, -1]])
    assert bool(found.elements.layers) is not merged


def test_factors_that_are_too_far_apart() -> None:
    """255 times is a weight, more is integers in front of the product, and more than 8 bits of these are refused."""
    one = np.array([[1, 1]], np.int16)
    assert factor(call("Conv"), "input", channels((1, 255), (0, 0)), one, None, False).rows.tolist() == [[1, 255]]
    with pytest.raises(UnsupportedError, match="its input must have at most 8 bits, not the 10 of uint10: quantize it"):
        factor(call("Conv"), "input", channels((1, 256), (0, 0)), one, None, False)
    # Weights of 2 times 128 are 256.
    with pytest.raises(UnsupportedError, match="its input must have at most 8 bits, not the 9 of uint9: quantize it"):
        factor(call("Conv"), "input", channels((1, 128), (0, 0)), 2 * one, None, False)
    assert factor(call("Conv"), "input", channels((1, 127), (0, 0)), 2 * one, None, False).rows.tolist() == [[2, 254]]
    with pytest.raises(UnsupportedError, match="its input must have at most 8 bits, not the 9 of uint9"):
        factor(call("Conv"), "input", channels((1, 2), (0, 0), "uint9"), one, None, True)


@pytest.mark.parametrize("row, integers_, unit", [
    ([0.5, 1.5, -2.0], [1, 3, -4], 0.5), ([0.0, 0.0], [0, 0], 1.0), ([255.0, 1.0], [255, 1], 1.0),
    ([-255.0, 1.0], [-255, 1], 1.0), ([256.0, 1.0], None, None), ([512.0, 2.0], None, None),
    ([6.0, 9.0, 0.0], [2, 3, 0], 3.0), ([0.1, 0.2], [1, 2], 0.1), ([0.1, 0.3], None, None),
    ([128.0, 1.0, 0.0], [128, 1, 0], 1.0), ([3 * 2.0**-1074, 2.0**-1074], [3, 1], 2.0**-1074),
    ([2.0**1000, 2.0**1007], [1, 128], 2.0**1000), ([2.0**600, 2.0**-600], None, None), ([-7.0], [-1], 7.0),
    ([0.75, 0.0], [1, 0], 0.75), ([float(1 << 53) - 1, 0.0], [1, 0], float(1 << 53) - 1),
    ([255 * 2.0**40, 254 * 2.0**40], [255, 254], 2.0**40),
])  # fmt: skip
def test_numbers_as_small_multiples(row: list[float], integers_: list[int] | None, unit: float | None) -> None:
    """Row by row: another row beside it changes nothing, unless it has no such integers."""
    for rows in ([row], [row, [4.0] * len(row)], [[0.0] * len(row), row]):
        found = multiples(np.array(rows))
        if integers_ is None:
            assert found is None
            continue
        assert found is not None
        place = len(rows) - 1 if rows[-1] is row else 0
        assert found[0][place].tolist() == integers_ and found[1][place] == unit
        assert (found[0] * found[1][:, None] == np.array(rows)).all()
    assert MAX_WEIGHT == 255


@pytest.mark.parametrize("values, coefficients, unit", [
    ([[1, -1]], [1], 1), ([[1, 0, -1]], [1, 1], Fraction(1, 2)), ([[3, -1, 1]], [1, 2], 1),
    ([[3, 2, -3]], [1, 2, 3], Fraction(1, 2)), ([[2, -2]], [1], 2), ([[6, 2]], [1, 2], 2),
    ([[0, 0]], [1, 1], Fraction(1, 2)), ([[127, -128]], [1, 2, 4, 8, 16, 32, 64, 128, 1], Fraction(1, 2)),
    ([[5, 1, -5]], [1, 2, 2], 1), ([[7, -7, 1]], [1, 2, 4], 1), ([[4, 1]], [1, 1, 2, 4], Fraction(1, 2)),
])  # fmt: skip
def test_planes(values: list[list[int]], coefficients: list[int], unit: Fraction | int) -> None:
    planes, found = weight_planes(np.array(values))
    assert found == unit
    assert sorted(plane.coefficient for plane in planes) == sorted(coefficients)
    total = sum(plane.coefficient * (2 * plane.bits.bits().astype(int) - 1) for plane in planes)
    assert (np.array(total) * float(unit) == np.array(values)).all()
