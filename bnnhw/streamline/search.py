"""The thresholds of a layer by bisection in float64, where float64 can tell, all neurons and levels at once.

A chain of monotone steps is monotone in float64 too, up to the errors of functions that are not rounded correctly, so
the least accumulator that reaches a bound is found in as many steps as the accumulator has bits. It is the exact
threshold if the chain's output there, and that of the accumulator before it, are further from the bound than their
errors (:mod:`bnnhw.streamline.float_error`), or have none: then both are on the same side of it exactly. Every other
threshold is for exact arithmetic to find (:mod:`bnnhw.streamline.preimage`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.arithmetic import DotAffine
from bnnhw.ir.steps import Step, apply
from bnnhw.streamline.float_error import apply_bounded, exact_chain

__all__ = ["Accumulators", "first_reached", "reaches"]

CHUNK = 1 << 20
"""Thresholds looked for at once: 8 MiB per temporary array."""


@dataclass(frozen=True, eq=False)
class Accumulators:
    """What an activation is applied to: accumulators of a range, and how dot products follow from them.

    Parameters
    ----------
    name : str
        Of their layer.
    affine : DotAffine
        Before any row is complemented.
    low, high : int
    """

    name: str
    affine: DotAffine
    low: int
    high: int

    def dots(self, met: NDArray[np.int64], flipped: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Dot products of accumulators (..., neurons), those of complemented rows counted from the other end."""
        acc = np.where(flipped, self.low + self.high - met, met)
        return self.affine.scale * acc + self.affine.constants


def reaches(bounds: NDArray[np.float64], strict: NDArray[np.bool_], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which bounds (levels, neurons) float64 numbers (..., levels or 1, neurons) reach; strictness is per level."""
    # The infinities mean always and never, whatever the value is.
    return np.where(np.isinf(bounds), bounds < 0, (y > bounds) | (~strict[:, None] & (y == bounds)))


def first_reached(
    activation: FloatActivation, layer: Accumulators, flipped: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The thresholds that float64 finds, and which of them are exact.

    Parameters
    ----------
    activation : FloatActivation
    layer : Accumulators
    flipped : bool array (neurons,)
        Rows that are complemented, so that all neurons rise.

    Returns
    -------
    values : int64 array (levels, neurons)
        ``low .. high + 1``.
    exact : bool array (levels, neurons)
    """
    bounds, strict = activation.quantizer.bounds.T, activation.quantizer.strict
    step = max(1, CHUNK // activation.neurons)
    parts = [
        _search(activation.steps, bounds[start : start + step], strict[start : start + step], layer, flipped)
        for start in range(0, len(bounds), step)
    ]
    values, exact = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(exact)


def _search(
    steps: tuple[Step, ...],
    bounds: NDArray[np.float64],
    strict: NDArray[np.bool_],
    layer: Accumulators,
    flipped: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    low, high = layer.low, layer.high
    least, most = np.full(bounds.shape, low, np.int64), np.full(bounds.shape, high + 1, np.int64)
    while (open_ := least < most).any():
        middle = np.minimum((least + most) // 2, high)
        met = reaches(bounds, strict, apply(steps, layer.dots(middle, flipped)))
        most = np.where(open_ & met, middle, most)
        least = np.where(open_ & ~met, middle + 1, least)
    exact = np.ones(bounds.shape, np.bool_)
    for at, inside in ((least, least <= high), (least - 1, least > low)):
        y, error = apply_bounded(steps, layer.dots(at.clip(low, high), flipped))
        with np.errstate(invalid="ignore"):
            exact &= ~inside | (np.abs(y - bounds) > error)
    exact |= np.isinf(bounds) | exact_chain(steps, layer.dots(np.array([[low], [high]]), flipped))
    return least, exact
