"""Pools: the greatest, and the average."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.geometry import window_of
from bnnhw.frontend.onnx.nodes.conv import map_layout, summed
from bnnhw.frontend.onnx.nodes.shape import MAX_RANK
from bnnhw.frontend.onnx.streams import affine_steps, as_integers, as_map
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Product, Streamed, Value
from bnnhw.ir import MaxPool, SumPool
from bnnhw.ir.bends import bend
from bnnhw.ir.steps import falling
from bnnhw.ir.window import Window

__all__: list[str] = []


def _taken(call: Call) -> Elements | Integers:
    value = call.take(0, "input", Elements, Product, Integers)
    return as_integers(call, value) if isinstance(value, Product) else value


def _window(
    call: Call, value: Elements | Integers, whole: bool, ceil_mode: bool = False
) -> tuple[Elements, Window, tuple[int, int]]:
    """The map, and the node's window on it, or the one that covers it."""
    elements = value if isinstance(value, Elements) else value.elements
    elements, axes = as_map(call, elements, "input", fixed=isinstance(value, Integers) and bool(value.steps))
    if whole:
        channels, height, width = elements.shape
        return elements, Window(channels, height, width, (height, width)), axes
    kernel = call.attribute("kernel_shape", ())
    if len(kernel) != elements.index.ndim - 1 or any(size < 1 for size in kernel):
        raise call.unsupported(f"its kernel_shape must be {elements.index.ndim - 1} sizes, not {kernel!s:.60}")
    return elements, window_of(call, elements.shape, axes, kernel, ceil_mode=ceil_mode), axes


def _flag(call: Call, name: str, default: int) -> bool:
    value = call.attribute(name, default)
    call.require(name, value, 0, 1)
    return bool(value)


@handles("MaxPool", "GlobalMaxPool")
def _max_pool(call: Call) -> Value:
    """A pool of elements, or of what a monotone chain of steps makes of integers: the steps move behind the pool."""
    value = _taken(call)
    ceil_mode = _flag(call, "ceil_mode", 0)
    call.require("storage_order", call.attribute("storage_order", 0), 0)
    elements, window, axes = _window(call, value, call.node.kind == "GlobalMaxPool", ceil_mode)
    if isinstance(value, Elements):
        minimum = np.full(window.channels, value.scale < 0)
    else:
        minimum = falling(value.steps, window.channels)
    pool = MaxPool(f"pool{call.node.position}", window, elements.dtype, minimum)
    pooled = replace(
        elements,
        index=map_layout(pool.shape_out, elements.index.ndim, axes),
        layers=(*elements.layers, pool),
    )
    return pooled if isinstance(value, Elements) else replace(value, elements=pooled)


def _average(call: Call, value: Streamed, whole: bool) -> Elements | Integers:
    value = as_integers(call, value) if isinstance(value, Product) else value
    ceil_mode = not whole and _flag(call, "ceil_mode", 0)
    if ceil_mode:
        raise call.unsupported("its ceil_mode must be 0, not 1: train with ceil_mode=False")
    elements, window, axes = _window(call, value, whole)
    if window.padded:
        if not _flag(call, "count_include_pad", 0):
            raise call.unsupported(
                "its count_include_pad must be 1 where it pads: train with count_include_pad=True or without padding"
            )
        # A sum pads with codes of 0.
        low = elements.scale * (-1 if elements.dtype.kind == "bipolar" else 0) + elements.offset
        if isinstance(value, Integers) or low:
            raise call.unsupported("its pads must be 0, since its inputs have no 0: train without padding")
    pool = SumPool(f"sum{call.node.position}", window, elements.dtype)
    index = map_layout(pool.shape_out, elements.index.ndim, axes)
    sums = summed(call, elements, pool, index, Fraction(1, window.area))
    if isinstance(value, Elements):
        return sums
    if bent := bend(value.steps):
        raise call.unsupported(f"its input must not be an average of a {bent}: quantize the {bent}'s output")
    # An affine chain of an average is the average of the chain.
    plain = replace(sums, scale=Fraction(1), offset=Fraction(0))
    channels = window.channels
    return Integers(plain, (*affine_steps(call, [sums.scale] * channels, [sums.offset] * channels), *value.steps))


@handles("AveragePool", "GlobalAveragePool")
def _average_pool(call: Call) -> Value:
    """The sum under the window; the division is a factor of what follows."""
    value = call.take(0, "input", Elements, Product, Integers)
    return _average(call, value, call.node.kind == "GlobalAveragePool")


@handles("ReduceMean")
def _reduce_mean(call: Call) -> Value:
    """Over all positions of a map."""
    value = call.take(0, "input", Elements, Product, Integers)
    if call.input(1) is not None:
        array = call.take(1, "axes", Constant).array
        if array.dtype.kind != "i" or array.size > MAX_RANK:
            raise call.unsupported(f"its axes must be at most {MAX_RANK} integers")
        axes = tuple(array.ravel().tolist())
    else:
        axes = call.attribute("axes", ())
    rank = 1 + value.index.ndim
    wanted = list(range(2, rank))
    if sorted(axis + rank if axis < 0 else axis for axis in axes) != wanted:
        raise call.unsupported(f"its axes must be those of the positions, {wanted}, not {list(axes)!s:.60}")
    keep = _flag(call, "keepdims", 1)
    result = _average(call, value, True)
    if keep:
        return result
    elements = result if isinstance(result, Elements) else result.elements
    elements = replace(elements, index=elements.index.ravel())
    return elements if isinstance(result, Elements) else replace(result, elements=elements)
