"""The confusion matrix: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Cell", "Confusion", "confusion"]

MOST = 40
"""Most classes that are drawn."""

NUMBERED = 16
"""Most classes whose cells hold figures too."""

PAIRS = 5
"""Most confusions that are named."""


@dataclass(frozen=True)
class Cell:
    """Frames of one class that were given one; ``share`` of that row's frames, in percent."""

    count: int
    share: float
    right: bool


@dataclass(frozen=True)
class Confusion:
    """The matrix.

    Parameters
    ----------
    rows : tuple of (str, tuple of Cell)
        A row per class of the labels: its name, and a cell per class that was given.
    heads : tuple of str
        Over the columns: names of at most three letters, or numbers.
    numbered : bool
        Whether cells show their figures.
    pairs : tuple of (int, str, str)
        The most frequent confusions: how often, which class, for which it was taken.
    """

    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    heads: tuple[str, ...]
    numbered: bool
    pairs: tuple[tuple[int, str, str], ...]


def confusion(evaluate: Mapping[str, Any]) -> Confusion | None:
    """The matrix of an evaluation; None without labels, and for too many classes to draw."""
    matrix: Sequence[Sequence[int]] | None = evaluate.get("confusion")
    if not matrix or len(matrix) > MOST:
        return None
    known = [str(row["name"]) for row in evaluate.get("classes", ())]
    names = [*known, *map(str, range(len(known), len(matrix)))][: len(matrix)]
    short = all(len(name) <= 3 for name in names)
    rows = tuple(
        (
            name if short else f"{number} {name}",
            tuple(
                Cell(count, round(100 * count / max(sum(row), 1), 1), given == number)
                for given, count in enumerate(row)
            ),
        )
        for number, (name, row) in enumerate(zip(names, matrix, strict=True))
    )
    pairs = sorted(
        (
            (-count, of, given)
            for of, row in enumerate(matrix)
            for given, count in enumerate(row)
            if count and of != given
        )
    )
    return Confusion(
        rows,
        tuple(names) if short else tuple(map(str, range(len(names)))),
        len(matrix) <= NUMBERED,
        tuple((-count, names[of], names[given]) for count, of, given in pairs[:PAIRS]),
    )
