"""Text files of numbers: what is wrong in one is told with its line."""

from __future__ import annotations

import codecs
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError

__all__ = ["LARGEST", "first_line", "number", "numbers", "read_lines", "read_text"]

LARGEST = float(np.finfo(np.float32).max)
"""Samples are float32, in training as in evaluation."""

HEAD = 1 << 16
"""Bytes that tell what kind a file is."""

MISSING = ("", "?", "nan", "na", "n/a", "null", "none", "-")
"""How people write that there is no number."""

WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}") from None


def read_text(path: Path) -> str:
    """A file as UTF-8 text, with or without a mark of its own. Raises :class:`~bnnhw.errors.FileError`."""
    data = _bytes(path)
    if data.startswith(WIDE_MARKS):
        raise FileError(f"{path}:1: must be UTF-8 text, and is UTF-16 or UTF-32; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Whatever the mark takes off, the lines stay.
        line = data[: error.start].count(b"\n") + 1
        raise FileError(
            f"{path}:{line}: must be UTF-8 text, and has byte 0x{error.object[error.start]:02X}; save it as UTF-8"
        ) from None
    if "\0" in text:
        raise FileError(f"{path}:{text[: text.index(chr(0))].count(chr(10)) + 1}: must be text, and has a byte 0")
    return text


def read_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a text file that are not blank, stripped, with their numbers from 1."""
    lines = enumerate(read_text(path).splitlines(), 1)
    return [(number, stripped) for number, line in lines if (stripped := line.strip())]


def first_line(path: Path) -> str:
    """The first line that is not blank, as far as it can be told: for guessing what a file is."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return ""
    lines = head.decode("utf-8-sig", "replace").splitlines()
    return next((line.strip() for line in lines if line.strip()), "")


def number(text: str) -> float | None:
    """The number that a text is, finite and no more than a float32 holds; else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= LARGEST else None


def numbers(cells: Sequence[str], where: str, names: Sequence[str], hint: str = "") -> NDArray[np.float32]:
    """The numbers of one line.

    Parameters
    ----------
    cells : sequence of str
    where : str
        File and line, for messages.
    names : sequence of str
        What each cell is called in messages.
    hint : str
        What to do about cells that are no numbers, at the end of the message.

    Raises
    ------
    FileError
        One is no finite number, or too large.
    """
    try:
        values = np.array([float(cell) for cell in cells], np.float64)
    except ValueError:
        values = np.full(1, np.nan)
    if not np.isnan(values).any() and (np.abs(values) <= LARGEST).all():
        return values.astype(np.float32)
    for name, cell in zip(names, cells, strict=True):
        if number(cell) is None:
            raise FileError(f"{where}: {name} {_wrong(cell.strip())}{hint}")
    raise FileError(f"{where}: must be finite numbers")


def _wrong(cell: str) -> str:
    """Why a cell is no number to train with."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if cell.lower().lstrip("+-") in MISSING:
        return f"must be a number, and is missing ({cell!r}); leave out such samples, or fill in a number"
    if math.isnan(value):
        return f"must be a number, not {cell[:40]!r}"
    return f"must be a number within +-{LARGEST:.1e}, not {cell[:40]!r}"
