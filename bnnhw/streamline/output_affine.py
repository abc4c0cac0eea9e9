"""The pass from the final batch normalization to an integer multiplier and offset per class.

Assumes: an output with a batch norm has multiplier 1 and offset 0. Leaves: an output without one, whose
integer argmax (the lowest index on a tie) is the float64 argmax for every reachable set of scores, or a
warning that says by how much that can't be proved. Nothing else is touched; an output without a batch
norm is left as it is.

Method
------
Class i scores ``y_i = gamma * (dot_i - mean) / s + beta`` in float64, with ``dot_i = scale * acc_i + constant_i``:
up to rounding ``slope_i * acc_i + shift_i``. The integer score is ``round(f * slope_i) * acc_i + round(f * shift_i)``
with one factor f for all classes, less an offset common to all that centres the range of scores on 0,
so that a score is as narrow as it can be. (A negative gamma gives a negative multiplier.)

The argmax, ties included, depends on nothing but ``y_i >= y_j`` for the pairs i < j. Each side is a
function of its own accumulator alone, so a pair is proved on the grid of all (acc_i, acc_j): ``y_j`` is
monotone in ``acc_j`` in float64 too, since every rounding is monotone, so for each ``acc_i`` the
accumulators with ``y_j <= y_i`` are the first so many in one order, and the integer scores agree on the
whole row of the grid iff they give the same count. Two binary searches a row: K + 1 rows a pair.

Constant scores are tried first, then factors in ascending order, as the greatest multiplier they give: every one below
:data:`DENSE`, then :data:`PER_OCTAVE` to each power of two. The first that is proved for all pairs is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.arithmetic import dot_affine, normalize, standard_deviation
from bnnhw.ir.layers import BatchNorm, Dense, Output
from bnnhw.ir.network import Network
from bnnhw.streamline.result import StreamlineResult

__all__ = ["output_affine"]

DENSE = 64
PER_OCTAVE = 16
MAX_MULTIPLIER = 1 << 48
"""Greatest multiplier tried: slopes are known to 53 bits, less a few for the roundings they went through."""

MAX_SCORE = 1 << 62
"""Scores stay below this: int64 holds them, and the difference of any two."""


@dataclass(frozen=True)
class _Misfit:
    """How far some integer scores are from the proof: pairs ordered otherwise, and the widest gap among them."""

    margin: float
    pairs: int


class _Proof:
    """The float64 side of all pairs, computed once."""

    def __init__(self, layer: Dense, norm: BatchNorm) -> None:
        affine, (low, high) = dot_affine(layer), layer.accumulator_range
        self.low, self.high = low, high
        acc = np.arange(low, high + 1)
        self.falling = norm.gamma < 0
        self.accs = [acc[::-1] if falling else acc for falling in self.falling]
        columns = normalize(norm, affine.scale * acc[:, None] + affine.constants).T
        # Each class in the order of its accumulators in which its scores ascend.
        self.y = [
            np.ascontiguousarray(y[::-1] if falling else y) for y, falling in zip(columns, self.falling, strict=True)
        ]
        self.pairs = list(combinations(range(norm.neurons), 2))
        self._counts: dict[tuple[int, int], NDArray[np.intp]] = {}

    def _count(self, i: int, j: int) -> NDArray[np.intp]:
        """For each accumulator of class i, how many of class j score no more."""
        if (i, j) not in self._counts:
            self._counts[i, j] = np.searchsorted(self.y[j], self.y[i], side="right")
        return self._counts[i, j]

    def _scores(self, output: Output, i: int) -> NDArray[np.int64]:
        return output.multiplier[i] * self.accs[i] + output.offset[i]

    def holds(self, output: Output) -> bool:
        """Whether all pairs are ordered as in float64."""
        scores = [self._scores(output, i) for i in range(output.classes)]
        for position, (i, j) in enumerate(self.pairs):
            if not np.array_equal(np.searchsorted(scores[j], scores[i], side="right"), self._count(i, j)):
                # The pair that failed is the likeliest to fail for the next factor.
                self.pairs.insert(0, self.pairs.pop(position))
                return False
        return True

    def misfit(self, output: Output) -> _Misfit:
        """What is ordered otherwise, over all pairs."""
        scores = [self._scores(output, i) for i in range(output.classes)]
        margin, number = 0.0, 0
        for i, j in self.pairs:
            have, want = np.searchsorted(scores[j], scores[i], side="right"), self._count(i, j)
            rows = np.flatnonzero(have != want)
            number += int(np.abs(have - want).sum())
            # The farthest of the disputed accumulators of class j is the last one on the integers' side.
            farthest = np.where(have > want, have - 1, have)[rows]
            if len(rows):
                margin = max(margin, float(np.abs(self.y[i][rows] - self.y[j][farthest]).max()))
        return _Misfit(margin, number)


def _factors() -> Iterator[int]:
    yield from range(1, DENSE)
    step = DENSE // PER_OCTAVE
    value = DENSE
    while value <= MAX_MULTIPLIER:
        yield value
        value += step
        if value == step * PER_OCTAVE * 2:
            step *= 2


def _centred(name: str, multiplier: NDArray[np.float64], offset: NDArray[np.float64], proof: _Proof) -> Output | None:
    """An output with the range of its scores centred on 0; None if they are too large."""
    if not (np.abs(multiplier) < MAX_SCORE).all() or not (np.abs(offset) < MAX_SCORE).all():
        return None
    m, o = [int(v) for v in multiplier], [int(v) for v in offset]
    ends = [a * acc + b for a, b in zip(m, o, strict=True) for acc in (proof.low, proof.high)]
    centre = (min(ends) + max(ends) + 1) // 2
    if max(ends) - centre >= MAX_SCORE or max(abs(b - centre) for b in o) >= MAX_SCORE:
        return None
    return Output(name, np.array(m, np.int64), np.array([b - centre for b in o], np.int64))


def _convert(name: str, layer: Dense, norm: BatchNorm) -> tuple[Output, list[str]]:
    proof = _Proof(layer, norm)
    affine = dot_affine(layer)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        slope = norm.gamma * affine.scale / standard_deviation(norm)
        shift = normalize(norm, affine.constants)
    if not np.isfinite(slope).all() or not all(np.isfinite(y).all() for y in proof.y):
        raise NetworkError(f"layer {name}: scores must be finite")
    greatest = float(np.abs(slope).max())
    # Constant scores, the ranks of the classes: for classes that are never close, or do not vary at all.
    ranks = np.unique(shift, return_inverse=True)[1].astype(np.float64)
    constant = _centred(name, np.zeros(len(slope)), ranks, proof)
    assert constant is not None
    if proof.holds(constant):
        return constant, []
    candidates = [constant]
    # Scores relative to their middle: an offset common to all classes decides nothing, and costs precision.
    middle = max(float(y[-1]) for y in proof.y) / 2 + min(float(y[0]) for y in proof.y) / 2
    for factor in _factors():
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            multiplier, offset = np.rint(slope / greatest * factor), np.rint((shift - middle) / greatest * factor)
        output = _centred(name, multiplier, offset, proof)
        if output is None:
            break
        if proof.holds(output):
            return output, []
        if factor & (factor - 1) == 0:
            candidates.append(output)
    misfits = [proof.misfit(candidate) for candidate in candidates]
    best = min(range(len(candidates)), key=lambda i: (misfits[i].margin, misfits[i].pairs))
    total = len(proof.pairs) * (proof.high - proof.low + 1) ** 2
    warning = (
        f"layer {name}: the integer argmax can't be proved equal to float64's: {misfits[best].pairs} of {total} "
        f"pairs of scores are ordered otherwise, none more than {misfits[best].margin:.3g} apart"
    )
    return candidates[best], [warning]


def output_affine(network: Network) -> StreamlineResult:
    """Run the pass (contract and method: the module's docstring).

    Raises
    ------
    NetworkError
        Naming the output, if scores are not finite, or its multiplier and offset are not plain.
    """
    output = network.output
    if output.norm is None:
        return StreamlineResult(network)
    if (output.multiplier != 1).any() or output.offset.any():
        raise NetworkError(f"layer {output.name}: an output with a batch norm must have multiplier 1 and offset 0")
    converted, warnings = _convert(output.name, network.dense[-1], output.norm)
    return StreamlineResult(
        Network(network.input, (*network.layers[:-1], converted), network.provenance), tuple(warnings)
    )
