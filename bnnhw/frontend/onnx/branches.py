"""The sum of two branches of one stream.

Each branch gives ``slope * v + offset``, ``v`` the integers that its last layer emits, slope and offset a pair a
channel. With ``u`` the greatest common divisor of the two slopes of a channel, the sum is
``u * (m * v + m' * v') + offset + offset'``, ``m`` and ``m'`` whole: integers are added, and the factor folds into
what follows. Slopes and offsets are exact rational numbers, or the sum is refused.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import common_unit, exact_affine
from bnnhw.frontend.onnx.streams import MAX_MULTIPLIER, affine_steps, as_integers
from bnnhw.frontend.onnx.values import Elements, Integers, Streamed
from bnnhw.ir import Affine, Residual
from bnnhw.ir.layer import Layer, follow

__all__ = ["add_branches", "parted"]


def _exact(call: Call, value: Integers) -> tuple[list[Fraction], list[Fraction]]:
    affine = exact_affine(value.steps, value.neurons)
    if affine is None:
        raise call.unsupported(
            "its inputs must be integers times exact factors: quantize (Quant) what a batch norm or a Relu gives "
            "before it is added"
        )
    return affine


def _scaled(call: Call, side: str, value: Integers, multiplier: list[int]) -> tuple[Layer, ...]:
    """A branch's layers, its multiplier included."""
    layers = value.elements.layers
    if all(m == 1 for m in multiplier):
        return layers
    name = f"{side}{call.node.position}"
    array = np.array(multiplier, np.int64)
    return (*layers, Affine(name, value.elements.shape, value.elements.dtype, array, np.zeros_like(array)))


def parted(
    first: tuple[Layer, ...], second: tuple[Layer, ...]
) -> tuple[tuple[Layer, ...], tuple[Layer, ...], tuple[Layer, ...]]:
    """The layers that two branches have in common, and those of each."""
    common = 0
    while common < min(len(first), len(second)) and first[common] is second[common]:
        common += 1
    return first[:common], first[common:], second[common:]


def add_branches(call: Call, first: Streamed, second: Streamed, sign: int = 1) -> Integers:
    """``first + sign * second``.

    Raises
    ------
    UnsupportedError
        The two do not come from one stream, or are no integers times exact factors.
    """
    a, b = as_integers(call, first), as_integers(call, second)
    if a.elements.input != b.elements.input:
        raise call.unsupported(
            "its inputs must come from one quantizer of the graph's input: quantize the input once, and branch behind "
            "that"
        )
    if a.elements.shape != b.elements.shape or not np.array_equal(a.index, b.index):
        raise call.unsupported(
            f"its inputs must be two maps of one shape, not {a.index.shape} and {b.index.shape}: give both branches "
            "the same strides and channels"
        )
    (slopes_a, offsets_a), (slopes_b, offsets_b) = _exact(call, a), _exact(call, b)
    slopes_b, offsets_b = [sign * s for s in slopes_b], [sign * o for o in offsets_b]
    units = [common_unit(pair) for pair in zip(slopes_a, slopes_b, strict=True)]
    wholes = [[int(s / u) for s, u in zip(slopes, units, strict=True)] for slopes in (slopes_a, slopes_b)]
    for channel, pair in enumerate(zip(*wholes, strict=True)):
        if max(map(abs, pair)) > MAX_MULTIPLIER:
            scales = f"{float(slopes_a[channel])!r} and {float(slopes_b[channel])!r}"
            raise call.unsupported(
                f"its inputs' scales in channel {channel} must be at most {MAX_MULTIPLIER} times a common divisor, not "
                f"{scales}: quantize both branches with one scale"
            )
    branches = [_scaled(call, side, value, m) for side, value, m in zip("ab", (a, b), wholes, strict=True)]
    before, body, shortcut = parted(*branches)
    if not body:
        body, shortcut = shortcut, body
    if not body:
        raise call.unsupported("its inputs must be two branches, not twice the same tensor: multiply it by 2 instead")
    start, dtype = follow(a.elements.input.map, a.elements.input.dtype, before)
    residual = Residual(f"residual{call.node.position}", start, dtype, body, shortcut)
    notes = tuple(dict.fromkeys((*a.elements.notes, *b.elements.notes)))
    elements = Elements(residual.output, a.index, a.elements.input, (*before, residual), notes=notes)
    offsets = [o + p for o, p in zip(offsets_a, offsets_b, strict=True)]
    return Integers(elements, affine_steps(call, units, offsets))
