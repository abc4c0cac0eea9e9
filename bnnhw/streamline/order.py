"""All scores of a last layer in one order: what float64 says of every pair of them, against integers.

The argmax, ties included, depends on nothing but ``y_i >= y_j`` for the pairs of classes i < j. So of two scores of
different classes the greater ranks higher, and of equal ones that of the lower class. A score of a class that is
no less than another of the same class ranks no lower: a class rises with its accumulator, or falls.

All scores are sorted once by their float64 values, ``(y, -class)``. Integer scores agree on every pair iff
``(s, -class)`` never falls along that sequence, and rises wherever the class changes: an order is transitive, so
neighbours decide. For C classes of R accumulators that is ``C * R`` comparisons per candidate, not ``R**2`` for each
pair of classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.arithmetic import emitted_affine
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Output
from bnnhw.ir.steps import Step, apply

__all__ = ["ScoreOrder"]

MOST = 1 << 62
"""Numbers stay below this, and so the difference of any two."""

SUSPECTS = 1024
"""Places that are looked at first, since they were wrong the last time."""


def _inversions(ranks: NDArray[np.int64]) -> int:
    """Pairs of a permutation of ``0 .. n - 1`` in which the greater comes first: counted bit by bit."""
    total, sequence = 0, ranks
    for bit in reversed(range(max(1, len(ranks) - 1).bit_length())):
        # Sorted by the bits above this one; within a group of these, ones that come before a zero are out of order.
        ones = (sequence >> bit) & 1
        before = np.cumsum(ones) - ones
        group = sequence >> (bit + 1)
        base = before[np.searchsorted(group, group)]
        total += int(((before - base) * (1 - ones)).sum())
        sequence = sequence[np.argsort(sequence >> bit, kind="stable")]
    return total


class ScoreOrder:
    """Every score of every class, sorted by its float64 value.

    Parameters
    ----------
    layer : Layer
    steps : tuple of Step
        From what it emits to finite scores.
    falling : bool array (classes,)
        Whose scores fall with the accumulator.
    """

    def __init__(self, layer: Layer, steps: tuple[Step, ...], falling: NDArray[np.bool_]) -> None:
        affine, (low, high) = emitted_affine(layer), layer.emitted
        acc = np.arange(low, high + 1)
        # The last class first, each as it rises: a stable sort then leaves equal values in the order stated above.
        y = apply(steps, affine.scale * acc[:, None] + affine.constants).T[::-1]
        accs = np.where(falling[::-1, None], acc[::-1], acc)
        y = np.where(falling[::-1, None], y[:, ::-1], y).ravel()
        order = np.argsort(y, kind="stable")
        self._y = y[order]
        self._acc = accs.ravel()[order]
        self._class = (len(affine.constants) - 1 - order // len(acc)).astype(np.int32)
        # Where scores must rise, not only not fall.
        self._strict = self._class[:-1] < self._class[1:]
        self._suspects = np.empty(0, np.int64)

    def _scores(self, output: Output, places: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.int64]:
        classes = self._class[places]
        return output.multiplier[classes] * self._acc[places] + output.offset[classes]

    def holds(self, output: Output) -> bool:
        """Whether all pairs are ordered as in float64."""
        places = self._suspects
        first, second = self._scores(output, places), self._scores(output, places + 1)
        if ((first > second) | ((first == second) & self._strict[places])).any():
            return False
        scores = self._scores(output)
        wrong = (scores[:-1] > scores[1:]) | ((scores[:-1] == scores[1:]) & self._strict)
        self._suspects = np.flatnonzero(wrong)[:SUSPECTS]
        return not len(self._suspects)

    def _keys(self, output: Output) -> NDArray[np.int64]:
        """A number for each score, in float64's order, that ranks it among the integers."""
        scores, classes = self._scores(output), output.classes
        if max(-int(scores.min()), int(scores.max())) < MOST // classes:
            return scores * classes - self._class
        order = np.lexsort((-self._class, scores))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        return ranks

    def margin(self, output: Output, limit: float = np.inf) -> float:
        """The widest gap among pairs that are ordered otherwise, or one above a limit if it is."""
        keys = self._keys(output)
        greatest = np.maximum.accumulate(keys)
        late = np.flatnonzero(greatest > keys)
        # A few of many say soon that the limit is passed.
        for some in (late[:: 1 + len(late) // SUSPECTS], late):
            # The farthest that ranks higher is the first that does.
            early = np.searchsorted(greatest, keys[some], side="right")
            found = float((self._y[some] - self._y[early]).max(initial=0.0))
            if found > limit:
                break
        return found

    def misfits(self, output: Output) -> int:
        """How many pairs are ordered otherwise."""
        keys = self._keys(output)
        least = np.minimum.accumulate(keys[::-1])[::-1]
        involved = keys[(np.maximum.accumulate(keys) > keys) | (least < keys)]
        # Equal keys are of one class, and in order.
        ranks = np.empty(len(involved), np.int64)
        ranks[np.argsort(involved, kind="stable")] = np.arange(len(involved))
        return _inversions(ranks)
