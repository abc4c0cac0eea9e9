"""From raw samples to the network's input: exact thresholds on what a data set holds.

A quantizer's bound is carried back through the steps before it to the sample as the graph takes it, square roots
included, and from there to the raw one, without a rounding (:mod:`bnnhw.streamline.preimage`). The threshold is the
least float64 that reaches it, so that every float64 sample is put on the right side.

What a graph takes
------------------
Graphs do not say whether they take pixels as bytes, 0..255, or as fractions, 0..1, and data sets hold bytes. The
input scale is, in this order: what the caller says; 1 for files that bnnhw wrote (their producer, or ``bnnhw`` in their
metadata) and for graphs whose input is of an integer type; 1/255, with a warning, if all bounds lie between 0 and 1,
both excluded, and the samples are images or the graph maps 0..1 onto -1..1; otherwise 1.

Where no quantizer stands before the first product, samples must be integers of a type that somebody states: the
caller, the graph's input, or an annotation (``finn_datatype``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.input_rows import input_spec, threshold_row
from bnnhw.frontend.onnx.levels import Bound, quant_bounds
from bnnhw.frontend.onnx.raw import Samples, Stated, regrouped
from bnnhw.frontend.onnx.streams import affine_steps, entering
from bnnhw.frontend.onnx.values import Elements, Integers, layout
from bnnhw.ir.input_spec import InputSpec
from bnnhw.ir.types import DataType
from bnnhw.streamline.preimage import HalfLine, preimage
from bnnhw.streamline.roots import Number

__all__ = ["as_stated", "grouped", "parted", "quantize_samples"]

BYTE = Fraction(1, 255)

MAX_GROUPS = 1 << 16
"""Most groups of samples that are treated differently."""

MAX_THRESHOLDS = 1 << 20
"""Most thresholds of all groups together: seconds of rational arithmetic."""


def grouped(call: Call, samples: Samples, *places: tuple[int, str]) -> tuple[Samples, list[NDArray[np.float64]]]:
    """Samples in groups that have one value of each of some constant inputs, and these values, one per group.

    Parameters
    ----------
    call : Call
    samples : Samples
    *places : (int, str)
        Which inputs, and what they are; each of one value, or one that fits the samples' shape.
    """
    columns: list[NDArray[np.float64]] = []
    for index, what in places:
        array = call.constant(index, what)
        try:
            column = array if array.size == 1 else np.broadcast_to(array, (1, *samples.index.shape))[0]
        except ValueError:
            raise call.unsupported(
                f"its {what} must be a single value or fit samples of shape {samples.index.shape}, not {array.shape}"
            ) from None
        columns.append(column)
    return parted(call, samples, *columns)


def parted(call: Call, samples: Samples, *columns: NDArray[Any]) -> tuple[Samples, list[NDArray[Any]]]:
    """As :func:`~bnnhw.frontend.onnx.raw.regrouped`, refused for too many groups."""
    result, values = regrouped(samples, *columns)
    if result.neurons > MAX_GROUPS:
        raise call.unsupported(f"it must treat samples in at most {MAX_GROUPS} ways, not in {result.neurons}")
    return result, values


def _lines(samples: Samples, rows: Sequence[Sequence[Bound]], strict: Sequence[bool]) -> list[list[HalfLine | bool]]:
    """For each group, where what the graph takes reaches each of its bounds."""
    affine = exact_affine(samples.steps, samples.neurons)
    found: list[list[HalfLine | bool]] = []
    for group in range(samples.neurons):
        line: list[HalfLine | bool] = []
        for bound, above in zip(rows[group if len(rows) > 1 else 0], strict, strict=True):
            if not isinstance(bound, Fraction):
                line.append(bound < 0)
            elif affine is None:
                line.append(preimage(samples.steps, group, bound, above))
            else:
                line.append(_through(affine[0][group], affine[1][group], bound, above))
        found.append(line)
    return found


def _through(slope: Fraction, offset: Fraction, bound: Fraction, strict: bool) -> HalfLine | bool:
    """Where ``slope * x + offset`` reaches a bound."""
    if not slope:
        return offset > bound or (offset == bound and not strict)
    return HalfLine(Number((bound - offset) / slope), slope > 0, strict)


def _assumed(samples: Samples, lines: list[list[HalfLine | bool]]) -> tuple[Samples, tuple[str, ...]]:
    """The samples with a scale, and what was assumed about it."""
    if samples.scaled:
        return samples, ()
    ends = [line.end for row in lines for line in row if isinstance(line, HalfLine)]
    affine = exact_affine(samples.steps, samples.neurons)
    centred = affine is not None and set(affine[0]) == {2} and set(affine[1]) == {-1}
    image = len(samples.frame) == 3 and samples.frame[1] > 1
    if not ends or not (centred or image) or not all(e.sign() > 0 and (e + Fraction(-1)).sign() < 0 for e in ends):
        return replace(samples, scaled=True), ()
    why = "maps 0..1 onto -1..1" if centred else "takes images and tells apart values between 0 and 1 only"
    return replace(samples, scaled=True, scale=(BYTE,) * samples.neurons), (
        f"the graph {why}: samples are read as bytes, 0..255, and scaled by 1/255; if they are not, say so with "
        "--input-scale",
    )


def _raw(samples: Samples, lines: list[list[HalfLine | bool]]) -> list[list[HalfLine | bool]]:
    """Half-lines of what the graph takes as those of raw samples."""
    return [
        [line if isinstance(line, bool) else line.scaled(1 / scale, -offset / scale) for line in row]
        for row, scale, offset in zip(lines, samples.scale, samples.offset, strict=True)
    ]


def _mapped(samples: Samples) -> bool:
    """Whether samples are a map or a signal here, and are another one, or a list, for what the graph takes."""
    if samples.index.ndim not in (2, 3):
        return False
    if len(samples.frame) == 1:
        return samples.index.ndim == 3
    channels, height, width = samples.frame
    shape = (channels, height, width) if samples.index.ndim == 3 else (channels, height * width)
    places = layout((channels, height, width)).reshape(shape)
    return not any(np.array_equal(samples.index, as_is) for as_is in (places, np.moveaxis(places, 0, -1)))


def _by_channel(
    call: Call, samples: Samples, elements: Elements, values: Sequence[Fraction], what: str
) -> list[Fraction]:
    """Values of groups as values of the channels of elements."""
    groups = np.empty(samples.index.size, np.int64)
    groups[elements.index.ravel()] = samples.groups[samples.index.ravel()]
    numbers = groups.reshape(-1, elements.neurons)
    first = [values[group] for group in numbers[0].tolist()]
    for place, group in {(channel, group) for row in numbers.tolist() for channel, group in enumerate(row)}:
        if values[group] != first[place]:
            raise call.unsupported(f"its {what} must be a single value or one per channel ({elements.neurons})")
    return first


def _scaled(
    call: Call, samples: Samples, elements: Elements, scale: Sequence[Fraction], offset: Sequence[Fraction]
) -> Elements | Integers:
    """Elements of the input that stand for ``scale * v + offset``, a pair per group."""
    if _mapped(samples):
        elements = entering(elements)
    if len(set(scale)) == len(set(offset)) == 1 and scale[0]:
        return replace(elements, scale=call.fraction("scale", scale[0]), offset=call.fraction("offset", offset[0]))
    slopes, offsets = (
        _by_channel(call, samples, elements, values, what) for values, what in ((scale, "scale"), (offset, "offset"))
    )
    return Integers(elements, affine_steps(call, slopes, offsets))


def quantize_samples(
    call: Call,
    samples: Samples,
    dtype: DataType,
    low: int,
    rows: Sequence[Sequence[Bound]],
    strict: Sequence[bool],
    scale: Sequence[Fraction],
    offset: Sequence[Fraction],
) -> Elements | Integers:
    """The elements that a quantizer makes of raw samples; integers where their scale differs by channel.

    Parameters
    ----------
    call : Call
    samples : Samples
    dtype : DataType
    low : int
        The least value of an element.
    rows, strict : sequences of Bound, of bool
        Of the levels above it, in one row for all groups, or one per group.
    scale, offset : sequences of Fraction
        An element stands for ``scale * v + offset``, a pair for all groups, or one per group.
    """
    if samples.neurons * len(strict) > MAX_THRESHOLDS:
        raise call.unsupported(
            f"it must give samples at most {MAX_THRESHOLDS} thresholds, not {len(strict)} in {samples.neurons} ways"
        )
    lines = _lines(samples, rows, strict)
    samples, notes = _assumed(samples, lines)
    # Levels of the type below the least value are reached always, those above the greatest never.
    below = low - dtype.minimum
    above = dtype.levels - 1 - below - len(strict)
    found = [threshold_row([*[True] * below, *line, *[False] * above]) for line in _raw(samples, lines)]
    spec = input_spec(samples.frame, dtype, found, samples.groups, samples.layout)
    elements = Elements(dtype, samples.index, spec, (), notes=(*samples.notes, *notes))
    pairs = [list(values) * (1 if len(values) > 1 else samples.neurons) for values in (scale, offset)]
    return _scaled(call, samples, elements, *pairs)


def _whole(stated: Stated) -> tuple[list[Bound], list[bool]]:
    """Bounds at which a number is nearer to the next integer of a type."""
    dtype = stated.dtype
    if dtype.kind == "bipolar":
        return [Fraction(0)], [False]
    bounds = quant_bounds(dtype.minimum, dtype.maximum, stated.unit, Fraction(0), "HALF_UP")
    return list(bounds.values), [False] * len(bounds.values)


def as_stated(call: Call, samples: Samples) -> Samples | Elements | Integers:
    """Samples as the integers that somebody says they are, what was done to them since included; else as they are.

    Raises
    ------
    UnsupportedError
        They are no such integers any more, since steps followed that are not affine.
    """
    stated = samples.stated
    if stated is None:
        return samples
    before = 0 if stated.steps is None else stated.steps
    affine = exact_affine(samples.steps[before:], samples.neurons)
    if affine is None:
        raise call.unsupported("the samples must be quantized behind what is done to them, which is no exact factor")
    slopes, offsets = affine
    plain = (samples.scale, samples.offset) == ((1,) * samples.neurons, (0,) * samples.neurons)
    if stated.steps is None or (plain and not before and stated.unit == 1):
        if stated.steps is None:
            offsets = [s * o + offset for s, o, offset in zip(slopes, samples.offset, offsets, strict=True)]
            slopes = [s * scale for s, scale in zip(slopes, samples.scale, strict=True)]
        spec = InputSpec(samples.frame, stated.dtype, layout=samples.layout)
        elements = Elements(stated.dtype, samples.index, spec, (), notes=samples.notes)
        return _scaled(call, samples, elements, slopes, offsets)
    bounds, strict = _whole(stated)
    taken = replace(samples, steps=samples.steps[:before], scaled=True)
    slopes = [slope * stated.unit for slope in slopes]
    return quantize_samples(call, taken, stated.dtype, stated.dtype.minimum, [bounds], strict, slopes, offsets)
