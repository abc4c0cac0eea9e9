"""Steps and quantizers of some neurons, and of the neurons of two branches together."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.steps import Quantizer, Step

__all__ = ["activation_of", "joined_step", "step_of"]


def step_of(step: Step, places: NDArray[np.int64]) -> Step:
    """A step with the parameters of some neurons, in the order of their numbers."""
    arrays = {f.name: getattr(step, f.name) for f in fields(step)}
    return replace(step, **{name: array[places] for name, array in arrays.items() if isinstance(array, np.ndarray)})


def activation_of(activation: FloatActivation, places: NDArray[np.int64]) -> FloatActivation:
    """An activation of some neurons, in the order of their numbers."""
    quantizer = activation.quantizer
    steps = tuple(step_of(step, places) for step in activation.steps)
    return FloatActivation(steps, Quantizer(quantizer.dtype, quantizer.bounds[places], quantizer.strict))


def joined_step(one: Step, two: Step) -> Step | None:
    """One step for the neurons of both; None if they are not of one kind and alike but for what neurons have."""
    if type(one) is not type(two):
        return None
    changes: dict[str, NDArray[np.float64]] = {}
    for f in fields(one):
        a, b = getattr(one, f.name), getattr(two, f.name)
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            changes[f.name] = np.concatenate([a, b])
        elif a != b:
            return None
    return replace(one, **changes)
