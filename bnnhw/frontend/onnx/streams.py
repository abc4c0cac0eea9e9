"""What layers emit, seen as quantized elements, as integers, or as a map: exact ways from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import common_unit, exact_affine
from bnnhw.frontend.onnx.input_rows import relaid
from bnnhw.frontend.onnx.tables import tabulated
from bnnhw.frontend.onnx.values import Elements, Integers, Streamed, layout
from bnnhw.ir import Affine
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.steps import Divide, Scale, Shift, Step
from bnnhw.ir.types import MAX_PLANES, DataType

__all__ = [
    "MAX_MULTIPLIER",
    "affine_steps",
    "alike",
    "as_integers",
    "as_map",
    "check_planes",
    "entering",
]


def _is_float(values: Sequence[Fraction]) -> bool:
    try:
        return all(Fraction(float(value)) == value for value in values)
    except OverflowError:
        return False


def affine_steps(call: Call, slopes: Sequence[Fraction], offsets: Sequence[Fraction]) -> tuple[Step, ...]:
    """Steps that compute ``slope * x + offset``, a pair per neuron, exactly in rational arithmetic.

    A slope that is no float64 is a multiplication and a division, and the offset comes before it if that is exact.
    """
    exact = _is_float(slopes)
    steps: list[Step] = []
    if exact and any(slope != 1 for slope in slopes):
        steps.append(Scale(np.array([float(slope) for slope in slopes])))
    elif not exact:
        parts = [[Fraction(s.numerator) for s in slopes], [Fraction(s.denominator) for s in slopes]]
        if not all(map(_is_float, parts)):
            bad = next(slope for slope in slopes if not _is_float([slope]))
            raise call.unsupported(
                f"its scale must be exact in float64, not about {float(bad)!r}: use float32 parameters"
            )
        numerators, denominators = (np.array([float(part) for part in row]) for row in parts)
        steps += [Scale(numerators), Divide(denominators)]
    if not any(offsets):
        return tuple(steps)
    # An offset before a division leaves equal numbers equal; float64 could part them where it comes after.
    before = [offset / slope if slope else offset for slope, offset in zip(slopes, offsets, strict=True)]
    if all(slopes) and _is_float(before) and not (exact and _is_float(offsets)):
        return (Shift(np.array([float(offset) for offset in before])), *steps)
    if not _is_float(offsets):
        bad = next(offset for offset in offsets if not _is_float([offset]))
        raise call.unsupported(f"its offset must be exact in float64, not about {float(bad)!r}: use float32 parameters")
    return (*steps, Shift(np.array([float(offset) for offset in offsets])))


def as_integers(call: Call, value: Streamed) -> Integers:
    """The integers that the last layer emits, and what is done to them: of elements, and of a product."""
    if isinstance(value, Integers):
        return value
    if isinstance(value, Elements):
        scales, offsets = [value.scale] * value.neurons, [value.offset] * value.neurons
        plain = replace(value, scale=Fraction(1), offset=Fraction(0))
        return Integers(plain, affine_steps(call, scales, offsets))
    affine = dot_affine(value.dense)
    slopes, offsets = [Fraction(affine.scale)] * value.neurons, [Fraction(int(c)) for c in affine.constants]
    before = value.elements
    elements = Elements(
        value.dense.output, value.index, before.input, (*before.layers, value.layer), notes=before.notes
    )
    return Integers(elements, (*affine_steps(call, slopes, offsets), *value.steps))


MAX_MULTIPLIER = 1 << 16
"""Greatest multiplier of a channel: scales further apart than 16 bits are not meant to be added."""


def alike(call: Call, what: str, value: Integers) -> Elements:
    """Integers scaled and shifted by channel as elements scaled and shifted alike, by an affine layer of integers."""
    affine = exact_affine(value.steps, value.neurons)
    if affine is None:
        return tabulated(call, what, value)
    slopes, offsets = affine
    elements = value.elements
    if len(set(slopes)) == len(set(offsets)) == 1 and slopes[0]:
        return replace(elements, scale=call.fraction("scale", slopes[0]), offset=call.fraction("offset", offsets[0]))
    # A base of 0 keeps 0 a number of theirs, which is what paddings are.
    for base in (Fraction(0), offsets[0]):
        unit = common_unit([*slopes, *(offset - base for offset in offsets)])
        multiplier = [int(slope / unit) for slope in slopes]
        offset = [int((offset - base) / unit) for offset in offsets]
        if max(map(abs, (*multiplier, *offset))) <= MAX_MULTIPLIER:
            break
    else:
        low, high = float(min(slopes)), float(max(slopes))
        raise call.unsupported(
            f"it sums over channels of its {what} whose scales, {low!r} to {high!r}, are no small multiples of one: "
            "quantize activations with one scale for all channels, or with powers of two"
        )
    layer = Affine(
        f"affine{call.node.position}", elements.shape, elements.dtype, np.array(multiplier), np.array(offset)
    )
    return replace(
        elements,
        dtype=layer.output,
        layers=(*elements.layers, layer),
        scale=call.fraction("scale", unit),
        offset=call.fraction("offset", base),
    )


def check_planes(call: Call, what: str, dtype: DataType) -> None:
    """Refuse elements that are too wide for a matrix layer."""
    if dtype.bits > MAX_PLANES:
        raise call.unsupported(
            f"its {what} must have at most {MAX_PLANES} bits, not the {dtype.bits} of {dtype}: quantize it"
        )


def entering(value: Elements) -> Elements:
    """Elements of the input that enter as the map or signal that they are here, whatever raw samples have."""
    frame = value.index.shape
    shape = (frame[0], frame[1] if len(frame) == 3 else 1, frame[-1])
    places = layout(shape).reshape(frame)
    if value.shape in (shape, (*frame, 1)) and np.array_equal(value.index, places):
        return value
    spec = relaid(value.input, value.index, shape)
    return value if spec is None else replace(value, input=spec, index=places)


def as_map(call: Call, value: Elements, what: str, fixed: bool = False) -> tuple[Elements, tuple[int, int]]:
    """A feature map as the stream has it, (channels, height, width), or a signal, (channels, length).

    Parameters
    ----------
    call : Call
    value : Elements
    what : str
    fixed : bool
        Whether something depends on the order in which elements of the input enter.

    Returns
    -------
    elements : Elements
    axes : (int, int)
        Which dimensions of the graph's frame are height and width; -1 for one that a signal has not.
    """
    frame = value.index.shape
    if len(frame) not in (2, 3):
        raise call.unsupported(
            f"its {what} must be (channels, height, width) or (channels, length) behind the batch, not {frame}: "
            "flatten behind the last convolution or pool only"
        )
    if not value.layers and not fixed:
        value = entering(value)
    channels, height, width = value.shape
    ways: dict[tuple[int, int], NDArray[np.int32]] = {}
    if len(frame) == 3:
        # A map may lie on its side: Keras' one-dimensional layers make maps of width 1 of signals, and of height 1.
        ways = {(1, 2): layout(value.shape), (2, 1): layout(value.shape).transpose(0, 2, 1)}
    elif 1 in (height, width):
        ways = {(-1, 1) if height == 1 else (1, -1): layout(value.shape).reshape(channels, -1)}
    ways = {axes: places for axes, places in ways.items() if places.shape == frame}
    if not ways:
        raise call.unsupported(
            f"its {what} must be the map of {channels} x {height} x {width} that comes in, not of shape {frame}: "
            "flatten behind the last convolution or pool only"
        )
    axes = next((axes for axes, places in ways.items() if np.array_equal(value.index, places)), None)
    if axes is None:
        raise call.unsupported(
            f"its {what} must have channels, height and width in this order: transpose samples only, before the first "
            "layer"
        )
    return value, axes
