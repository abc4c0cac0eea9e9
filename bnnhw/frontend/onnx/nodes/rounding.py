"""Whole numbers: Floor, Ceil and Round, which are quantizers wherever few enough whole numbers are reached.

What reaches more is rounded all the same, and a Clip behind it says which whole numbers there are: so quantizers are
written by hand, ``clip(round(x / s), 0, 15) * s`` or ``round(clip(x, 0, 1) * 15) / 15``.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.levels import element_type, quant_bounds
from bnnhw.frontend.onnx.nodes.quant import Meaning, quantize
from bnnhw.frontend.onnx.reach import reach
from bnnhw.frontend.onnx.stepped import add_step, stepped
from bnnhw.frontend.onnx.values import Integers, Product, Samples, Value
from bnnhw.ir.curves import STAIRS
from bnnhw.ir.steps import Staircase
from bnnhw.ir.types import MAX_PLANES, narrowest

__all__ = ["clipped_whole"]


def _few(low: float, high: float) -> bool:
    """Whether whole numbers fit an element."""
    if not np.isfinite([low, high]).all() or high - low >= 1 << MAX_PLANES:
        return False
    return narrowest(int(low), max(int(high), 0))[0] <= MAX_PLANES


def _quantized(call: Call, value: Samples | Product | Integers, mode: str, low: int, high: int) -> Value:
    bounds = quant_bounds(low, high, Fraction(1), Fraction(0), mode.upper())
    meaning = Meaning([Fraction(1)], [Fraction(0)])
    return quantize(call, value, element_type(low, high), low, [bounds.values], bounds.strict, meaning)


@handles("Ceil", "Floor", "Round", samples=True)
def _rounded(call: Call) -> Value:
    """The whole number above, below, or next to a number, ties to even ones."""
    value, name = stepped(call), call.node.kind.lower()
    least, most = reach(value)
    low, high = (float(end) for end in STAIRS[name](np.array([least.min(), most.max()])))
    if _few(low, high) and low < high:
        return _quantized(call, value, name, int(low), int(high))
    return add_step(call, value, Staircase(name))


def clipped_whole(call: Call, value: Samples | Product | Integers, low: float, high: float) -> Value | None:
    """What a clip makes of rounded numbers: elements, where it leaves few enough whole numbers; None elsewhere."""
    last = value.steps[-1] if value.steps else None
    if not isinstance(last, Staircase):
        return None
    least, most = reach(value)
    low, high = max(low, float(least.min())), min(high, float(most.max()))
    if not _few(low, high) or not low < high or not low.is_integer() or not high.is_integer():
        return None
    return _quantized(call, replace(value, steps=value.steps[:-1]), last.name, int(low), int(high))
