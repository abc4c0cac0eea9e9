"""Truncations: the upper bits of an integer, as Brevitas leaves them behind an average pool.

With ``q = round(x / s + z)``, an integer already if x is a sum of quantized numbers, a truncation by t bits gives
``k = round(q / 2**t)`` by its rounding mode, and stands for ``(k - z') * s'``. It is monotone: k is at least K iff q
reaches the bound of K in a quantizer of scale ``2**t``, and so x the bound of the least such integer. QONNX's version 1
has ``t`` from two bit widths and clips nothing, ``z' = z`` and ``s' = s``; version 2 has a scale for its output,
``2**t = s' / s`` rounded to a power of two, ``z' = z / 2**t``, and clips to its output's bits.

Source: qonnx.custom_op.general.trunc.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, log2

import numpy as np

from bnnhw.frontend.onnx.call import QUANT_DOMAINS, Call, handles
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.levels import ROUNDINGS, element_type, integer_range, round_exactly
from bnnhw.frontend.onnx.nodes.conv import map_layout, summed
from bnnhw.frontend.onnx.nodes.quant import Meaning, quantize
from bnnhw.frontend.onnx.streams import as_integers, as_map
from bnnhw.frontend.onnx.values import Elements, Integers, Product, Value
from bnnhw.ir import SumPool
from bnnhw.ir.steps import apply
from bnnhw.ir.types import MAX_PLANES
from bnnhw.ir.window import Window

__all__: list[str] = []

MAX_BITS = 32
MAX_SIZE = 1 << 10

SLACK = Fraction(1, 1 << 40)
"""More than float64 is off, of a number's size, after any chain of steps that is read."""


def _bits(call: Call, index: int, what: str, most: int) -> int:
    bits = call.scalar(index, what)
    if not bits.is_integer() or not 1 <= bits <= most:
        raise call.unsupported(f"its {what} must be a whole number in 1..{most}, not {bits}")
    return int(bits)


def _scale(call: Call, index: int, what: str) -> Fraction:
    scale = Fraction(call.scalar(index, what))
    if scale <= 0:
        raise call.unsupported(f"its {what} must be positive, not {float(scale)!r}")
    return scale


def _reach(call: Call, value: Product | Integers) -> tuple[Fraction, Fraction]:
    """Between which numbers the input lies."""
    integers = as_integers(call, value)
    ends = (integers.elements.dtype.minimum, integers.elements.dtype.maximum)
    affine = exact_affine(integers.steps, integers.neurons)
    if affine is not None:
        found = [slope * end + offset for slope, offset in zip(*affine, strict=True) for end in ends]
        return min(found), max(found)
    y = apply(integers.steps, np.array(ends)[:, None] * np.ones(integers.neurons))
    if not np.isfinite(y).all():
        raise call.unsupported("its input must be finite")
    low, high = Fraction(float(y.min())), Fraction(float(y.max()))
    return low - abs(low) * SLACK, high + abs(high) * SLACK


def _cut(
    call: Call,
    value: Product | Integers,
    meanings: tuple[Meaning, Meaning],
    step: Fraction,
    mode: str,
    ends: tuple[int, int] | None = None,
) -> Value:
    """The quantizer that gives ``k = round(q / step)``.

    Parameters
    ----------
    call : Call
    value : Product or Integers
    meanings : (Meaning, Meaning)
        What q and k stand for.
    step : Fraction
    mode : str
        How k is rounded; q is to the nearest.
    ends : (int, int), optional
        Least and greatest k; those that the value reaches if left out.
    """
    (scale,), (offset,) = meanings[0].scales, meanings[0].offsets
    if ends is None:
        wholes = [round_exactly((end - offset) / scale, "ROUND") for end in _reach(call, value)]
        ends = round_exactly(wholes[0] / step, mode), round_exactly(wholes[1] / step, mode)
    low, high = ends
    dtype = element_type(low, high)
    bounds: list[Fraction] = []
    strict: list[bool] = []
    for k in range(low + 1, high + 1):
        below, beyond = ROUNDINGS[mode](k)
        least = (k - below) * step
        # The least integer q that gives k, and what rounds to it: ties go to even numbers.
        q = floor(least) + 1 if beyond or least.denominator > 1 else int(least)
        bounds.append((q - Fraction(1, 2)) * scale + offset)
        strict.append(q % 2 != 0)
    return quantize(call, value, dtype, low, [tuple(bounds)], tuple(strict), meanings[1])


def _meaning(scale: Fraction, zero_point: Fraction) -> Meaning:
    return Meaning((scale,), (-zero_point * scale,))


@handles("Trunc", domains=QUANT_DOMAINS)
def _trunc(call: Call) -> Value:
    """A quantizer whose bounds are those of whole numbers."""
    value = call.take(0, "input", Product, Integers, Elements)
    value = as_integers(call, value) if isinstance(value, Elements) else value
    mode = call.attribute("rounding_mode", "FLOOR").upper()
    call.require("rounding_mode", mode, *ROUNDINGS)
    scale, zero_point = _scale(call, 1, "scale"), Fraction(call.scalar(2, "zeropt"))
    bits = _bits(call, 3, "input bitwidth", MAX_BITS)
    whole = _meaning(scale, zero_point)
    if len(call.inputs) < 6:
        step = Fraction(2) ** (bits - _bits(call, 4, "output bitwidth", MAX_BITS))
        return _cut(call, value, (whole, whole), step, mode)
    output = _scale(call, 4, "output scale")
    step = Fraction(2) ** round(log2(output / scale))
    signed, narrow = call.attribute("signed", 1), call.attribute("narrow", 0)
    call.require("signed", signed, 0, 1)
    call.require("narrow", narrow, 0, 1)
    ends = integer_range(_bits(call, 5, "output bitwidth", MAX_PLANES), bool(signed), bool(narrow))
    return _cut(call, value, (whole, _meaning(output, zero_point / step)), step, mode, ends)


@handles("QuantAvgPool2d", domains=QUANT_DOMAINS)
def _quant_avg_pool(call: Call) -> Value:
    """The sum under a square window, rounded to an integer; then a truncation of that."""
    kernel, stride, bits, kept = (call.attribute(name, 1) for name in ("kernel", "stride", "ibits", "obits"))
    call.require("data_layout", call.attribute("data_layout", "NCHW"), "NCHW")
    if any(not 1 <= number <= MAX_SIZE for number in (kernel, stride, bits, kept)):
        raise call.unsupported(
            f"its kernel, stride, ibits and obits must be in 1..{MAX_SIZE}, not {kernel}, {stride}, {bits} and {kept}"
        )
    elements, axes = as_map(call, call.take(0, "input", Elements), "input")
    if elements.index.ndim != 3:
        raise call.unsupported("its input must be a map of two dimensions")
    window = Window(*elements.shape, (kernel, kernel), (stride, stride))
    pool = SumPool(f"sum{call.node.position}", window, elements.dtype)
    sums = as_integers(call, summed(call, elements, pool, map_layout(pool.shape_out, 3, axes), Fraction(1)))
    longest = (((1 << bits) - 1) * kernel * kernel).bit_length()
    whole = _meaning(Fraction(1), Fraction(0))
    step = Fraction(1 << max(0, longest - kept))
    return _cut(call, sums, (whole, whole), step, "FLOOR")
