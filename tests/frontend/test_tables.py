"""Elements of another type by a table: of every value what the table says, in the quantizer before it or behind it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.tables import clipped, requantized, tabulated
from bnnhw.frontend.onnx.values import Elements, Integers
from bnnhw.ir import Clip, DataType, FloatActivation, InputSpec, Quantize, Quantizer, Relu, Scale, Shift, Step
from bnnhw.ir.curves import Staircase
from tests.frontend.calls import call, elements

UINT2 = DataType("uint", 2)
SHAPE = (2, 1, 1)


def values_of(dtype: DataType, levels: np.ndarray) -> np.ndarray:
    return dtype.minimum + levels.astype(int) * (2 if dtype.kind == "bipolar" else 1)


def present(**others: Any) -> Elements:
    """Two channels of two bits, by a quantizer of each one's own; its second bound must be exceeded."""
    quantizer = Quantizer(UINT2, np.array([[-3.0, 0.0, 4.0], [-1.0, 2.0, 5.0]]), np.array([False, True, False]))
    layer = Quantize("q", SHAPE, DataType("int", 4), FloatActivation((), quantizer))
    return replace(elements("int4", SHAPE), dtype=UINT2, layers=(layer,), **others)


def computed(given: Elements) -> np.ndarray:
    """The elements of all inputs, (values of int4, channels), by the layers."""
    values = np.repeat(np.arange(-8, 8)[:, None], 2, axis=1).astype(float)
    for layer in given.layers:
        assert isinstance(layer, Quantize) and isinstance(layer.activation, FloatActivation)
        values = values_of(layer.activation.dtype, layer.activation.quantizer.levels(values)).astype(float)
    return values


OLD = computed(present())
"""-8..-4: 0, -3..0: 1, 1..3: 2, 4..7: 3 of the first channel."""

TABLES: list[tuple[str, list[list[int]]]] = [
    ("uint2", [[0, 1, 1, 2]] * 2), ("uint2", [[0, 0, 3, 3]] * 2), ("uint1", [[0, 0, 0, 1]] * 2),
    ("uint1", [[1, 1, 1, 1]] * 2), ("uint1", [[0, 0, 0, 0]] * 2), ("int2", [[-1, 0, 0, 1]] * 2),
    ("bipolar", [[-1, 1, 1, 1]] * 2), ("int3", [[-4, -1, 2, 3]] * 2), ("uint3", [[1, 3, 5, 7]] * 2),
    ("uint2", [[0, 1, 1, 2], [0, 0, 1, 3]]), ("bipolar", [[-1, -1, 1, 1], [-1, 1, 1, 1]]),
]  # fmt: skip


@pytest.mark.parametrize("pinned", [-1, 0, 1, 2])
@pytest.mark.parametrize("dtype, levels", TABLES)
def test_every_value_by_the_table(dtype: str, levels: list[list[int]], pinned: int) -> None:
    """In the quantizer that is there where it has one row for all and nobody else reads it; otherwise behind it."""
    found = requantized(call("Relu"), present(pinned=pinned), DataType.parse(dtype), np.array(levels))
    expected = np.stack([np.array(row)[OLD[:, channel].astype(int)] for channel, row in enumerate(levels)], axis=1)
    assert str(found.dtype) == dtype and (computed(found) == expected).all()
    assert len(found.layers) == (1 if levels[0] == levels[1] and pinned < 1 else 2)


def test_the_same_table_changes_nothing() -> None:
    given = present()
    assert requantized(call("Relu"), given, UINT2, np.array([[0, 1, 2, 3]] * 2)) is given


@pytest.mark.parametrize("pinned", [-1, 0])
def test_thresholds_of_the_input(pinned: int) -> None:
    """Coarser where nobody else reads it; a type that is stated has no thresholds and gets a layer."""
    spec = InputSpec((2,), UINT2, thresholds=(1.0, 2.5, 7.0))
    given = replace(elements("uint2", SHAPE), input=spec, pinned=pinned)
    found = requantized(call("Relu"), given, DataType("uint", 1), np.array([[0, 0, 1, 1]] * 2))
    if pinned < 0:
        assert found.layers == () and found.input.thresholds == (2.5,) and str(found.input.dtype) == "uint1"
    else:
        assert len(found.layers) == 1 and found.input is spec
    stated = replace(given, input=InputSpec((2,), UINT2))
    assert len(requantized(call("Relu"), stated, DataType("uint", 1), np.array([[0, 0, 1, 1]] * 2)).layers) == 1


def numbers(given: Elements) -> list[list[Fraction]]:
    """What the elements of each input stand for."""
    return [[given.scale * int(v) + given.offset for v in row] for row in computed(given).tolist()]


@pytest.mark.parametrize("low, high", [
    (None, None), (0, None), (None, 0), (Fraction(-1, 2), 0), (0, 0), (Fraction(1, 3), None), (-9, 9), (None, -1),
    (Fraction(1, 2), Fraction(1, 2)),
])  # fmt: skip
def test_clips(low: Fraction | None, high: Fraction | None) -> None:
    """Of the numbers -1, -1/2, 0 and 1/2, in units that they and the bounds are multiples of."""
    given = present(scale=Fraction(1, 2), offset=Fraction(-1))
    ends = [None if end is None else Fraction(end) for end in (low, high)]
    found = clipped(call("Clip"), given, *ends)
    for old, new in zip(numbers(given), numbers(found), strict=True):
        bounded = [x if ends[0] is None else max(x, ends[0]) for x in old]
        assert new == [x if ends[1] is None else min(x, ends[1]) for x in bounded]


def test_units_of_a_table() -> None:
    """Multiples from 0 where these are few enough, so that a padding's 0 stays a number; else from the least."""
    given = present(scale=Fraction(1), offset=Fraction(100))  # 100 to 103
    found = clipped(call("Clip"), given, Fraction(101), None)
    assert (found.scale, found.offset, str(found.dtype)) == (1, 0, "uint7")
    given = present(scale=Fraction(1), offset=Fraction(252))  # to 255, the last of 8 bits
    assert str(clipped(call("Clip"), given, Fraction(253), None).dtype) == "uint8"
    given = present(scale=Fraction(1), offset=Fraction(253))  # to 256
    found = clipped(call("Clip"), given, Fraction(254), None)
    assert (found.scale, found.offset, str(found.dtype)) == (1, 254, "uint2")
    given = present(scale=Fraction(-1), offset=Fraction(3))
    with pytest.raises(UnsupportedError, match="its input must be quantized to at most 8 bits"):
        clipped(call("Clip"), given, None, None)


def integers(*steps: Step, dtype: str = "int4") -> Integers:
    return Integers(replace(elements("int4", SHAPE), dtype=DataType.parse(dtype)), steps)


def pair(first: float, second: float) -> np.ndarray:
    return np.array([first, second])


def test_steps_of_integers_as_a_table() -> None:
    """A row of numbers per channel: halves of what is positive, and whole numbers up to 3."""
    steps = (Scale(pair(0.5, 1.0)), Relu(), Clip(pair(0.0, 0.0), pair(9.0, 3.0)))
    found = tabulated(call("MatMul"), "input", integers(*steps))
    assert (found.scale, found.offset, str(found.dtype)) == (Fraction(1, 2), 0, "uint3")
    expected = [[max(Fraction(v, 2), Fraction(0)), Fraction(min(max(v, 0), 3))] for v in range(-8, 8)]
    assert numbers(found) == expected


@pytest.mark.parametrize("steps, dtype, message", [
    ((Relu(),), "int9", "its input must be quantized, or integers times exact factors: quantize it (Quant) before"),
    ((Scale(pair(-1.0, 1.0)), Relu()), "int4", "its input must be quantized, since a step before it falls"),
    ((Scale(pair(1.0, -1.0)), Relu()), "int4", "its input must be quantized, since a step before it falls"),
    ((Scale(pair(1.0, 0.0703125)), Relu()), "int4", "its input must be quantized, since its numbers are no small mul"),
])  # fmt: skip
def test_no_table(steps: tuple[Step, ...], dtype: str, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        tabulated(call("MatMul"), "input", integers(*steps, dtype=dtype))
    assert str(caught.value).startswith(f"node 3 of 7: MatMul 'n': {message}")


def test_levels_that_stay_alike_do_not_fall() -> None:
    found = tabulated(call("MatMul"), "input", integers(Shift(pair(0.25, 0.25)), Staircase("floor"), Relu()))
    assert str(found.dtype) == "uint3"
