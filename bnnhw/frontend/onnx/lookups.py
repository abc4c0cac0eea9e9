"""Truth tables: numbers picked for each neuron, their weighted sum as an address, and what a constant holds there.

Nothing else need be known of the sum than that it is a whole number that the constant has a place for, whatever the
elements are: it is computed for every value of theirs, exactly.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import common_unit
from bnnhw.frontend.onnx.levels import element_type
from bnnhw.frontend.onnx.numbered import sums
from bnnhw.frontend.onnx.values import Addressed, Constant, Elements, Numbered
from bnnhw.ir.layers.lookup import MAX_ADDRESS, Lookup
from bnnhw.ir.layers.lookup_conv import LookupConv
from bnnhw.ir.types import MAX_PLANES, DataType, narrowest

__all__ = ["looked_up", "picked", "shifted", "summed", "whole"]

MAX_ENTRIES = 1 << 24
"""Most entries of all tables of a layer: what float32 can tell apart."""


def _indices(call: Call, array: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Indices of a dimension, which may count from its end."""
    if array.dtype.kind not in "iu" or (array < -size).any() or (array >= size).any():
        raise call.unsupported(f"its indices must be integers in {-size}..{size - 1}")
    indices = array.astype(np.int64)
    return np.where(indices < 0, indices + size, indices)


def picked(call: Call) -> Addressed:
    """The elements that each neuron reads."""
    elements = call.take(0, "input", Elements)
    array = call.take(1, "indices", Constant).array
    frame = elements.index.shape
    if len(frame) != 1:
        raise call.unsupported(f"its input must be flattened, not of shape {frame}: put a Flatten before it")
    axis = call.attribute("axis", 0)
    call.require("axis", axis, 1, -1)
    if array.ndim != 2 or 0 in array.shape:
        raise call.unsupported(
            f"its indices must be (neurons, inputs of each) for tables behind it, not of shape {array.shape}"
        )
    return Addressed(elements, elements.index[_indices(call, array, len(elements.index))])


def summed(call: Call, given: Addressed) -> Addressed:
    """What is read times a constant: the address, or a part of it."""
    factors = call.constant(1, "second input")
    fan_in = given.places.shape[1]
    if given.factors is not None or factors.shape != (fan_in,):
        raise call.unsupported(
            f"its second input must be one factor for each of the {fan_in} elements that a table reads, not of shape "
            f"{factors.shape}"
        )
    return replace(given, factors=tuple(map(Fraction, factors.tolist())))


def _address(call: Call, given: Addressed) -> tuple[Fraction, ...]:
    if given.factors is None:
        raise call.unsupported("its input must be summed to an address before: multiply it with a factor per element")
    return given.factors


def shifted(call: Call) -> Addressed:
    """An address and a constant."""
    call.require("operator", call.node.kind, "Add")
    place = 0 if isinstance(call.input(0), Constant) else 1
    given = call.take(1 - place, "input", Addressed)
    _address(call, given)
    array = call.constant(place, "other input")
    neurons = len(given.places)
    if array.size not in (1, neurons) or array.ndim > 2 or (array.size > 1 and array.shape[-1] != neurons):
        raise call.unsupported(
            f"its other input must be a single value or one per neuron ({neurons}), not {array.shape}"
        )
    more = np.broadcast_to(array.ravel(), neurons).tolist()
    before = given.starts or (Fraction(0),) * neurons
    return replace(given, starts=tuple(a + Fraction(b) for a, b in zip(before, more, strict=True)))


def whole(call: Call, given: Addressed) -> Addressed:
    """An address as an integer, which it is already."""
    _address(call, given)
    return given


def looked_up(call: Call) -> Elements:
    """What a constant holds at an address: the elements of a layer of tables."""
    data = call.take(0, "input", Constant).array.astype(np.float64)
    given = call.take(1, "indices", Addressed, Numbered)
    call.require("axis", call.attribute("axis", 0), 0)
    if data.ndim != 1:
        raise call.unsupported(f"its input must be a list of numbers, all tables one after another, not {data.shape}")
    given = _numbered(call, given) if isinstance(given, Addressed) else given
    elements, places = given.elements, given.numbers
    if places.size > MAX_ENTRIES:
        raise call.unsupported(f"its tables must have at most {MAX_ENTRIES} entries in all")
    if places.min() < 0 or places.max() >= len(data):
        raise call.unsupported(
            f"its indices must be in 0..{len(data) - 1} for all values of the elements, not {places.min()}.."
            f"{places.max()}"
        )
    found, numbers = np.unique(data[places], return_inverse=True)
    dtype, codes, scale, offset = _typed(call, [Fraction(number) for number in found.tolist()])
    window = given.window
    inputs = math.prod(elements.shape) if window is None else window.area * window.channels
    table = codes[numbers.reshape(places.shape)]
    layer = Lookup(f"lookup{call.node.position}", inputs, elements.dtype, given.sources, table, dtype)
    last = layer if window is None else LookupConv(window, layer, given.padding_code)
    return replace(
        elements,
        dtype=dtype,
        index=given.index,
        layers=(*elements.layers, last),
        scale=call.fraction("scale", scale),
        offset=call.fraction("offset", offset),
    )


def _numbered(call: Call, given: Addressed) -> Numbered:
    """The addresses of picked elements, each for every value of these."""
    elements, neurons = given.elements, len(given.places)
    bits = elements.dtype.bits * given.places.shape[1]
    if bits > MAX_ADDRESS:
        raise call.unsupported(
            f"a table must read at most {MAX_ADDRESS} bits, not {bits}: {given.places.shape[1]} elements of "
            f"{elements.dtype}"
        )
    factors = _address(call, given)
    row = np.array([factor * elements.scale for factor in factors], object)
    constant = sum(factors, Fraction(0)) * elements.offset
    starts = [start + constant for start in given.starts or (Fraction(0),) * neurons]
    numbers = sums(elements.dtype, np.tile(row, (neurons, 1)), starts)
    if numbers is None:
        raise call.unsupported("its indices must be whole numbers for all values of the elements: use factors that are")
    return Numbered(None, elements, np.arange(neurons, dtype=np.int32), None, 0, given.places, numbers)


def _typed(call: Call, numbers: list[Fraction]) -> tuple[DataType, NDArray[np.uint8], Fraction, Fraction]:
    """A type for ascending numbers, their codes, and what a value of the type stands for: scale and offset."""
    low, high = numbers[0], numbers[-1]
    if numbers != [Fraction(0), Fraction(1)] and len(numbers) <= 2:
        scale = (high - low) / 2 or Fraction(1)
        codes = np.array([1] if len(numbers) == 1 else [0, 1], np.uint8)
        return DataType("bipolar", 1), codes, scale, high - scale
    for base in (Fraction(0), low):
        unit = common_unit([number - base for number in numbers])
        steps = [int((number - base) / unit) for number in numbers]
        if narrowest(steps[0], max(steps[-1], 0))[0] <= MAX_PLANES:
            dtype = element_type(steps[0], steps[-1])
            return dtype, dtype.encode(np.array(steps)).astype(np.uint8), unit, base
    raise call.unsupported(
        f"its tables must hold at most {1 << MAX_PLANES} numbers, small multiples of one: round them in the model"
    )
