"""Matrices without some of their rows and columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import BitMatrix, Dense, Thresholds, WeightPlane
from bnnhw.lowering.live.registry import UNKNOWN, Channels, Codes

__all__ = ["Weights"]


@dataclass(frozen=True, eq=False)
class Weights:
    """A matrix on inputs some of which are constant.

    An input of bits ``x_i`` with the coefficients ``a_i`` adds to the accumulator of a neuron, over the planes ``j`` of
    its weight, ``sum of a_i * d_j * [x_i == w_j] = (A * D + S * W) / 2``, with ``A`` and ``D`` the sums of ``a_i`` and
    ``d_j``, ``S`` that of ``a_i`` times 1 or -1 for its bit, and ``W`` the weight, that of ``d_j`` times 1 or -1.

    Parameters
    ----------
    matrix : Dense
        Streamlined.
    given : Codes (synapses,)
    """

    matrix: Dense
    given: Codes

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        """``W``: (neurons, synapses)."""
        first, *others = (plane.coefficient * plane.bits.signs().astype(np.int64) for plane in self.matrix.weights)
        return sum(others, start=first)

    @cached_property
    def _sums(self) -> tuple[NDArray[np.int64], int, int]:
        """``S`` of each synapse's code, 0 where it is not known; ``A * D``; and the greatest ``S``."""
        coefficients = np.array(self.matrix.input.coefficients)
        bits = self.given[:, None] >> np.arange(len(coefficients)) & 1
        signs = np.where(self.given == UNKNOWN, 0, (2 * bits - 1) @ coefficients)
        even = int(coefficients.sum()) * sum(plane.coefficient for plane in self.matrix.weights)
        return signs, even, int(np.abs(coefficients).sum())

    @cached_property
    def reach(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The least and the greatest accumulator of each neuron."""
        signs, even, most = self._sums
        fixed = self.matrix.synapses * even + self.weights @ signs
        free = most * np.abs(self.weights[:, self.given == UNKNOWN]).sum(axis=1)
        return (fixed - free) // 2, (fixed + free) // 2

    @cached_property
    def constants(self) -> Codes:
        """The neurons that give the same code for every input."""
        thresholds = self.matrix.activation
        if not isinstance(thresholds, Thresholds):
            return np.full(self.matrix.neurons, UNKNOWN)
        low, high = ((thresholds.values <= end[:, None]).sum(axis=1) for end in self.reach)
        return np.where(low == high, thresholds.dtype.codes(low).astype(np.int64), UNKNOWN)

    def columns(self, wanted: Channels, last: bool) -> Channels:
        """The synapses that must stay for the neurons that are wanted.

        Of a matrix that emits accumulators all, but where the output behind it can add what was constant: then it may
        lack what is the same in all of them.
        """
        read = self.weights[wanted & (self.constants == UNKNOWN)].any(axis=0)
        if self.matrix.activation is not None:
            return read & (self.given == UNKNOWN)
        alike = (self.given != UNKNOWN) & (np.ptp(self.weights, axis=0) == 0)
        return read & ~alike if last else np.ones_like(read)

    def _lacking(self, taken: Channels) -> NDArray[np.int64]:
        """What each accumulator lacks without the other synapses."""
        signs, even, _ = self._sums
        return (np.count_nonzero(~taken) * even + self.weights[:, ~taken] @ signs[~taken]) // 2

    def without(self, taken: Channels, wanted: Channels) -> tuple[Dense, int]:
        """The matrix of some synapses and neurons, and what its accumulators lack where it emits them."""
        planes = tuple(
            WeightPlane(plane.coefficient, BitMatrix.from_bits(plane.bits.bits()[wanted][:, taken]))
            for plane in self.matrix.weights
        )
        matrix = replace(self.matrix, weights=planes, activation=None)
        lacking, thresholds = self._lacking(taken)[wanted], self.matrix.activation
        if not isinstance(thresholds, Thresholds):
            return matrix, int(lacking[0])
        low, high = matrix.accumulator_range
        values = thresholds.values[wanted]
        # What is constant may have read what is left out: its thresholds are met always or never.
        met = values <= self.reach[0][wanted][:, None]
        constant = (self.constants != UNKNOWN)[wanted][:, None]
        values = np.where(constant, np.where(met, low, high + 1), np.clip(values - lacking[:, None], low, high + 1))
        return replace(matrix, activation=Thresholds(values, thresholds.dtype)), 0
