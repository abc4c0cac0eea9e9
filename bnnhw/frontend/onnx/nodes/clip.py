"""Bounds on numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.tables import clipped
from bnnhw.frontend.onnx.values import Elements, Value

__all__: list[str] = []


def _bound(call: Call, index: int, name: str) -> Fraction | None:
    """A bound: an attribute before opset 11, an input since; None if there is none."""
    if call.input(index) is not None:
        value = call.scalar(index, name)
    else:
        value = call.attribute(name, 0.0) if name in call.node.attributes else np.inf
    return Fraction(value) if np.isfinite(value) else None


@handles("Clip", infinite=True)
def _clip(call: Call) -> Value:
    """Quantized elements to fewer values."""
    low, high = _bound(call, 1, "min"), _bound(call, 2, "max")
    if low is not None and high is not None and low > high:
        raise call.unsupported(f"its min must be at most its max, not {float(low)!r} and {float(high)!r}")
    return clipped(call, call.take(0, "input", Elements), low, high)
