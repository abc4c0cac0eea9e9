"""From raw samples to the network's input: exact thresholds on what a data set holds.

A quantizer's bound ``b`` on ``scale * x + offset`` is ``c = (b - offset) / scale`` on ``x``, the sample as the graph
takes it, and ``c / input_scale`` on the raw one. The threshold is the least float64 that reaches it, so that every
float64 sample is put on the right side.

What a graph takes
------------------
Graphs do not say whether they take pixels as bytes, 0..255, or as fractions, 0..1, and data sets hold bytes. The
input scale is, in this order: what the caller says; 1 for our own trainer's models (their metadata has ``bnnhw``);
1/255, with a warning, if all bounds lie between 0 and 1, both excluded, and the samples are images or the graph maps
0..1 onto -1..1; otherwise 1.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.levels import Bound, padded
from bnnhw.frontend.onnx.values import Elements, Samples
from bnnhw.ir.types import DataType, InputSpec

__all__ = ["quantize_samples"]

BYTE = Fraction(1, 255)


def _least_float(value: Fraction, strict: bool) -> float:
    """The least float64 that is no less than a number, or greater than it."""
    try:
        result = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    exact = Fraction(result)
    return math.nextafter(result, math.inf) if exact < value or (strict and exact == value) else result


def _input_scale(samples: Samples, bounds: list[Fraction]) -> tuple[Fraction, tuple[str, ...]]:
    if samples.input_scale is not None:
        return samples.input_scale, ()
    centred = (samples.scale, samples.offset) == (2, -1)
    if (
        bounds
        and all(0 < bound < 1 for bound in bounds)
        and (centred or (len(samples.frame) == 3 and samples.frame[1] > 1))
    ):
        why = "maps 0..1 onto -1..1" if centred else "takes images and tells apart values between 0 and 1 only"
        return BYTE, (
            f"the graph {why}: samples are read as bytes, 0..255, and scaled by 1/255; if they are not, say so with "
            "--input-scale",
        )
    return Fraction(1), ()


def quantize_samples(
    call: Call,
    samples: Samples,
    dtype: DataType,
    low: int,
    bounds: tuple[Bound, ...],
    strict: tuple[bool, ...],
    scale: Fraction,
    offset: Fraction,
) -> Elements:
    """The elements that a quantizer makes of raw samples.

    Parameters
    ----------
    call : Call
    samples : Samples
    dtype : DataType
    low : int
        The least value of an element.
    bounds, strict : tuple of Bound, tuple of bool
        Of the levels above it.
    scale, offset : Fraction
        What an element stands for.
    """
    if samples.scale < 0:
        raise call.unsupported("raw samples must not be multiplied by a negative number before it")
    inner = [b if isinstance(b, float) else (b - samples.offset) / samples.scale for b in bounds]
    input_scale, notes = _input_scale(samples, [b for b in inner if isinstance(b, Fraction)])
    floats = [
        b if isinstance(b, float) else _least_float(b / input_scale, s) for b, s in zip(inner, strict, strict=True)
    ]
    thresholds, _ = padded(low, floats, [False] * len(floats), dtype)
    spec = InputSpec(samples.frame, dtype, tuple(thresholds))
    return Elements(dtype, np.asarray(samples.index), spec, (), scale, offset, notes)
