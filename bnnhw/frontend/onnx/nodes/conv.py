"""Convolutions, and the padding before them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.channels import as_operand, elements_of, factor, streamed, with_elements
from bnnhw.frontend.onnx.exact import common_unit
from bnnhw.frontend.onnx.geometry import window_of
from bnnhw.frontend.onnx.nodes.product import product_steps, whole_weights
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.frontend.onnx.stepped import add_step
from bnnhw.frontend.onnx.streams import as_map, check_planes
from bnnhw.frontend.onnx.values import Constant, Elements, Padded, Product, Value, Weights, layout
from bnnhw.ir import Affine, Conv2d, SumPool
from bnnhw.ir.layers import Dense
from bnnhw.ir.steps import Shift
from bnnhw.ir.types import MAX_PLANES, DataType, narrowest
from bnnhw.ir.window import Window

__all__ = ["map_layout"]

_BIPOLAR = DataType("bipolar", 1)


def map_layout(shape: tuple[int, int, int], rank: int, axes: tuple[int, int]) -> NDArray[np.int32]:
    """The places of a map, or of a signal, behind a window; ``rank`` counts channels, ``axes`` is ``as_map``'s."""
    places = layout(shape)
    if rank == 2:
        return places.reshape(shape[0], shape[2] if axes[0] < 0 else shape[1])
    return places.transpose(0, *axes)


@handles("Pad")
def _pad(call: Call) -> Value:
    """A constant around a map."""
    value = streamed(call, 0, "input")
    call.require("mode", call.attribute("mode", "constant"), "constant")
    if "pads" in call.node.attributes:
        numbers = call.attribute("pads", ())
        number = Fraction(call.attribute("value", 0.0))
    else:
        array = call.take(1, "pads", Constant).array
        if array.dtype.kind != "i" or array.ndim != 1:
            raise call.unsupported("its pads must be a list of integers")
        numbers = tuple(array.tolist())
        number = Fraction(call.scalar(2, "value")) if call.input(2) is not None else Fraction(0)
    if call.input(3) is not None:
        raise call.unsupported(
            "its axes must be left out: export with operator set 17 or before, or pad in the convolution"
        )
    rank = 1 + value.index.ndim
    if len(numbers) != 2 * rank or any(number < 0 for number in numbers) or not 3 <= rank <= 4:
        raise call.unsupported(
            f"its pads must be {2 * rank} numbers of at least 0, for a map, not {str(tuple(numbers))[:60]}"
        )
    before, behind = numbers[:rank], numbers[rank:]
    if any((*before[:2], *behind[:2])):
        raise call.unsupported("its pads must be 0 for batch and channels: pad height and width only")
    return Padded(value, tuple(zip(before[2:], behind[2:], strict=True)), number)


def _padding(call: Call, elements: Elements, value: Fraction) -> tuple[Elements, int]:
    """The code of what a convolution pads with, and elements of a type that has it.

    Elements that can't be the padding's number become integers of which it is the 0: exact, and wider.
    """
    dtype = elements.dtype
    level = (value - elements.offset) / elements.scale
    if level.denominator == 1 and dtype.minimum <= level <= dtype.maximum and (dtype != _BIPOLAR or level):
        return elements, int(dtype.encode(np.array(int(level))))
    unit = common_unit([elements.scale, elements.offset - value])
    multiplier, offset = int(elements.scale / unit), int((elements.offset - value) / unit)
    low, high = sorted(multiplier * end + offset for end in (dtype.minimum, dtype.maximum))
    if narrowest(low, max(high, 0))[0] > MAX_PLANES:
        raise call.unsupported(
            f"it pads with {float(value)!r}, which its {dtype} inputs can't be: pad with one of their values (a Pad "
            "node before it), and train so"
        )
    column = np.ones(elements.neurons, np.int64)
    widen = Affine(f"widen{call.node.position}", elements.shape, dtype, multiplier * column, offset * column)
    what = "lies between the two values of" if dtype == _BIPOLAR and level == 0 else "is no value of"
    note = (
        f"{call.node}: it pads with {float(value)!r}, which {what} its inputs: they become {widen.output.bits}-bit "
        f"numbers, where {dtype.bits} would do; a model trained to pad with one of their values avoids it"
    )
    layers, notes = (*elements.layers, widen), (*elements.notes, note)
    return replace(elements, dtype=widen.output, layers=layers, scale=unit, offset=value, notes=notes), 0


def _weights(call: Call, elements: Elements, rank: int) -> tuple[Weights, bool]:
    """Weights of ``rank`` spatial dimensions, and whether the convolution is depthwise."""
    weights = whole_weights(call, 2 + rank, 0)
    shape = weights.values.shape
    channels, group = elements.neurons, call.attribute("group", 1)
    depthwise = group == channels > 1
    if not depthwise and group != 1:
        raise call.unsupported(
            f"its group must be 1, or for a depthwise convolution the {channels} input channels, not {group}: "
            "train with groups=1, or one group per channel"
        )
    if shape[1] != channels // group or shape[0] % group:
        raise call.unsupported(f"its weights must be for {channels} channels in {group} groups, not of shape {shape}")
    kernel = call.attribute("kernel_shape", ()) or shape[2:]
    if kernel != shape[2:]:
        raise call.unsupported(f"its kernel_shape must be that of its weights, {shape[2:]}, not {kernel!s:.60}")
    return weights, depthwise


def _sum(
    call: Call, elements: Elements, window: Window, weights: Weights, code: int, index: NDArray[np.int32]
) -> Elements | None:
    """The sum of what lies under the window, if that is what a depthwise convolution computes."""
    zero = code == 0 or not window.padded
    if weights.values.shape[0] != window.channels or (weights.values != 1).any() or weights.scale.size > 1 or not zero:
        return None
    pool = SumPool(f"sum{call.node.position}", window, elements.dtype)
    factor = Fraction(float(weights.scale.reshape(())))
    return summed(call, elements, pool, index, factor)


def summed(call: Call, elements: Elements, pool: SumPool, index: NDArray[np.int32], factor: Fraction) -> Elements:
    """The sums of a pool, times a factor: bits are summed as 0 and 1, ``sum = 2 * popcount - area``."""
    area, scale, offset = pool.window.area, elements.scale, elements.offset
    if elements.dtype == _BIPOLAR:
        scale, offset = 2 * scale, offset - scale
    return replace(
        elements,
        dtype=pool.output,
        index=index,
        layers=(*elements.layers, pool),
        scale=call.fraction("scale", scale * factor),
        offset=call.fraction("offset", offset * area * factor),
    )


@handles("Conv")
def _conv(call: Call) -> Value:
    """A convolution of a map or a signal, its weights (outputs, inputs / group, kernel...); one group, or depthwise."""
    value = call.input(0)
    added: tuple[tuple[int, int], ...] = ()
    constant = Fraction(0)
    if isinstance(value, Padded):
        # A Pad of nothing lays no number around the map, whatever its value is.
        constant = value.value if any(map(any, value.sizes)) else constant
        value, added = value.inside, value.sizes
    else:
        value = streamed(call, 0, "first input")
    operand = as_operand(call, value, "first input")
    elements, axes = as_map(call, elements_of(operand), "first input")
    operand = with_elements(operand, elements)
    rank = elements.index.ndim
    weights, depthwise = _weights(call, elements, rank - 1)
    window = window_of(call, elements.shape, axes, weights.values.shape[2:], added)
    if constant and any(call.attribute("pads", ())):
        raise call.unsupported("its pads must be 0 behind a Pad node of another value: pad once")
    area = window.area
    # As the stream's window, height before width.
    values = weights.values if rank == 2 else weights.values.transpose(0, 1, 1 + axes[0], 1 + axes[1])
    index = map_layout((len(values), window.out_height, window.out_width), rank, axes)
    code = 0
    if window.padded and isinstance(operand, Elements):
        operand, code = _padding(call, operand, constant)
    alone = (depthwise or window.channels == len(values) == 1) and call.input(2) is None
    if alone and isinstance(operand, Elements) and (sums := _sum(call, operand, window, weights, code, index)):
        return sums
    # A row runs over kernel y, kernel x, input channel.
    rows = np.moveaxis(values, 1, -1).reshape(len(values), area * (1 if depthwise else window.channels))
    product = factor(call, "first input", operand, rows, constant if window.padded else None, depthwise)
    elements = product.elements
    if window.padded and not isinstance(operand, Elements):
        elements, code = _padding(call, elements, constant)
    check_planes(call, "first input", elements.dtype)
    planes, unit = weight_planes(product.rows)
    dense = Dense(f"conv{call.node.position}", elements.dtype, planes, None)
    conv = Conv2d(window, dense, code, depthwise)
    scale = weights.scale.reshape(len(weights.scale), 1)
    result = add_step(call, Product(elements, conv, index), *product_steps(call, product, scale, unit))
    if call.input(2) is not None:
        bias = call.channels(2, "bias", result.neurons)
        if bias.any():
            result = add_step(call, result, Shift(bias))
    return result
