"""Folders that are gone when their block ends, and locks that leave nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from bnnhw.errors import FileError

__all__ = ["locked", "new_folders", "scratch"]


@contextmanager
def scratch(parent: Path | None = None) -> Generator[Path]:
    """Yields an empty folder, which is removed when the block ends, however it ends.

    Parameters
    ----------
    parent : Path, optional
        Where it is made; the operating system's folder for temporary files when not given.

    Raises
    ------
    FileError
        When it can't be made, or something in it can't be written: names the parent, not the folder.
    """
    advice = " (TMPDIR may name another folder)" if parent is None else ""
    root, folder = parent, None
    try:
        root = Path(tempfile.gettempdir()) if parent is None else parent
        prefix = "bnnhw-" if parent is None else ".bnnhw-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=root, ignore_cleanup_errors=True) as name:
            folder = Path(name)
            yield folder
    except FileError as error:
        raise FileError(str(error).replace(f"{folder}/", f"{root}/")) from None
    except OSError as error:
        named = [Path(str(name)) for name in (error.filename, error.filename2) if name is not None]
        # A disk that is full is told without a name.
        if folder is None or not named or any(folder in (path, *path.parents) for path in named):
            where = "the folder for temporary files" if root is None else root
            raise FileError(f"{where}: can't be written: {error.strerror or error}{advice}") from None
        raise


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Holds the lock that a file stands for, until the block ends; then the file is gone.

    The file is removed while it is locked: whoever waits for it notices, and takes a new one.

    Raises
    ------
    FileError
        When the file can't be made.
    """
    lock = FileLock(path)
    try:
        lock.acquire()
    except OSError as error:
        raise FileError(f"{path.parent}: can't be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


@contextmanager
def new_folders(path: Path) -> Generator[None]:
    """Makes a folder and those above it; when the block fails, those that were made and are empty are gone again.

    Raises
    ------
    FileError
        When one can't be made.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove(made)
        raise FileError(f"{path}: can't be made: {error.strerror or error}") from None
    try:
        yield
    except BaseException:
        _remove(made)
        raise


def _remove(folders: list[Path]) -> None:
    """Removes folders that are empty, the innermost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
