"""Bounds on numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.nodes.rounding import clipped_whole
from bnnhw.frontend.onnx.samples import grouped
from bnnhw.frontend.onnx.stepped import add_step, stepped
from bnnhw.frontend.onnx.tables import clipped
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Product, Samples, Value
from bnnhw.ir.steps import Clip
from bnnhw.ir.types import MAX_PLANES

__all__: list[str] = []


def _bounded(call: Call, low: NDArray[np.float64], high: NDArray[np.float64]) -> Value:
    """Quantized elements to fewer values; products and sums before their quantizer."""
    if (wrong := low > high).any():
        pair = f"{low[wrong][0]!s} and {high[wrong][0]!s}"
        raise call.unsupported(f"its min must be at most its max, not {pair}")
    value = call.input(0)
    alike = bool((low == low[0]).all() and (high == high[0]).all())
    if isinstance(value, Elements) and alike and value.dtype.bits <= MAX_PLANES and value.scale > 0:
        ends = [Fraction(float(end[0])) if np.isfinite(end[0]) else None for end in (low, high)]
        return clipped(call, value, *ends)
    if alike and (whole := clipped_whole(call, stepped(call), float(low[0]), float(high[0]))) is not None:
        return whole
    # Nothing lies beyond infinity.
    low, high = np.where(low == np.inf, np.finfo(float).max, low), np.where(high == -np.inf, -np.finfo(float).max, high)
    return add_step(call, stepped(call), Clip(low, high))


def _end(call: Call, index: int, name: str, default: float) -> float:
    """A bound: an attribute before opset 11, an input since; infinity if there is none."""
    if call.input(index) is not None:
        return call.scalar(index, name)
    return call.attribute(name, 0.0) if name in call.node.attributes else default


@handles("Clip", infinite=True, samples=True)
def _clip(call: Call) -> Value:
    """Between two numbers: a Hardtanh, a Relu6."""
    value = call.take(0, "input", Samples, Product, Integers, Elements)
    ones = np.ones(value.neurons)
    return _bounded(call, _end(call, 1, "min", -np.inf) * ones, _end(call, 2, "max", np.inf) * ones)


@handles("Max", "Min", infinite=True, samples=True)
def _max_min(call: Call) -> Value:
    """Of a number and a constant; of one value, or one per neuron or channel."""
    place = 1 if isinstance(call.input(1), Constant) else 0
    if len(call.inputs) != 2 or not isinstance(call.input(place), Constant):
        raise call.unsupported(
            "its inputs must be one tensor and a constant: the greater or the lesser of two branches is no threshold"
        )
    call = Call(call.node, (call.inputs[1 - place], call.inputs[place]), call.opset)
    value = call.take(0, "input", Samples, Product, Integers, Elements)
    if isinstance(value, Samples):
        value, (end,) = grouped(call, value, (1, "constant"))
        call = replace(call, inputs=(value, call.inputs[1]))
    else:
        end = call.channels(1, "constant", value.neurons, value.index)
    none = np.full(value.neurons, np.inf)
    return _bounded(call, end, none) if call.node.kind == "Max" else _bounded(call, -none, end)
