"""A matrix layer whose neurons depend on a few input bits each as truth tables: the same function, to the bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Dense, Lookup, Thresholds
from bnnhw.ir.arithmetic import dot_affine, weight_values
from bnnhw.ir.layers.lookup import MAX_ADDRESS
from bnnhw.reference.product import Product

__all__ = ["live_bits", "tabulated"]


def _live(matrix: Dense) -> NDArray[np.int64]:
    """Weights, those of neurons that never change set to 0: int64 (neurons, synapses).

    A neuron never changes if its least and its greatest dot product meet as many thresholds.
    """
    weights = weight_values(matrix)
    if not isinstance(matrix.activation, Thresholds):
        return weights
    affine = dot_affine(matrix)
    ends = weights * matrix.input.minimum, weights * matrix.input.maximum
    low, high = np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)
    thresholds = affine.scale * matrix.activation.values + affine.constants[:, None]
    changes = (thresholds <= low[:, None]).sum(axis=1) < (thresholds <= high[:, None]).sum(axis=1)
    return np.where(changes[:, None], weights, 0)


def live_bits(matrix: Dense) -> NDArray[np.int64]:
    """How many input bits each neuron depends on at most: those of weights other than zero; int64 (neurons,)."""
    return (_live(matrix) != 0).sum(axis=1) * matrix.input.bits


def tabulated(matrix: Dense) -> Lookup:
    """The truth tables of a layer with thresholds.

    Raises
    ------
    ValueError
        A neuron depends on more than :data:`~bnnhw.ir.layers.lookup.MAX_ADDRESS` bits, or the layer has no thresholds.
    """
    weights, dtype = _live(matrix), matrix.input
    fan_in = max(1, int((weights != 0).sum(axis=1).max()))
    if fan_in * dtype.bits > MAX_ADDRESS or not isinstance(matrix.activation, Thresholds):
        raise ValueError(f"layer {matrix.name} must have thresholds and at most {MAX_ADDRESS} live bits per neuron")
    # The live ones in ascending order; behind them any, of weight 0.
    sources = np.argsort(weights == 0, axis=1, kind="stable")[:, :fan_in]
    chosen = np.take_along_axis(weights, sources, axis=1)
    address = np.arange(1 << (fan_in * dtype.bits))
    codes = address >> (np.arange(fan_in)[:, None] * dtype.bits) & (dtype.levels - 1)
    product = Product(matrix)
    tables = product.activate((chosen @ dtype.values(codes)).T.astype(product.dtype)).T
    return Lookup(matrix.name, matrix.synapses, dtype, sources, tables, matrix.output)
