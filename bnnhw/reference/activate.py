"""Activations: integers to codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.steps import apply
from bnnhw.ir.types import DataType

__all__ = ["apply_float", "threshold"]

_FEW = 16
"""Up to so many thresholds a pass over all values for each is faster than a search, channel by channel."""


def threshold(values: NDArray[Any], thresholds: NDArray[Any], dtype: DataType) -> NDArray[np.unsignedinteger]:
    """Codes whose level is how many thresholds a value meets.

    Parameters
    ----------
    values : array (..., channels)
        Exact integers, of any dtype.
    thresholds : array (levels, channels)
        Ascending along the first axis; met iff ``value >= threshold``. Its dtype is that of ``values``.
    dtype : DataType
        Type of the codes.

    Returns
    -------
    array (..., channels) of ``dtype.code_dtype``
    """
    if len(thresholds) == 1:
        met = (values >= thresholds[0]).view(np.uint8)
        return met if dtype.kind != "int" else dtype.codes(met)
    if len(thresholds) <= _FEW:
        level = np.zeros(values.shape, np.uint8)
        for row in thresholds:
            level += values >= row
        return dtype.codes(level)
    found = np.empty(values.shape, np.int64)
    for channel, column in enumerate(np.ascontiguousarray(thresholds.T)):
        found[..., channel] = np.searchsorted(column, values[..., channel], side="right")
    return dtype.codes(found)


def apply_float(activation: FloatActivation, values: NDArray[Any]) -> NDArray[np.unsignedinteger]:
    """Codes by the float64 formula as trained, of exact integers (..., channels); same shape."""
    return activation.dtype.codes(activation.quantizer.levels(apply(activation.steps, values)))
