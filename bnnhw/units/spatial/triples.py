"""Which lanes are counted once for several sums.

Three lanes are counted by a full adder, two LUT4, the first step of every popcount. Wherever the same three inputs are
counted for another sum, all with the same signs or all with the opposite ones, the same adder serves: the count of
three inverted bits is 3 less their count, so that both its bits are inverted.

It saves two LUT4 for each sum but the first, and costs wires: instead of three inputs, which reach most of a layer
anyway, two more signals go to all these sums. Wires get longer with a layer's size, so in a large one fewer triples are
worth it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LANES", "Triple", "Users", "shared_triples"]

LANES = 7000
"""For each so many lanes of a layer a triple needs one user more, beginning with two. TFC's first layer has 21,340: of
1,031 triples with two users or more 451 have five. Without the others it takes 2,284 LUT4 more, 0.045 per weight, and
a fifth of the length of its inputs' and triples' wires less, by what the shortest tree through ``n`` points at random
measures, 0.7 times the root of ``n`` times the area (Beardwood, Halton and Hammersley, 1959, for tours).
"""

Triple = tuple[tuple[int, bool], tuple[int, bool], tuple[int, bool]]
"""Three inputs, and whether each is inverted; the first never is."""


@dataclass(frozen=True)
class Users:
    """A triple, and the rows that count it.

    Parameters
    ----------
    triple : Triple
    rows : tuple of (int, bool)
        Each row, and whether it counts the complements.
    """

    triple: Triple
    rows: tuple[tuple[int, bool], ...]


def shared_triples(signs: NDArray[np.int8], room: NDArray[np.int64]) -> tuple[Users, ...]:
    """Triples of at least two users each, more in large layers (:data:`LANES`); no lane is in two triples of a row.

    Greedy: the input that most rows have left, the input that most of these have beside it with one sign, and the third
    likewise.

    Parameters
    ----------
    signs : array (rows, inputs)
        1 or -1 (inverted) where a row counts an input, else 0.
    room : array (rows,)
        Triples that each row may have.
    """
    least = 2 + int(np.count_nonzero(signs)) // LANES
    left, room = signs.copy(), room.copy()
    left[room == 0] = 0
    done = np.zeros(left.shape[1], bool)
    found: list[Users] = []
    while True:
        counts = np.where(done, 0, np.count_nonzero(left, axis=0))
        first = int(np.argmax(counts))
        if counts[first] < least:
            return tuple(found)
        users = np.flatnonzero(left[:, first])
        phase = left[users, first]
        inputs, turned = [first], [False]
        for _ in range(2):
            relative = left[users] * phase[:, None]
            plain, inverted = (relative > 0).sum(axis=0), (relative < 0).sum(axis=0)
            plain[inputs] = inverted[inputs] = 0
            sign = 1 if plain.max() >= inverted.max() else -1
            chosen = int(np.argmax(plain if sign > 0 else inverted))
            stay = relative[:, chosen] == sign
            users, phase = users[stay], phase[stay]
            inputs.append(chosen)
            turned.append(sign < 0)
        if len(users) < least:
            done[first] = True
            continue
        left[np.ix_(users, inputs)] = 0
        room[users] -= 1
        left[room == 0] = 0
        a, b, c = zip(inputs, turned, strict=True)
        found.append(Users((a, b, c), tuple((int(row), bool(p < 0)) for row, p in zip(users, phase, strict=True))))
