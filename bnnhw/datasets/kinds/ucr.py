"""Time series in the text format of the UCR archive."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.labelled import Labelled, class_names
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.text import first_line, number, numbers, read_lines
from bnnhw.errors import FileError

__all__ = ["KIND", "Ucr"]

SUFFIXES = frozenset({".tsv", ".txt", ""})


class Ucr(Kind):
    """A line per series: its class first, a number, then its values, with tabs, commas or spaces between them.

    The archive's ``.tsv`` files of 2018, and its ``.txt`` files before. All series must be of one length, as those of
    most sets are. One sample is (1, 1, length) of float32.
    """

    name: ClassVar[str] = "ucr"
    noun: ClassVar[str] = "a UCR text file of time series"

    def matches(self, path: Path) -> bool:
        if not path.is_file() or path.suffix.lower() not in SUFFIXES:
            return False
        cells = _cells(first_line(path))
        # Of a line that is longer than what is looked at, the last cell may be cut.
        return len(cells) > 2 and all(number(cell) is not None for cell in cells[:-1]) and float(cells[0]).is_integer()

    def read(self, path: Path, reading: Reading) -> Labelled:
        del reading
        lines = [(at, _cells(line)) for at, line in read_lines(path)]
        first, wanted = lines[0][0], len(lines[0][1])
        for at, cells in lines:
            if len(cells) != wanted:
                raise FileError(
                    f"{path}:{at}: must have {wanted - 1} values behind the class as line {first} has, not "
                    f"{len(cells) - 1}: series must be of one length"
                )
        where = [f"{path}:{at}" for at, _ in lines]
        values = [f"value {i}" for i in range(1, wanted)]
        series = [numbers(cells[1:], place, values) for (_, cells), place in zip(lines, where, strict=True)]
        labels = class_names([cells[0] for _, cells in lines], where)
        return Labelled(np.stack(series)[:, None, None, :], labels, where)


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in line.split(",")] if "," in line else line.split()
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


KIND = Ucr()
