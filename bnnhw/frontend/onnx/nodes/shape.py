"""Operators that move or copy numbers, and arithmetic on shapes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.values import (
    Constant,
    Dimensions,
    Elements,
    Integers,
    Product,
    Samples,
    Value,
    Weights,
    laid_out,
)

__all__: list[str] = []

MAX_RANK = 8

FLOATS = {1: np.float32, 11: np.float64}
NUMBERS = {**FLOATS, 6: np.int32, 7: np.int64}
"""Types of ONNX's TensorProto -> NumPy's."""


_Laid: TypeAlias = Samples | Elements | Product | Integers
"""What has a layout."""


def _reshaped(value: _Laid, shape: tuple[int, ...]) -> _Laid:
    return laid_out(value, value.index.reshape(shape))


@handles("Transpose")
def _transpose(call: Call) -> Value:
    """A matrix of weights or constants turned over; dimensions of samples or elements behind the batch."""
    value = call.take(0, "input", Constant, Weights, Samples, Elements, Product, Integers)
    if isinstance(value, Constant | Weights):
        rank = value.array.ndim if isinstance(value, Constant) else value.values.ndim
        if rank != 2:
            raise call.unsupported(f"its input must have 2 dimensions, not {rank}")
        call.require("perm", call.attribute("perm", (1, 0)), (1, 0))
        if isinstance(value, Weights):
            return Weights(value.values.T, value.scale.T)
        return Constant(value.array.T)
    rank = 1 + len(value.index.shape)
    perm = call.attribute("perm", tuple(reversed(range(rank))))
    if sorted(perm) != list(range(rank)) or perm[0] != 0:
        raise call.unsupported(f"its perm must keep the batch first and be of {rank} dimensions, not {str(perm)[:60]}")
    return laid_out(value, value.index.transpose([axis - 1 for axis in perm[1:]]))


@handles("Flatten")
def _flatten(call: Call) -> Value:
    """To (batch, elements)."""
    call.require("axis", call.attribute("axis", 1), 1)
    value = call.take(0, "input", Samples, Elements, Product, Integers)
    return _reshaped(value, (math.prod(value.index.shape),))


def _target(call: Call) -> list[int | None]:
    """What a Reshape asks for; None stands for the batch."""
    value = call.take(1, "shape", Constant, Dimensions)
    if isinstance(value, Dimensions):
        return list(value.sizes)
    if value.array.ndim != 1 or value.array.dtype.kind != "i" or len(value.array) > MAX_RANK:
        raise call.unsupported(f"its shape must be a list of at most {MAX_RANK} integers")
    return value.array.tolist()


@handles("Reshape")
def _reshape(call: Call) -> Value:
    """Behind the batch."""
    value = call.take(0, "input", Constant, Samples, Elements, Product, Integers)
    call.require("allowzero", call.attribute("allowzero", 0), 0)
    target = _target(call)
    if isinstance(value, Constant):
        if None in target or target.count(-1) > 1 or any(size is not None and size < -1 for size in target):
            raise call.unsupported(f"its shape must be of a constant, not {target}")
        try:
            return Constant(value.array.reshape([size for size in target if size is not None]))
        except ValueError:
            raise call.unsupported(f"its shape must have {value.array.size} elements, not {target}") from None
    shape = value.index.shape
    size = math.prod(shape)
    inner = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(target[1:])]
    known = math.prod(n for n in inner if n is not None and n > 0)
    if inner.count(-1) == 1 and target[0] != -1 and known and size % known == 0:
        inner[inner.index(-1)] = size // known
    # The batch may be asked for as it is (None, 0), as 1, which is what graphs are exported with, or as the rest.
    sizes = tuple(n for n in inner if n is not None and n > 0)
    if not target or target[0] not in (None, -1, 0, 1) or len(sizes) != len(inner) or math.prod(sizes) != size:
        shown = ["batch" if n is None else n for n in target]
        raise call.unsupported(f"its shape must be (batch, ...) with {size} elements per frame, not {str(shown)[:60]}")
    return _reshaped(value, sizes)


def _axes(call: Call) -> tuple[int, ...]:
    """The axes of Squeeze and Unsqueeze: an attribute before opset 13, an input since."""
    if call.input(1) is not None:
        array = call.take(1, "axes", Constant).array
        if array.dtype.kind != "i" or array.size > MAX_RANK:
            raise call.unsupported(f"its axes must be at most {MAX_RANK} integers")
        return tuple(array.ravel().tolist())
    axes = call.attribute("axes", ())
    if not axes:
        raise call.unsupported("its axes must be given")
    return axes


@handles("Squeeze", "Unsqueeze")
def _squeeze(call: Call) -> Value:
    """Dimensions of 1, behind the batch; a number becomes a list, or the other way round."""
    value = call.take(0, "input", Constant, Dimensions, Samples, Elements, Product, Integers)
    axes, adds = _axes(call), call.node.kind == "Unsqueeze"
    if isinstance(value, Dimensions):
        if axes not in ((0,), (-1,)) or value.scalar != adds or len(value.sizes) != 1:
            raise call.unsupported("of a shape, one number can be made a list, or a list of one a number")
        return replace(value, scalar=not adds)
    array = value.array if isinstance(value, Constant) else value.index[None]
    try:
        result = np.expand_dims(array, axes) if adds else np.squeeze(array, axes)
    except ValueError:
        raise call.unsupported(f"its axes must fit {array.ndim} dimensions, not {str(axes)[:60]}") from None
    if result.ndim > MAX_RANK:
        raise call.unsupported(f"its output must have at most {MAX_RANK} dimensions")
    if isinstance(value, Constant):
        return Constant(result)
    if any(axis % max(array.ndim, result.ndim) == 0 for axis in axes):
        raise call.unsupported("its axes must not be the batch")
    return laid_out(value, result[0])


@handles("Shape")
def _shape_of(call: Call) -> Value:
    """The shape of a tensor, its first dimension the batch."""
    value = call.take(0, "input", Samples, Elements, Product, Integers)
    for name in ("start", "end"):
        if name in call.node.attributes:
            raise call.unsupported(f"its {name} must be left out")
    return Dimensions((None, *value.index.shape))


@handles("Gather")
def _gather(call: Call) -> Value:
    """One number of a shape."""
    sizes = call.take(0, "input", Dimensions).sizes
    call.require("axis", call.attribute("axis", 0), 0)
    indices = call.take(1, "index", Constant).array
    if indices.dtype.kind != "i" or indices.size != 1:
        raise call.unsupported("its index must be a single integer")
    index = int(indices.reshape(()))
    if not -len(sizes) <= index < len(sizes):
        raise call.unsupported(f"its index must be in {-len(sizes)}..{len(sizes) - 1}, not {index}")
    return Dimensions((sizes[index],), scalar=indices.ndim == 0)


@handles("Concat")
def _concat(call: Call) -> Value:
    """Shapes and integers into one shape."""
    call.require("axis", call.attribute("axis", 0), 0, -1)
    sizes: list[int | None] = []
    for index in range(len(call.inputs)):
        value = call.take(index, "input", Dimensions, Constant)
        if isinstance(value, Dimensions):
            if value.scalar:
                raise call.unsupported("its inputs must be lists")
            sizes += value.sizes
        elif value.array.ndim != 1 or value.array.dtype.kind != "i" or value.array.size > MAX_RANK:
            raise call.unsupported(f"its inputs must be lists of at most {MAX_RANK} integers")
        else:
            sizes += value.array.tolist()
        if len(sizes) > MAX_RANK:
            raise call.unsupported(f"its output must have at most {MAX_RANK} numbers")
    return Dimensions(tuple(sizes))


@handles("Cast")
def _cast(call: Call) -> Value:
    """Constants to a number type that holds them; everything else to a floating-point type."""
    value = call.take(0, "input", Constant, Dimensions, Samples, Elements, Weights, Product, Integers)
    target = call.attribute("to", 0)
    if isinstance(value, Dimensions):
        call.require("type", target, 6, 7)
        return value
    if not isinstance(value, Constant):
        call.require("type", target, *FLOATS)
        return value
    call.require("type", target, *NUMBERS)
    with np.errstate(all="ignore"):
        result: NDArray[Any] = value.array.astype(NUMBERS[target])
        if not np.isfinite(result).all() or (result.dtype.kind == "i" and (result != value.array).any()):
            raise call.unsupported("its input must fit its type")
    return Constant(result)


@handles("Identity", "Dropout")
def _identity(call: Call) -> Value:
    """Its input, as in inference."""
    return call.take(0, "input", Constant, Dimensions, Samples, Elements, Weights, Product, Integers)


@handles("Constant")
def _constant(call: Call) -> Value:
    """A tensor, or a single number."""
    value = call.node.attributes.get("value")
    if isinstance(value, np.ndarray) and np.isfinite(value).all():
        return Constant(value)
    number = call.node.attributes.get("value_float")
    if isinstance(number, float) and np.isfinite(number):
        return Constant(np.array(number, np.float32))
    whole = call.node.attributes.get("value_int")
    if isinstance(whole, int):
        return Constant(np.array(whole, np.int64))
    raise call.unsupported("its value must be a finite tensor or number")
