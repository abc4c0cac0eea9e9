"""Operators that move or copy numbers, and the shapes that they ask for."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.lookups import whole
from bnnhw.frontend.onnx.numbered import numbered
from bnnhw.frontend.onnx.streams import entering
from bnnhw.frontend.onnx.tensors import FLOATING, INTEGERS, type_word
from bnnhw.frontend.onnx.values import (
    FRAMES,
    Addressed,
    Constant,
    Dimensions,
    Elements,
    Integers,
    Numbered,
    Product,
    Samples,
    Value,
    Weights,
    laid_out,
)
from bnnhw.ir.layers.lookup import MAX_ADDRESS

__all__: list[str] = []

MAX_RANK = 8

_Laid: TypeAlias = Samples | Elements | Product | Integers
"""What has a layout."""

_LAID = (Samples, Elements, Product, Integers)

_INDICES = (TensorProto.INT32, TensorProto.INT64)
"""Types of a Gather's indices."""

_NUMBERS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
"""Attributes of a Constant that are no tensor, and their type."""


def _reshaped(value: _Laid, shape: tuple[int, ...]) -> _Laid:
    result = laid_out(value, value.index.reshape(shape))
    if isinstance(result, Elements) and not result.layers and value.index.ndim == 1 and len(shape) == 3:
        # A list of the input's elements becomes a map.
        return entering(result)
    return result


def _kept(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """An array cut to one place along every dimension along which it is constant."""
    for axis in range(array.ndim):
        first = array.take([0], axis)
        array = first if (array == first).all() else array
    return array


def _weights_of_shape(call: Call, weights: Weights, shape: tuple[int, ...]) -> Weights:
    """The same weights in another shape, in the same order."""
    if len(shape) > MAX_RANK:
        raise call.unsupported(f"its output must have at most {MAX_RANK} dimensions")
    try:
        values = weights.values.reshape(shape)
    except ValueError:
        raise call.unsupported(f"its shape must have {weights.values.size} elements, not {shape}") from None
    if weights.scale.size == 1:
        return Weights(values, weights.scale.reshape((1,) * values.ndim))
    return Weights(values, _kept(np.broadcast_to(weights.scale, weights.values.shape).reshape(values.shape)))


@handles("Transpose", weights=True, samples=True)
def _transpose(call: Call) -> Value:
    """Weights turned over; dimensions of samples or elements behind the batch."""
    value = call.take(0, "input", *_LAID, Weights)
    rank = value.values.ndim if isinstance(value, Weights) else 1 + value.index.ndim
    perm = call.attribute("perm", tuple(reversed(range(rank))))
    if sorted(perm) != list(range(rank)):
        raise call.unsupported(f"its perm must name {rank} dimensions, not {str(perm)[:60]}")
    if isinstance(value, Weights):
        return Weights(value.values.transpose(perm), value.scale.transpose(perm))
    if perm[0] != 0:
        raise call.unsupported(f"its perm must keep the batch first, not {str(perm)[:60]}")
    return laid_out(value, value.index.transpose([axis - 1 for axis in perm[1:]]))


@handles("Flatten", weights=True, samples=True)
def _flatten(call: Call) -> Value:
    """To two dimensions, for a tensor the batch and its elements."""
    value = call.take(0, "input", *_LAID, Weights)
    shape = value.values.shape if isinstance(value, Weights) else (1, *value.index.shape)
    axis = call.attribute("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise call.unsupported(f"its axis must be in {-len(shape)}..{len(shape)}, not {axis}")
    axis += len(shape) if axis < 0 else 0
    if isinstance(value, Weights):
        return _weights_of_shape(call, value, (math.prod(shape[:axis]), math.prod(shape[axis:])))
    # An axis of 0 is one frame's, which is what graphs are exported with.
    if math.prod(shape[:axis]) != 1:
        raise call.unsupported(
            f"its axis must leave the batch alone, not join it with dimensions of {shape[1:axis]}: flatten from axis 1"
        )
    return _reshaped(value, (value.index.size,))


def _target(call: Call) -> list[int | None]:
    """What a Reshape asks for; None stands for the batch."""
    value = call.take(1, "shape", Constant, Dimensions)
    if isinstance(value, Dimensions):
        sizes = value.sizes
        if sizes is None or len(sizes) > MAX_RANK:
            shown = " or ".join(str(array.tolist())[:60] for array in value.arrays)
            raise call.unsupported(
                f"its shape must leave the batch alone, not be {shown} for {FRAMES[0]} or {FRAMES[1]} frames: reshape "
                "behind the batch only"
            )
        return list(sizes)
    if value.array.ndim != 1 or value.array.dtype.kind != "i" or len(value.array) > MAX_RANK:
        raise call.unsupported(f"its shape must be a list of at most {MAX_RANK} integers")
    return value.array.tolist()


@handles("Reshape", weights=True, samples=True)
def _reshape(call: Call) -> Value:
    """Weights; everything else behind the batch."""
    value = call.take(0, "input", *_LAID, Weights)
    target = _target(call)
    shape = value.values.shape if isinstance(value, Weights) else value.index.shape
    size = math.prod(shape)
    keep = call.attribute("allowzero", 0)
    call.require("allowzero", keep, 0, 1)
    if keep and 0 in target:
        raise call.unsupported(f"its shape must have no dimension of 0 elements, not {target} with allowzero")
    if isinstance(value, Weights):
        sizes = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(target)]
        if sizes.count(-1) > 1 or any(n is None or n < -1 for n in sizes):
            raise call.unsupported(f"its shape must be of {size} weights, not {target}")
        return _weights_of_shape(call, value, tuple(n for n in sizes if n is not None))
    inner = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(target[1:])]
    known = math.prod(n for n in inner if n is not None and n > 0)
    if inner.count(-1) == 1 and target[0] != -1 and known and size % known == 0:
        inner[inner.index(-1)] = size // known
    # The batch may be asked for as it is (None, 0), as 1, which is what graphs are exported with, or as the rest.
    sizes = [n for n in inner if n is not None and n > 0]
    if not target or target[0] not in (None, -1, 0, 1) or len(sizes) != len(inner) or math.prod(sizes) != size:
        shown = ["batch" if n is None else n for n in target]
        raise call.unsupported(
            f"its shape must be (batch, ...) with {size} elements per frame, not {str(shown)[:60]}: reshape behind the "
            "batch only"
        )
    return _reshaped(value, tuple(sizes))


def _axes(call: Call) -> tuple[int, ...]:
    """The axes of Squeeze and Unsqueeze: an attribute before opset 13, an input since."""
    if call.input(1) is not None:
        array = call.take(1, "axes", Constant).array
        if array.dtype.kind != "i" or array.size > MAX_RANK:
            raise call.unsupported(f"its axes must be at most {MAX_RANK} integers")
        return tuple(array.ravel().tolist())
    axes = call.attribute("axes", ())
    if not axes:
        raise call.unsupported("its axes must be given: name the dimension in the model, as in x.squeeze(-1)")
    return axes


@handles("Squeeze", "Unsqueeze", weights=True, samples=True)
def _squeeze(call: Call) -> Value:
    """Dimensions of 1, of weights, or behind the batch."""
    value = call.take(0, "input", *_LAID, Weights)
    axes, adds = _axes(call), call.node.kind == "Unsqueeze"
    array = value.values if isinstance(value, Weights) else value.index[None]
    try:
        result = np.expand_dims(array, axes) if adds else np.squeeze(array, axes)
    except (ValueError, OverflowError):
        raise call.unsupported(f"its axes must fit {array.ndim} dimensions, not {str(axes)[:60]}") from None
    if result.ndim > MAX_RANK:
        raise call.unsupported(f"its output must have at most {MAX_RANK} dimensions")
    if isinstance(value, Weights):
        return _weights_of_shape(call, value, result.shape)
    if any(axis % max(array.ndim, result.ndim) == 0 for axis in axes):
        raise call.unsupported("its axes must not be the batch: keep the batch as the first dimension up to the output")
    return laid_out(value, np.asarray(result[0]))


@handles("Shape", "Size", samples=True)
def _shape_of(call: Call) -> Value:
    """The shape of a tensor, its first dimension the batch, or how many numbers it has."""
    value = call.take(0, "input", *_LAID)
    shapes = [np.array((frames, *value.index.shape), np.int64) for frames in FRAMES]
    if call.node.kind == "Size":
        shapes = [np.array(math.prod(shape.tolist()), np.int64) for shape in shapes]
        return Dimensions((shapes[0], shapes[1]))
    start = call.attribute("start", 0)
    end = call.attribute("end", len(shapes[0]))
    parts = [shape[start:end] for shape in shapes]
    if np.array_equal(parts[0], parts[1]):
        return Constant(parts[0])
    return Dimensions((parts[0], parts[1]))


@handles("Cast", weights=True, samples=True)
def _cast(call: Call) -> Value:
    """The same numbers, which a floating-point type holds; as an integer the address of a table, which is whole."""
    first, target = call.input(0), call.attribute("to", 0)
    if isinstance(first, Addressed) and target in INTEGERS:
        return whole(call, first)
    if isinstance(first, Numbered) and target in FLOATING and first.origin is not None:
        return first.origin
    value = call.take(0, "input", *_LAID, Weights)
    if target in FLOATING:
        return value
    given = type_word(target)
    if target in _INDICES and isinstance(value, Elements | Product | Integers):
        if found := numbered(call, value):
            return found
        given = f"{given}, as only the address of a table may be, a whole sum of at most {MAX_ADDRESS} bits"
    words = " or ".join(map(type_word, FLOATING))
    raise call.unsupported(f"its type must be {words}, not {given}: round with a quantizer (Quant, QuantizeLinear)")


@handles("Identity", "Dropout", constants=True, weights=True, infinite=True, samples=True)
def _identity(call: Call) -> Value:
    """Its input, as in inference."""
    if call.node.kind == "Dropout" and call.input(2) is not None and call.scalar(2, "training_mode"):
        raise call.unsupported("its training_mode must be false: export the model in inference, model.eval()")
    return call.take(0, "input", Constant, Dimensions, *_LAID, Weights)


@handles("Constant", constants=True)
def _constant(call: Call) -> Value:
    """A tensor, or numbers."""
    attributes = call.node.attributes
    value = attributes.get("value")
    if isinstance(value, np.ndarray):
        return Constant(value)
    for name, dtype in _NUMBERS.items():
        if isinstance(attributes.get(name), int | float | tuple):
            return Constant(np.array(attributes[name], dtype))
    raise call.unsupported("its value must be a tensor of numbers, or numbers")
