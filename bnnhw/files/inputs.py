"""What is written must not be what is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bnnhw.errors import RequestError
from bnnhw.files.folder import listed

__all__ = ["Output", "check_apart"]


@dataclass(frozen=True)
class Output:
    """A file that is going to be written, or a folder."""

    path: Path
    folder: bool = False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file or folder, by whatever names or links."""
    try:
        return one.samefile(other)
    except OSError:
        return _real(one) == _real(other)


def _holds(folder: Path, path: Path) -> bool:
    return _real(folder) in _real(path).parents


def check_apart(inputs: Iterable[Path], outputs: Iterable[Output]) -> None:
    """Refuses an output that is an input, holds one or is a part of one, and two outputs that are one.

    Raises
    ------
    RequestError
        Names the output.
    """
    outputs = tuple(outputs)
    for given in inputs:
        parts = listed(given) if given.is_dir() else frozenset()
        for output in outputs:
            path = output.path
            if _same(path, given):
                what = "folder" if output.folder else "name"
                raise RequestError(f"{path}: is read, and can't be the output too; give another {what}")
            if output.folder and _holds(path, given):
                raise RequestError(f"{path}: holds {given}, which is read; give another folder for the output")
            if any(_same(path, part) or (output.folder and _holds(path, part)) for part in parts):
                raise RequestError(f"{path}: is a part of {given}, which is read; give another name")
    for one, other in combinations(outputs, 2):
        if _same(one.path, other.path):
            raise RequestError(f"{one.path}: can't be two outputs at once; give another name for one of them")
