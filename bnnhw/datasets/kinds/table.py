"""Tables with a column of classes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.labelled import Labelled, class_names
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.text import first_line, number, numbers, read_text
from bnnhw.errors import FileError

__all__ = ["KIND", "Table"]

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".dat", ".data"})
DELIMITERS = ",;\t|"
USUAL = ("label", "class", "target", "y")
"""Names of the column of classes that need not be said."""

IGNORE = "; --ignore COLUMN leaves a column out"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


@dataclass(frozen=True)
class _Columns:
    """The columns of a table: their names, and which of them are what."""

    names: tuple[str, ...]
    label: int
    features: tuple[int, ...]


class Table(Kind):
    """A CSV file: a line per sample, a column of classes, numbers in all others.

    Commas, semicolons, tabs or bars between cells; the first line may be one of names. The column of classes is the one
    said, else the one named label, class, target or y, else the only one that is not of numbers. One sample is
    (features,) of float32, or a map of the shape said.
    """

    name: ClassVar[str] = "table"
    noun: ClassVar[str] = "a CSV file with a column of classes"
    options: ClassVar[tuple[str, ...]] = ("label", "ignore", "shape")
    rank: ClassVar[int] = 1

    def matches(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() in SUFFIXES

    def read(self, path: Path, reading: Reading) -> Labelled:
        rows = list(_rows(path))
        if not rows:
            raise FileError(f"{path}: must hold samples, and is empty")
        line, first = rows[0]
        for at, row in rows:
            if len(row) != len(first):
                raise FileError(f"{path}:{at}: must have {len(first)} cells as line {line} has, not {len(row)}")
        headed = _has_names(rows, reading)
        names = tuple(cell.strip() for cell in first) if headed else tuple(f"column {i + 1}" for i in range(len(first)))
        body = rows[1:] if headed else rows
        if not body:
            raise FileError(f"{path}: must hold samples, and has one line of names alone")
        columns = _columns(path, names, [row for _, row in body], reading)
        where = [f"{path}:{at}" for at, _ in body]
        labels = class_names([row[columns.label].strip() for _, row in body], where)
        features = [f"column {name!r}" if headed else name for name in (names[i] for i in columns.features)]
        samples = np.stack(
            [
                numbers([row[i] for i in columns.features], place, features, IGNORE)
                for (_, row), place in zip(body, where, strict=True)
            ]
        )
        return Labelled(shaped(path, samples, reading), labels, where, reading=reading.said)


def shaped(path: Path, samples: NDArray[np.float32], reading: Reading) -> NDArray[np.float32]:
    """Samples in the shape that is said, if one is."""
    if reading.shape is None:
        return samples
    if samples[0].size != np.prod(reading.shape):
        sizes = "x".join(map(str, reading.shape))
        raise FileError(f"{path}: --shape must have {samples[0].size} elements, as a sample has, not {sizes}")
    return samples.reshape(-1, *reading.shape)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank: number of the last line of text, cells."""
    text = read_text(path)
    head = first_line(path)
    counts = {delimiter: head.count(delimiter) for delimiter in DELIMITERS}
    delimiter = max(counts, key=lambda key: counts[key])
    if not counts[delimiter]:
        if len(head.split()) > 1:
            yield from ((at, cells) for at, line in enumerate(text.splitlines(), 1) if (cells := line.split()))
            return
        raise FileError(f"{path}:1: must have cells with commas, semicolons, tabs or bars between them")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise FileError(f"{path}:{reader.line_num}: {error}") from None


def _has_names(rows: list[tuple[int, list[str]]], reading: Reading) -> bool:
    """Whether the first line names columns: it has words where the next has numbers, or the column asked for."""
    first = [cell.strip() for cell in rows[0][1]]
    if reading.label is not None and reading.label in first and number(reading.label) is None:
        return True
    second = rows[1][1] if len(rows) > 1 else []
    texts = [number(cell) is None for cell in first]
    return any(
        text and cell != "" and number(other) is not None
        for text, cell, other in zip(texts, first, second, strict=False)
    ) or (all(texts) and len(set(first)) == len(first) and any(cell.lower() in USUAL for cell in first))


def _place(path: Path, names: tuple[str, ...], wanted: str, option: str) -> int:
    """The column that is meant by a name or a number."""
    if names.count(wanted) > 1:
        raise FileError(f"{path}:1: has {names.count(wanted)} columns named {wanted!r}; say its number with {option}")
    if wanted in names:
        return names.index(wanted)
    try:
        at = int(wanted)
    except ValueError:
        raise FileError(f"{path}:1: has no column {wanted!r} for {option}; its columns: {_named(names)}") from None
    if not 1 <= abs(at) <= len(names):
        raise FileError(f"{path}:1: {option} must be a column from 1 to {len(names)}, or -1 for the last, not {wanted}")
    return at - 1 if at > 0 else len(names) + at


def _columns(path: Path, names: tuple[str, ...], rows: list[list[str]], reading: Reading) -> _Columns:
    ignored = {_place(path, names, wanted, "--ignore") for wanted in reading.ignore}
    if reading.label is not None:
        label = _place(path, names, reading.label, "--label")
    else:
        left = [i for i in range(len(names)) if i not in ignored]
        usual = [i for i in left if names[i].lower() in USUAL]
        words = [i for i in left if all(number(row[i]) is None and row[i].strip() for row in rows)]
        if len(usual) != 1 and len(words) != 1:
            raise FileError(
                f"{path}:1: must have one column named {', '.join(USUAL)}, or one without numbers, to be that of "
                f"classes; say which with --label; its columns: {_named(names)}"
            )
        label = (usual if len(usual) == 1 else words)[0]
    features = tuple(i for i in range(len(names)) if i != label and i not in ignored)
    if not features:
        raise FileError(f"{path}:1: must have at least one column of numbers beside {names[label]!r}")
    return _Columns(names, label, features)


KIND = Table()
