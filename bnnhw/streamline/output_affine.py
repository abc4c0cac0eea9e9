"""The pass from the final affine steps (a batch norm, scalings, shifts) to an integer multiplier and offset per class.

Assumes: an output with steps has multiplier 1 and offset 0. Leaves: an output without steps, whose
integer argmax (the lowest index on a tie) is the float64 argmax for every reachable set of scores, or a
warning that says by how much that can't be proved. Nothing else is touched; an output without steps is
left as it is.

Method
------
Class i scores ``y_i``, the steps in float64 on ``dot_i = scale * acc_i + constant_i``: up to rounding
``slope_i * acc_i + shift_i``. The integer score is ``round(f * slope_i) * acc_i + round(f * shift_i)``
with one factor f for all classes, less an offset common to all. (A negative slope gives a negative multiplier.)
Classes of one slope and shift have accumulators for scores: multiplier 1, offset 0, nothing to compute. Otherwise
the common offset makes the least of the offsets 0, or, if a score is narrower then, centres the scores on 0.

The argmax, ties included, depends on nothing but ``y_i >= y_j`` for the pairs i < j. Each side is a
function of its own accumulator alone, so a pair is proved on the grid of all (acc_i, acc_j): ``y_j`` is
monotone in ``acc_j`` in float64 too, since every rounding is monotone, so for each ``acc_i`` the
accumulators with ``y_j <= y_i`` are the first so many in one order, and the integer scores agree on the
whole row of the grid iff they give the same count. Two binary searches per row: K + 1 rows per pair.

Constant scores are tried first, then factors in ascending order, as the greatest multiplier they give: every one below
:data:`DENSE`, then :data:`PER_OCTAVE` to each power of two. The first that is proved for all pairs is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.layers import Dense, Output
from bnnhw.ir.network import Network
from bnnhw.ir.steps import BatchNorm, Divide, PRelu, Relu, Scale, Shift, Step, apply, standard_deviation
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

    def __init__(self, layer: Dense, steps: tuple[Step, ...]) -> None:
        affine, (low, high) = dot_affine(layer), layer.accumulator_range
        self.low, self.high = low, high
        acc = np.arange(low, high + 1)
        columns = apply(steps, affine.scale * acc[:, None] + affine.constants).T
        falling = [bool(y[-1] < y[0]) for y in columns]
        self.accs = [acc[::-1] if down else acc for down in falling]
        # Each class in the order of its accumulators in which its scores ascend.
        self.y = [np.ascontiguousarray(y[::-1] if down else y) for y, down in zip(columns, falling, strict=True)]
        self.pairs = list(combinations(range(layer.neurons), 2))
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


def _width(low: int, high: int) -> int:
    """Bits of a signed number in a range."""
    return 1 + max(v.bit_length() if v >= 0 else (~v).bit_length() for v in (low, high))


def _output(name: str, multiplier: NDArray[np.float64], offset: NDArray[np.float64], proof: _Proof) -> Output | None:
    """An output with the common offset chosen as the module's docstring says; None if scores are too large."""
    if not (np.abs(multiplier) < MAX_SCORE).all() or not (np.abs(offset) < MAX_SCORE).all():
        return None
    m, o = [int(v) for v in multiplier], [int(v) for v in offset]
    ends = [a * acc + b for a, b in zip(m, o, strict=True) for acc in (proof.low, proof.high)]
    base, centre = min(o), (min(ends) + max(ends) + 1) // 2
    alike = len(set(o)) == len(set(m)) == 1 and m[0]
    if not alike and _width(min(ends) - centre, max(ends) - centre) < _width(min(ends) - base, max(ends) - base):
        base = centre
    if max(abs(end - base) for end in ends) >= MAX_SCORE or max(abs(b - base) for b in o) >= MAX_SCORE:
        return None
    return Output(name, np.array(m, np.int64), np.array([b - base for b in o], np.int64))


def _slopes(name: str, steps: tuple[Step, ...], scale: int, classes: int) -> NDArray[np.float64]:
    """What the steps multiply accumulators by."""
    slope = np.full(classes, float(scale))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for step in steps:
            match step:
                case Scale():
                    slope = slope * step.factor
                case Divide():
                    slope = slope / step.divisor
                case BatchNorm():
                    slope = step.gamma * slope / standard_deviation(step)
                case Relu() | PRelu():
                    kind = type(step).__name__.lower()
                    raise NetworkError(f"layer {name}: scores must be affine, without a {kind}")
                case Shift():
                    pass
                case _:
                    assert_never(step)
    return slope


def _convert(name: str, layer: Dense, steps: tuple[Step, ...]) -> tuple[Output, list[str]]:
    affine = dot_affine(layer)
    slope = _slopes(name, steps, affine.scale, layer.neurons)
    proof = _Proof(layer, steps)
    shift = apply(steps, affine.constants)
    if not np.isfinite(slope).all() or not all(np.isfinite(y).all() for y in proof.y):
        raise NetworkError(f"layer {name}: scores must be finite")
    greatest = float(np.abs(slope).max())
    # Constant scores, the ranks of the classes: for classes that are never close, or do not vary at all.
    ranks = np.unique(shift, return_inverse=True)[1].astype(np.float64)
    constant = _output(name, np.zeros(len(slope)), ranks, proof)
    assert constant is not None
    if proof.holds(constant):
        return constant, []
    candidates = [constant]
    # Scores relative to their middle: an offset common to all classes decides nothing, and costs precision.
    middle = max(float(y[-1]) for y in proof.y) / 2 + min(float(y[0]) for y in proof.y) / 2
    if (slope == slope[0]).all():
        # Shifts that differ by whole steps of the accumulators then come out as integers, not as halves.
        middle = min(shift.tolist(), key=lambda value: abs(value - middle))
    for factor in _factors():
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            multiplier, offset = np.rint(slope / greatest * factor), np.rint((shift - middle) / greatest * factor)
        output = _output(name, multiplier, offset, proof)
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
        Naming the output, if scores are not finite or not affine, or its multiplier and offset are not plain.
    """
    output = network.output
    if not output.steps:
        return StreamlineResult(network)
    if (output.multiplier != 1).any() or output.offset.any():
        raise NetworkError(f"layer {output.name}: an output with steps must have multiplier 1 and offset 0")
    converted, warnings = _convert(output.name, network.matrices[-1], output.steps)
    return StreamlineResult(
        Network(network.input, (*network.layers[:-1], converted), network.provenance), tuple(warnings)
    )
