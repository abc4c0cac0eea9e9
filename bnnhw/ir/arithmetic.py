"""How accumulators relate to dot products.

The dot product of a layer
--------------------------
The dot product that a trained network computes is ``dot = sum_k x_k * w_k``, with ``x_k`` the value
of an input element and ``w_k = sum_j d_j * s_jk`` the value of a weight, ``s_jk`` in {-1, +1} the sign
of weight plane ``j`` and ``d_j`` its coefficient. The hardware counts matches,
``acc = sum_i sum_j a_i * d_j * p_ij`` with ``p_ij = popcount(XNOR(x_i, w_j))``. For one pair of planes,
writing ``b_i`` in {0, 1} for the bits of ``x`` and ``pc(w_j)`` for the ones in a row of plane ``j``:

- ``sum_k (2 b_i - 1) * s_j = 2 p_ij - K`` (matches minus mismatches), hence
- ``sum_k b_i * s_j = ((2 p_ij - K) + sum_k s_j) / 2 = p_ij + pc(w_j) - K``.

A bipolar element is ``x = 2 b_0 - 1``, so ``dot = 2 * acc - K * sum_j d_j``. Unsigned and two's
complement elements are ``x = sum_i a_i * b_i``, so
``dot = acc + (sum_i a_i) * sum_j d_j * (pc(w_j) - K)``. Either way ``dot = scale * acc + constant``,
with one constant per neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Dense, Output
from bnnhw.ir.steps import Divide, Scale, Shift, Step

__all__ = ["DotAffine", "dot_affine", "dot_output", "emitted_affine", "steps_on_dots", "weight_values"]


@dataclass(frozen=True, eq=False)
class DotAffine:
    """``dot = scale * acc + constants``.

    Parameters
    ----------
    scale : int
        2 for bipolar input elements, otherwise 1.
    constants : int64 array (neurons,)
    """

    scale: int
    constants: NDArray[np.int64]


def dot_affine(layer: Dense) -> DotAffine:
    """How the dot products of a layer follow from its accumulators (formula: the module's docstring)."""
    k = layer.synapses
    if layer.input.kind == "bipolar":
        constant = -k * sum(plane.coefficient for plane in layer.weights)
        return DotAffine(2, np.full(layer.neurons, constant, np.int64))
    total = np.zeros(layer.neurons, np.int64)
    for plane in layer.weights:
        total += plane.coefficient * (plane.bits.bits().sum(axis=1, dtype=np.int64) - k)
    return DotAffine(1, sum(layer.input.coefficients) * total)


def steps_on_dots(layer: Dense, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps on the dot products of a layer, from steps on its accumulators."""
    affine = dot_affine(layer)
    scale = np.full(layer.neurons, float(affine.scale))
    constants = affine.constants.astype(np.float64)
    # What a reader puts first, to get from accumulators to dot products, is undone, not done twice.
    from_dots: list[Step] = []
    to_dots: list[Step] = []
    if affine.scale != 1:
        to_dots.append(Scale(scale))
        from_dots.append(Divide(scale))
    if constants.any():
        to_dots.append(Shift(constants))
        from_dots.insert(0, Shift(-constants))
    if steps[: len(to_dots)] == tuple(to_dots):
        return steps[len(to_dots) :]
    return (*from_dots, *steps)


def emitted_affine(layer: Layer) -> DotAffine:
    """How what a layer at the end of a network stands for follows from the numbers that it emits.

    Accumulators stand for dot products, all else for itself.
    """
    if layer.matrix is not None and layer.activation is None:
        return dot_affine(layer.matrix)
    return DotAffine(1, np.zeros(layer.shape_out[0], np.int64))


def dot_output(name: str, layer: Layer) -> Output:
    """The output whose scores are what a layer's numbers stand for, up to what changes no class.

    Dot products of bipolar elements are halved, and a single one rounded down, which keeps its sign.
    """
    affine, output = emitted_affine(layer), Output.plain(name, layer.shape_out[0])
    # A constant of all classes decides nothing, but between a single score and 0.
    offset = affine.constants // affine.scale if affine.scale == 1 or output.classes == 1 else output.offset
    return Output(name, output.multiplier, offset)


def weight_values(layer: Dense) -> NDArray[np.int64]:
    """The values of the weights, ``sum_j d_j * s_j``: int64 (neurons, synapses)."""
    values = np.zeros((layer.neurons, layer.synapses), np.int64)
    for plane in layer.weights:
        values += plane.coefficient * plane.bits.signs().astype(np.int64)
    return values
