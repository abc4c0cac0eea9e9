"""Frozen values that hold one number per neuron."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError

__all__ = ["Vectors", "finite", "one_per_neuron"]


def one_per_neuron(what: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A read-only copy of one number per neuron, which may be infinite."""
    array = np.array(values, np.float64)
    if array.ndim != 1 or not len(array):
        raise NetworkError(f"{what} must have one value per neuron, not shape {array.shape}")
    if np.isnan(array).any():
        raise NetworkError(f"{what} must be numbers, not NaN")
    array.setflags(write=False)
    return array


def finite(what: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A read-only copy of one finite value per neuron."""
    array = np.array(values, np.float64)
    if array.ndim == 1 and not np.isfinite(array).all():
        raise NetworkError(f"{what} must be finite")
    return one_per_neuron(what, array)


class Vectors:
    """Equality, field by field, of dataclasses that hold arrays."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]
