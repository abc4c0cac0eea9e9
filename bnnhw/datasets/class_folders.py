"""Folders with a folder of files for each class."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bnnhw.errors import FileError

__all__ = ["ClassFolders", "holds"]


@dataclass(frozen=True)
class ClassFolders:
    """The files of each class, in the order of their names.

    Parameters
    ----------
    files : tuple of (class, file)
    notes : tuple of str
        Files that are passed over.
    """

    files: tuple[tuple[str, Path], ...]
    notes: tuple[str, ...]

    @classmethod
    def find(cls, root: Path, suffixes: Collection[str], what: str) -> ClassFolders:
        """Look for files with one of ``suffixes``, in any folder below that of a class.

        Parameters
        ----------
        root : Path
        suffixes : collection of str
            In small letters.
        what : str
            What such files are, for messages: ``"image"``.

        Raises
        ------
        FileError
            There is no folder of a class, or one without such a file.
        """
        found: list[tuple[str, Path]] = []
        others: list[Path] = []
        for folder in _class_folders(root):
            files = list(_files(folder))
            chosen = [file for file in files if file.suffix.lower() in suffixes]
            others += [file for file in files if file.suffix.lower() not in suffixes]
            if not chosen:
                raise FileError(f"{folder}: must hold at least one {what} of its class ({_listed(suffixes)})")
            found += [(folder.name, file) for file in chosen]
        others += [file for file in sorted(root.iterdir()) if file.is_file() and not _hidden(file.name)]
        notes = ()
        if others:
            notes = (f"files that are not read: {len(others)}, the first {others[0]}",)
        return cls(tuple(found), notes)


def _listed(suffixes: Collection[str]) -> str:
    return ", ".join(sorted(suffixes))


def _hidden(name: str) -> bool:
    """Files and folders of operating systems and tools."""
    return name.startswith((".", "__")) or name.lower() in ("thumbs.db", "desktop.ini")


def _class_folders(root: Path) -> list[Path]:
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not _hidden(path.name))
    except OSError as error:
        raise FileError(f"{root}: can't be read: {error.strerror or error}") from None
    if not folders:
        raise FileError(f"{root}: must hold a folder for each class")
    return folders


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, in the order of their paths."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        found += [Path(parent, name) for name in names if not _hidden(name)]
    return iter(sorted(found))


def holds(root: Path, suffixes: Collection[str]) -> bool:
    """Whether a folder has folders, and the files in them are mostly of these suffixes."""
    if not root.is_dir():
        return False
    folders = [path for path in root.iterdir() if path.is_dir() and not _hidden(path.name)]
    files = [file for folder in folders for file in _files(folder)]
    chosen = sum(file.suffix.lower() in suffixes for file in files)
    return chosen > 0 and 2 * chosen >= len(files)
