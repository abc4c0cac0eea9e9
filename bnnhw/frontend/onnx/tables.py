"""Functions of elements that are no affine: a clip or a Relu of what is quantized already, value by value.

Elements have at most 256 values, so what a rising chain of steps makes of them is a table, and the levels of a
quantizer again where its numbers are multiples of one unit. Such a quantizer is part of the one before it, its bounds
some of that one's, or a layer of its own.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import common_unit, exact_value
from bnnhw.frontend.onnx.levels import element_type
from bnnhw.frontend.onnx.values import Elements, Integers
from bnnhw.ir import Quantize
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.steps import Quantizer
from bnnhw.ir.types import MAX_PLANES, DataType, narrowest

__all__ = ["clipped", "requantized", "tabulated"]

CURE = "quantize it (Quant) before it is multiplied"


def _numbers(dtype: DataType) -> list[int]:
    """The values of a type, ascending."""
    step = 2 if dtype.kind == "bipolar" else 1
    return list(range(dtype.minimum, dtype.maximum + 1, step))


def _table(call: Call, what: str, value: Integers) -> list[list[Fraction]]:
    """What the steps make of every value, a row per channel."""
    dtype = value.elements.dtype
    if dtype.bits > MAX_PLANES:
        raise call.unsupported(f"its {what} must be quantized, or integers times exact factors: {CURE}")
    rows: list[list[Fraction]] = []
    for neuron in range(value.neurons):
        row = [exact_value(value.steps, neuron, Fraction(number)) for number in _numbers(dtype)]
        known = [number for number in row if number is not None]
        if len(known) < len(row):
            raise call.unsupported(
                f"its {what} must be quantized, since steps before it have no rational result: {CURE}"
            )
        rows.append(known)
    if any(a > b for row in rows for a, b in zip(row, row[1:], strict=False)):
        raise call.unsupported(f"its {what} must be quantized, since a step before it falls: {CURE}")
    return rows


def tabulated(call: Call, what: str, value: Integers) -> Elements:
    """Elements that stand for what the steps make of integers of a few bits.

    Raises
    ------
    UnsupportedError
        The integers are too wide, the steps fall, or the numbers are no small multiples of one.
    """
    return _from_table(call, what, value.elements, _table(call, what, value))


def clipped(call: Call, elements: Elements, low: Fraction | None, high: Fraction | None) -> Elements:
    """Elements whose numbers are bounded; None is no bound."""
    if elements.dtype.bits > MAX_PLANES or elements.scale < 0:
        raise call.unsupported(f"its input must be quantized to at most {MAX_PLANES} bits: {CURE}")
    row: list[Fraction] = []
    for value in _numbers(elements.dtype):
        number = elements.scale * value + elements.offset
        number = number if low is None else max(number, low)
        row.append(number if high is None else min(number, high))
    return _from_table(call, "input", elements, [row] * elements.neurons)


def _from_table(call: Call, what: str, elements: Elements, rows: list[list[Fraction]]) -> Elements:
    """Elements that stand for the numbers of a table, a row per channel and a column per present value."""
    numbers = sorted({number for row in rows for number in row})
    # A base of 0 keeps 0 a number of theirs, which is what paddings are.
    for base in (Fraction(0), numbers[0]):
        unit = common_unit([number - base for number in numbers])
        low, high = (int((number - base) / unit) for number in (numbers[0], numbers[-1]))
        if narrowest(low, max(high, 0))[0] <= MAX_PLANES:
            break
    else:
        raise call.unsupported(f"its {what} must be quantized, since its numbers are no small multiples of one: {CURE}")
    levels = np.array([[int((number - base) / unit) for number in row] for row in rows])
    elements = requantized(call, elements, element_type(low, high), levels)
    return replace(elements, scale=call.fraction("scale", unit), offset=call.fraction("offset", base))


def requantized(call: Call, elements: Elements, dtype: DataType, levels: NDArray[np.int64]) -> Elements:
    """Elements of another type, by a rising table.

    Parameters
    ----------
    call : Call
    elements : Elements
    dtype : DataType
    levels : int64 array (channels, levels of the present type)
        The new value of every present one, ascending in each row.
    """
    numbers = _numbers(elements.dtype)
    if elements.dtype == dtype and (levels == numbers).all():
        return elements
    # How many present values lie below those that reach each new one.
    reached = [np.searchsorted(row, _numbers(dtype)[1:], side="left") for row in levels]
    table = np.array(reached).reshape(len(levels), dtype.levels - 1)
    if merged := _merged(elements, dtype, table):
        return merged
    bounds = np.array([-np.inf, *map(float, numbers[1:]), np.inf])[table]
    activation = FloatActivation((), Quantizer(dtype, bounds, np.zeros(dtype.levels - 1, np.bool_)))
    layer = Quantize(f"quantize{call.node.position}", elements.shape, elements.dtype, activation)
    return replace(elements, dtype=dtype, layers=(*elements.layers, layer))


def _merged(elements: Elements, dtype: DataType, table: NDArray[np.int64]) -> Elements | None:
    """The elements with a coarser quantizer where their own is the last thing that was done; None if it is not.

    ``table`` says which bound of the present quantizer each new level takes: 0 is always reached, one more than there
    are is never.
    """
    if len(elements.layers) <= elements.pinned or (table != table[0]).any():
        return None
    places = table[0]
    if not elements.layers:
        if elements.input.thresholds is None:
            return None
        return replace(elements, dtype=dtype, input=elements.input.requantized(dtype, places))
    activation = elements.layers[-1].activation
    if not isinstance(activation, FloatActivation):
        return None
    quantizer = activation.quantizer
    column = np.full((quantizer.neurons, 1), np.inf)
    bounds = np.concatenate([-column, quantizer.bounds, column], axis=1)[:, places]
    strict = np.concatenate([[False], quantizer.strict, [False]])[places]
    layer = elements.layers[-1].with_activation(replace(activation, quantizer=Quantizer(dtype, bounds, strict)))
    return replace(elements, dtype=dtype, layers=(*elements.layers[:-1], layer))
