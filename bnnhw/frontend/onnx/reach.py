"""Between which numbers a tensor lies, in float64, and what a function that is not defined everywhere makes of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.values import Integers, Product, Samples
from bnnhw.ir.arithmetic import emitted_affine
from bnnhw.ir.layer import Layer
from bnnhw.ir.steps import Clip, apply

__all__ = ["bounded", "reach"]


def _emitted(layer: Layer) -> NDArray[np.float64]:
    """The least and the greatest number of what a layer's numbers stand for: (2, channels)."""
    affine = emitted_affine(layer)
    return affine.scale * np.array(layer.emitted, np.float64)[:, None] + affine.constants


def _taken(samples: Samples) -> NDArray[np.float64]:
    """The same of what the graph takes of samples; infinite where nobody says what they are."""
    stated = samples.stated
    if stated is None or stated.steps not in (None, 0):
        return np.array([[-np.inf], [np.inf]]) * np.ones(samples.neurons)
    ends = np.array([[stated.dtype.minimum], [stated.dtype.maximum]]) * float(stated.unit)
    if stated.steps == 0:
        return ends * np.ones(samples.neurons)
    scale, offset = (np.array([float(f) for f in values]) for values in (samples.scale, samples.offset))
    return ends * scale + offset


def reach(value: Samples | Product | Integers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Between which numbers each neuron, channel or group lies: (neurons,), (neurons,), perhaps infinite."""
    if isinstance(value, Samples):
        ends = _taken(value)
    elif isinstance(value, Product):
        ends = _emitted(value.layer)
    else:
        layers, dtype = value.elements.layers, value.elements.dtype
        low, high = layers[-1].emitted if layers else (dtype.minimum, dtype.maximum)
        ends = np.array([[low], [high]], np.float64) * np.ones(value.neurons)
    y = apply(value.steps, ends)
    # A factor of 0 makes no number of infinity.
    y = np.where(np.isnan(y), ends, y)
    return y.min(axis=0), y.max(axis=0)


def bounded(call: Call, value: Samples | Product | Integers, low: float, high: float) -> Samples | Product | Integers:
    """A tensor that a function takes which is defined between two numbers alone.

    Raises
    ------
    UnsupportedError
        What layers emit reaches beyond them. Samples that do are taken for those at the end, and that is noted.
    """
    least, most = reach(value)
    if (least >= low).all() and (most <= high).all():
        return value
    if not isinstance(value, Samples):
        raise call.unsupported(
            f"its input must lie in {low:g}..{high:g}, where it is a number, and reaches "
            f"{float(least.min()):g}..{float(most.max()):g}: put a Relu or a Clip before it"
        )
    ones = np.ones(value.neurons)
    note = (
        f"{call.node}: what it takes must lie in {low:g}..{high:g}, where it is a number: samples beyond are read as "
        "those at the end"
    )
    return replace(value, steps=(*value.steps, Clip(low * ones, high * ones)), notes=(*value.notes, note))
