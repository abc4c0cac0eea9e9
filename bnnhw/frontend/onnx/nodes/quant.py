"""Quantizers: of latent weights, of raw samples, of products."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import QUANT_DOMAINS, Call, handles
from bnnhw.frontend.onnx.levels import (
    ROUNDINGS,
    Bound,
    element_type,
    integer_range,
    padded,
    quant_bounds,
    round_exactly,
)
from bnnhw.frontend.onnx.samples import grouped, parted, quantize_samples
from bnnhw.frontend.onnx.stepped import add_step
from bnnhw.frontend.onnx.streams import affine_steps, as_integers
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Product, Ranked, Samples, Value, Weights
from bnnhw.ir import Quantize
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.steps import Quantizer, Shift
from bnnhw.ir.types import MAX_PLANES, DataType

__all__ = ["Meaning", "quantize"]

BIPOLAR = DataType("bipolar", 1)

MAX_CONSTANT_BITS = 32
MAX_CONSTANT = 1 << 16
"""Quantized constants other than weights are biases, of at most this many values."""

MAX_CHANNELS = 1 << 16
"""Most values of a scale: beyond, rational arithmetic on each is not for a reader."""


def _fractions(array: NDArray[np.float64]) -> list[Fraction]:
    return [Fraction(value) for value in array.ravel().tolist()]


@dataclass(frozen=True)
class Meaning:
    """What an element of value v stands for, ``scale * v + offset``: one pair for all channels, or one for each."""

    scales: Sequence[Fraction]
    offsets: Sequence[Fraction]

    @property
    def pairs(self) -> set[tuple[Fraction, Fraction]]:
        """Those that differ."""
        return set(zip(self.scales, self.offsets, strict=True))


def quantize(
    call: Call,
    value: Samples | Product | Integers,
    dtype: DataType,
    low: int,
    rows: Iterable[tuple[Bound, ...]],
    strict: tuple[bool, ...],
    meaning: Meaning,
) -> Elements | Integers:
    """Elements of raw samples or of a product; ``rows`` has bounds for all neurons together, or for each."""
    table = list(rows)
    if isinstance(value, Samples):
        return quantize_samples(call, value, dtype, low, table, strict, meaning.scales, meaning.offsets)
    (scale, offset), *others = meaning.pairs
    neurons = value.neurons
    floats = [[call.exact("bound", b) if isinstance(b, Fraction) else b for b in row] for row in table]
    filled = [padded(low, row, list(strict), dtype) for row in floats]
    bounds = np.broadcast_to(np.array([row for row, _ in filled]), (neurons, dtype.levels - 1))
    activation = FloatActivation(value.steps, Quantizer(dtype, bounds, np.array(filled[0][1], np.bool_)))
    before = value.elements
    if isinstance(value, Integers):
        layer = Quantize(f"quantize{call.node.position}", before.shape, before.dtype, activation)
    else:
        layer = value.layer.with_activation(activation)
    elements = Elements(dtype, value.index, before.input, (*before.layers, layer), notes=before.notes)
    if others:
        return Integers(elements, affine_steps(call, meaning.scales, meaning.offsets))
    return replace(elements, scale=scale, offset=offset)


def _quantized(call: Call) -> Constant | Samples | Product | Integers:
    """What a quantizer is applied to."""
    value = call.take(0, "input", Constant, Samples, Product, Integers, Elements)
    return as_integers(call, value) if isinstance(value, Elements) else value


def _scales(call: Call, value: Samples | Product | Integers) -> tuple[Samples | Product | Integers, list[Fraction]]:
    """What is quantized, samples in groups of one scale, and the scale: one, or one per channel or group; positive."""
    if isinstance(value, Samples):
        value, (array,) = grouped(call, value, (1, "scale"))
    else:
        array = call.channels(1, "scale", value.neurons, value.index)
    if not (array > 0).all():
        raise call.unsupported("its scale must be positive")
    array = array[:1] if (array == array[0]).all() else array
    return value, _fractions(array)


def _weight_scale(call: Call, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The scale of a quantizer of weights, each dimension 1 or that of the weights; positive."""
    scale = call.constant(1, "scale")
    scale = scale.reshape((1,) * (len(shape) - scale.ndim) + scale.shape) if scale.size > 1 else scale
    scale = scale.reshape((1,) * len(shape)) if scale.size == 1 else scale
    if scale.ndim != len(shape) or any(s not in (1, size) for s, size in zip(scale.shape, shape, strict=True)):
        raise call.unsupported(f"its scale must fit weights of shape {shape}, not {scale.shape}")
    if not (scale > 0).all():
        raise call.unsupported("its scale must be positive")
    if scale.size > MAX_CHANNELS:
        raise call.unsupported(f"its scale must have at most {MAX_CHANNELS} values, not {scale.size}")
    return scale


def _matrix(call: Call, constant: Constant) -> NDArray[np.float64]:
    array = constant.array
    if not 2 <= array.ndim <= 4 or not array.size:
        raise call.unsupported(f"weights must have 2 to 4 dimensions and no size of 0, not shape {array.shape}")
    return array.astype(np.float64)


@handles("BipolarQuant", domains=QUANT_DOMAINS, constants=True, samples=True)
def _bipolar_quant(call: Call) -> Value:
    """-1 below 0, otherwise +1, times a scale."""
    value = _quantized(call)
    if isinstance(value, Constant):
        array = _matrix(call, value)
        return Weights(np.where(array >= 0, 1, -1).astype(np.int16), _weight_scale(call, array.shape))
    value, scales = _scales(call, value)
    zero = Fraction(0)
    return quantize(call, value, BIPOLAR, -1, [(zero,)], (False,), Meaning(scales, [zero] * len(scales)))


@handles("Sign", samples=True)
def _sign(call: Call) -> Value:
    """-1, 0 for 0, +1."""
    value = call.take(0, "input", Samples, Product, Integers, Elements)
    value = as_integers(call, value) if isinstance(value, Elements) else value
    zero = Fraction(0)
    return quantize(call, value, DataType("int", 2), -1, [(zero, zero)], (False, True), Meaning([Fraction(1)], [zero]))


@handles("Quant", "IntQuant", domains=QUANT_DOMAINS, constants=True, samples=True)
def _quant(call: Call) -> Value:
    """Divided by a scale, shifted by a zero point, rounded, clipped to an integer type."""
    value = _quantized(call)
    signed, narrow = call.attribute("signed", 1), call.attribute("narrow", 1)
    call.require("signed", signed, 0, 1)
    call.require("narrow", narrow, 0, 1)
    rounding = call.attribute("rounding_mode", "ROUND").upper()
    call.require("rounding_mode", rounding, *ROUNDINGS)
    bits = call.scalar(3, "bitwidth")
    biases = isinstance(value, Constant) and value.array.ndim < 2
    # At the end of a graph a quantizer may be finer than any in front of a layer.
    most = MAX_CONSTANT_BITS if biases or isinstance(value, Product | Integers) else MAX_PLANES
    least = 2 if narrow and not signed else 1
    if not bits.is_integer() or not least <= bits <= most:
        raise call.unsupported(f"its bitwidth must be a whole number in {least}..{most}, not {bits}")
    zero_point = Fraction(call.scalar(2, "zeropt"))
    low, high = integer_range(int(bits), bool(signed), bool(narrow))
    if isinstance(value, Constant):
        if biases:
            return _quantized_bias(call, value, zero_point, low, high, rounding)
        return _quantized_weights(call, value, zero_point, low, high, rounding)
    value, scales = _scales(call, value)
    if bits > MAX_PLANES:
        assert isinstance(value, Product | Integers)
        return _fine(call, value, (low, high), scales, zero_point, rounding)
    offsets = [-zero_point * scale for scale in scales]
    meaning = Meaning(scales, offsets)
    if signed and bits == 1:
        # QONNX: one signed bit is -1 or +1, by the sign of x / s + z.
        return quantize(call, value, BIPOLAR, -1, [(offset,) for offset in offsets], (False,), meaning)
    bounds = [quant_bounds(low, high, scale, zero_point, rounding) for scale in scales]
    rows = [bound.values for bound in bounds]
    return quantize(call, value, element_type(low, high), low, rows, bounds[0].strict, meaning)


def _fine(
    call: Call,
    value: Product | Integers,
    limits: tuple[int, int],
    scales: Sequence[Fraction],
    zero_point: Fraction,
    rounding: str,
) -> Ranked:
    """A quantizer of more levels than a layer has thresholds for: it is left out at the end of a graph.

    Of a single score the decision stays: what rounds to a number that is not negative is of class 1.
    """
    what = str(call.node)
    refusal = call.unsupported(
        f"its bitwidth must be a whole number in 1..{MAX_PLANES}, not {call.scalar(3, 'bitwidth')}: only at the end of "
        "a graph it may be more"
    )
    if len(scales) > 1:
        raise refusal
    if value.neurons > 1:
        note = (
            f"{call.node}: it is left out: classes that it makes equal are told apart by their scores; end the graph "
            "before it and nothing is left out"
        )
        return Ranked(value, what, notes=(note,), refusal=str(refusal))
    level = math.ceil(zero_point)
    below, strict = ROUNDINGS[rounding](level)
    if strict or not limits[0] < level <= limits[1]:
        raise refusal
    bound = call.exact("bound", (level - below - zero_point) * scales[0])
    return Ranked(add_step(call, value, Shift(np.array([-bound]))), what, refusal=str(refusal), signed=True)


def _quantized_weights(
    call: Call, constant: Constant, zero_point: Fraction, low: int, high: int, rounding: str
) -> Weights:
    """Which bounds each weight reaches, compared with the weight itself: nothing is divided or rounded."""
    array = _matrix(call, constant)
    scale = _weight_scale(call, array.shape)
    if zero_point.denominator != 1 or abs(zero_point) > high - low:
        raise call.unsupported(f"its zeropt must be a whole number of at most {high - low}, not {float(zero_point)!r}")
    if (low, high) in ((-1, 0), (0, 0)):  # one signed bit
        signs = np.where(array >= np.asarray(-float(zero_point) * scale), 1, -1)
        return Weights((signs - int(zero_point)).astype(np.int16), scale)
    values = np.full(array.shape, low - int(zero_point), np.int16)
    for k in range(low + 1, high + 1):
        below, strict = ROUNDINGS[rounding](k)
        # Half a small integer times a float32 is exact in float64.
        bound = np.asarray(float(k - below - zero_point) * scale)
        values += (array > bound) if strict else (array >= bound)
    return Weights(values, scale)


def _quantized_bias(
    call: Call, constant: Constant, zero_point: Fraction, low: int, high: int, rounding: str
) -> Constant:
    array = constant.array.astype(np.float64)
    if array.size > MAX_CONSTANT:
        raise call.unsupported(f"its input must have at most {MAX_CONSTANT} values, not {array.size}")
    scale = call.constant(1, "scale")
    if scale.size != 1 and scale.shape != array.shape:
        raise call.unsupported(f"its scale must have shape {array.shape} or one value, not {scale.shape}")
    if not (scale > 0).all():
        raise call.unsupported("its scale must be positive")
    scales = _fractions(np.broadcast_to(scale.reshape(array.shape if scale.size == array.size else ()), array.shape))
    values = []
    for x, s in zip(_fractions(array), scales, strict=True):
        k = min(max(round_exactly(x / s + zero_point, rounding), low), high)
        values.append(call.exact("output", (k - zero_point) * s))
    return Constant(np.array(values).reshape(array.shape))


@handles("MultiThreshold", domains=QUANT_DOMAINS, infinite=True, samples=True)
def _multi_threshold(call: Call) -> Value:
    """How many thresholds are met, scaled and biased."""
    value = call.take(0, "input", Samples, Product, Integers, Elements)
    value = as_integers(call, value) if isinstance(value, Elements) else value
    array = call.constant(1, "thresholds")
    order = call.attribute("data_layout", "")
    call.require("data_layout", order, "", "NC", "NCW", "NCHW", "NWC", "NHWC")
    axis = value.index.ndim - 1 if order.endswith("WC") else 0
    neurons = value.index.shape[axis] if isinstance(value, Samples) else value.neurons
    if array.ndim != 2 or array.shape[0] not in (1, neurons) or not 1 <= array.shape[1] < 1 << MAX_PLANES:
        raise call.unsupported(
            f"its thresholds must have shape (1 or {neurons}, 1..{(1 << MAX_PLANES) - 1}), not {array.shape}"
        )
    if len(array) > 1 and not isinstance(value, Samples):
        channels = np.moveaxis(value.index % neurons, axis, -1)
        if channels.shape[-1] != neurons or (channels != np.arange(neurons)).any():
            raise call.unsupported(f"its thresholds must be one row per channel ({neurons})")
    scale = Fraction(call.attribute("out_scale", 1.0))
    bias = Fraction(call.attribute("out_bias", 0.0))
    if scale <= 0:
        raise call.unsupported(f"its out_scale must be positive, not {float(scale)!r}")
    array = np.sort(array, axis=1)
    if isinstance(value, Samples) and len(array) > 1:
        distinct, rows_of = np.unique(array, axis=0, return_inverse=True)
        shape = [neurons if place == axis else 1 for place in range(value.index.ndim)]
        value, (numbers,) = parted(call, value, np.broadcast_to(rows_of.reshape(shape), value.index.shape))
        array = distinct[numbers]
    rows = [tuple(t if np.isinf(t) else Fraction(t) for t in row) for row in array.tolist()]
    number = array.shape[1]
    strict = (False,) * number
    if number == 1 and bias * 2 == -scale:
        return quantize(call, value, BIPOLAR, -1, rows, strict, Meaning([scale / 2], [Fraction(0)]))
    # A bias of whole scales makes a signed type; what is left of it stays with the number.
    low = bias / scale
    start = int(low) if low.denominator == 1 and -(1 << (MAX_PLANES - 1)) <= low < 0 else 0
    if start and start + number >= 1 << (MAX_PLANES - 1):
        start = 0
    dtype = element_type(start, start + number)
    return quantize(call, value, dtype, start, rows, strict, Meaning([scale], [bias - start * scale]))
