"""Layers of a BNN-PYNQ network from its weights and thresholds, exactly.

Exactness
---------
Weights of -1, 0 and +1 are two planes of bits, ``2 w = s_0 + s_1``; without a 0 they are one, ``w = s_0``. With
``f`` planes the accumulator is ``f * dot = scale * acc + constants`` (:mod:`bnnhw.ir.arithmetic`), so ``dot >= d`` iff
``acc >= ceil((f * d - constants) / scale)``, all of it in integers, clamped to the accumulator's range, which changes
nothing. Two thresholds count how many of them the sum exceeds, less one: -1, 0 or +1, of two's complement with two
bits, whose least value, -2, is passed by always (``acc >= `` the least accumulator). They count in any order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import BitMatrix, DataType, Dense, Output, Thresholds, WeightPlane, dot_affine

__all__ = ["BIPOLAR", "CLIP", "TERNARY", "activation", "product", "scores", "with_bounds"]

BIPOLAR = DataType("bipolar", 1)
TERNARY = DataType("int", 2)
"""Of activations of three values."""

CLIP = 1 << 40
"""Bound of a threshold before anything is added: any int64 may stand in a file, and no sum reaches this."""


def activation(thresholds: int) -> DataType:
    """What a neuron of one or two thresholds emits."""
    return BIPOLAR if thresholds == 1 else TERNARY


def product(name: str, dtype: DataType, weights: NDArray[np.int8]) -> Dense:
    """A layer that emits its accumulators, of weights -1, 0 and +1."""
    planes = (weights > 0,) if weights.all() else (weights >= 0, weights > 0)
    return Dense(name, dtype, tuple(WeightPlane(1, BitMatrix.from_bits(plane)) for plane in planes), None)


def with_bounds(layer: Dense, bounds: NDArray[np.int64]) -> Dense:
    """A layer with its thresholds: the least dot product of each, int64 (neurons, 1 or 2), in any order."""
    affine = dot_affine(layer)
    low, high = layer.accumulator_range
    values = -((affine.constants[:, None] - len(layer.weights) * bounds) // affine.scale)
    values = np.sort(values.clip(low, high + 1), axis=1)
    if values.shape[1] == 2:
        values = np.insert(values, 0, low, axis=1)
    return layer.with_activation(Thresholds(values, activation(bounds.shape[1])))


def scores(layer: Dense, thresholds: NDArray[np.int64], matches: bool) -> Output:
    """The output behind a layer that emits its accumulators: by how much each exceeds its threshold.

    A single neuron fires where it does: one less, which is not negative then.

    Parameters
    ----------
    layer : Dense
    thresholds : int64 array (neurons,)
    matches : bool
        Whether they are numbers of matches, which the accumulators of binary layers are, else dot products. The scores
        of layers with weights of 0 are twice as large.
    """
    ones = np.ones(layer.neurons, np.int64)
    fires = int(layer.neurons == 1)
    if matches:
        return Output("output", ones, -thresholds - fires)
    affine = dot_affine(layer)
    return Output("output", affine.scale * ones, affine.constants - len(layer.weights) * thresholds - fires)
