"""Accumulators and activations of a layer, written down apart from the code under test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import DataType, Dense, Thresholds

__all__ = ["accumulators", "activations", "plane_weights"]


def plane_weights(dtype: DataType) -> list[int]:
    """What each bit of a code stands for, up to an offset; written down apart from the code under test."""
    weights = [2**bit for bit in range(dtype.bits)]
    if dtype.kind == "int":
        weights[-1] *= -1
    return weights


def accumulators(layer: Dense, codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Accumulators (frames, neurons) by products of signs: matches = (K + x . w) / 2."""
    total = np.zeros((len(codes), layer.neurons), np.int64)
    for plane, weight in enumerate(plane_weights(layer.input)):
        x = 2 * (np.asarray(codes, np.int64) >> plane & 1) - 1
        for matrix in layer.weights:
            w = 2 * matrix.bits.bits().astype(np.int64) - 1
            total += weight * matrix.coefficient * (layer.synapses + x @ w.T) // 2
    return total


def activations(layer: Dense, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Output codes of accumulators, or these where there is no activation."""
    if not isinstance(layer.activation, Thresholds):
        return values
    level = (values[:, :, None] >= layer.activation.values[None]).sum(axis=2)
    dtype = layer.activation.dtype
    return level if dtype.kind != "int" else (level - 2 ** (dtype.bits - 1)) % 2**dtype.bits
