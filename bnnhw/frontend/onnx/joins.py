"""Branches of one stream, joined over channels.

Each branch gives ``slope * v + offset``, a pair per channel, ``v`` the integers that its last layer emits: a join of
the integers keeps them all, and what follows knows the pairs (:mod:`bnnhw.frontend.onnx.channels`). Steps that are no
affine, such as a Relu, are kept too where both branches have the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bnnhw.frontend.onnx.branches import parted
from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.streams import affine_steps, as_integers
from bnnhw.frontend.onnx.values import Elements, Integers, Streamed, layout
from bnnhw.ir import Concat
from bnnhw.ir.layer import follow
from bnnhw.ir.neurons import joined_step, step_of
from bnnhw.ir.steps import Step

__all__ = ["join_branches"]


def _is_map(value: Integers) -> bool:
    """Whether the graph has the layer's map as a map or a signal, channels first."""
    return value.index.ndim > 1 and np.array_equal(value.index.ravel(), layout(value.elements.shape).ravel())


def _steps(call: Call, parts: Sequence[tuple[tuple[Step, ...], int]]) -> tuple[Step, ...]:
    """The steps of both branches on the channels of both."""
    (one, first), (two, second) = parts
    a, b = exact_affine(one, first), exact_affine(two, second)
    if a is not None and b is not None:
        return affine_steps(call, [*a[0], *b[0]], [*a[1], *b[1]])
    joined = [joined_step(a, b) for a, b in zip(one, two, strict=False)]
    if len(one) == len(two) and all(step is not None for step in joined):
        return tuple(step for step in joined if step is not None)
    raise call.unsupported(
        "its inputs must be quantized, or have the same steps (batch norm, Relu) before it: quantize (Quant) each "
        "branch before it is joined"
    )


def join_branches(call: Call, values: Sequence[Streamed]) -> Elements | Integers:
    """All of some branches, joined over channels; elements where all stand for numbers alike.

    Raises
    ------
    UnsupportedError
        They do not come from one stream, or are no maps of one size.
    """
    found: Elements | Integers = values[0] if isinstance(values[0], Elements) else as_integers(call, values[0])
    for number, value in enumerate(values[1:]):
        found = _joined(call, number, found, value)
    return found


def _joined(call: Call, number: int, first: Streamed, second: Streamed) -> Elements | Integers:
    a, b = as_integers(call, first), as_integers(call, second)
    one, two = a.elements, b.elements
    if one.input != two.input:
        raise call.unsupported(
            "its inputs must come from one quantizer of the graph's input: quantize the input once, and branch behind "
            "that"
        )
    flat = a.index.ndim == b.index.ndim == 1
    maps = _is_map(a) and _is_map(b) and a.index.shape[1:] == b.index.shape[1:]
    if not flat and not maps:
        raise call.unsupported(
            f"its inputs must be maps of one size, channels first, or lists, not {a.index.shape} and {b.index.shape}: "
            "give the branches the same strides, or flatten each before it is joined"
        )
    before, body, other = parted(one.layers, two.layers)
    start, dtype = follow(one.input.map, one.input.dtype, before)
    # Lists of features are channels; lists made of maps are not.
    flat = flat and (one.shape[1:] != (1, 1) or two.shape[1:] != (1, 1))
    layer = Concat(f"join{call.node.position}{'abcdefgh'[number % 8]}", start, dtype, body, other, flat)
    index = np.concatenate([a.index, one.index.size + b.index]) if a.index.ndim == 1 else None
    if index is None:
        index = layout(layer.shape_out).reshape(layer.shape_out[0], *a.index.shape[1:])
    notes = tuple(dict.fromkeys((*one.notes, *two.notes)))
    joined = Elements(layer.output, index.astype(np.int32), one.input, (*before, layer), notes=notes)
    quantized = [(v.scale, v.offset) for v in (first, second) if isinstance(v, Elements)]
    if len(quantized) == 2 and quantized[0] == quantized[1]:
        scale, offset = quantized[0]
        return replace(joined, scale=scale, offset=offset)
    parts = [
        (tuple(step_of(step, np.arange(e.index.size) % e.neurons) for step in v.steps), e.index.size)
        if flat
        else (v.steps, v.neurons)
        for v, e in ((a, one), (b, two))
    ]
    return Integers(joined, _steps(call, parts))
