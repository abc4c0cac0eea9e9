"""Which sum is computed from which: a spanning tree over the rows of a matrix of constants.

A sum that is near another one needs only what differs: with ``s_a = sum of a_i * x_i``,

    ``s_b = s_a + sum of (b_i - a_i) * x_i``,

and as many lanes are counted as ``b_i - a_i`` has binary digits. A row that is near the complement of another one is
counted down from it. Which pairs are joined is a minimum spanning tree over these distances, of bounded depth because
each level takes a cycle (Prim's algorithm; the idea of computing neurons from cluster centres is that of Vo et al., "A
deep learning accelerator based on a streaming architecture for binary neural networks", 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEPTH", "Origin", "lane_counts", "spanning"]

DEPTH = 3
"""Most corrections one behind the other. Lanes of TFC's first layer, as a share of the dense ones: 0.473, 0.430 and
0.413 at depth 1, 2 and 3, 0.395 unbounded (14 levels).
"""

JOIN = 8
"""Lanes that a correction must save: what the adder that joins it costs."""

_FROM_NOTHING = -1


@dataclass(frozen=True)
class Origin:
    """What a row is computed from.

    Parameters
    ----------
    row : int
    parent : int or None
        Another row; None: nothing, all of its own lanes are counted.
    negated : bool
        Whether the parent's sum is subtracted.
    """

    row: int
    parent: int | None
    negated: bool


def lane_counts(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lanes of each factor: binary digits 1 of its magnitude."""
    return np.bitwise_count(np.abs(values)).astype(np.int64)


def spanning(rows: NDArray[np.int64], depth: int = DEPTH) -> tuple[Origin, ...]:
    """An origin for each row, those it is computed from before it.

    Parameters
    ----------
    rows : array (rows, inputs)
        Factors, all different from each other.
    depth : int
        Most corrections one behind the other.
    """
    count = len(rows)
    alone = lane_counts(rows).sum(axis=1)
    least = alone.copy()
    parent, negated, level = np.full(count, _FROM_NOTHING), np.zeros(count, bool), np.zeros(count, np.int64)
    left = np.ones(count, bool)
    found: list[Origin] = []
    for _ in range(count):
        row = int(np.argmin(np.where(left, least, np.iinfo(np.int64).max)))
        left[row] = False
        start = None if parent[row] == _FROM_NOTHING else int(parent[row])
        found.append(Origin(row, start, bool(negated[row])))
        if level[row] == depth:
            continue
        for sign in (1, -1):
            near = lane_counts(rows - sign * rows[row]).sum(axis=1)
            # What is computed from another one already changes over for any gain at all.
            better = left & (near + np.where(parent == _FROM_NOTHING, JOIN, 0) < least)
            least[better], parent[better], negated[better] = near[better], row, sign < 0
            level[better] = level[row] + 1
    return tuple(found)
