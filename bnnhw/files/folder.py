"""Folders that bnnhw writes into, each with a list of what it wrote there: nothing else is ever replaced or removed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from bnnhw.errors import FileError, RequestError
from bnnhw.files.digests import file_digest
from bnnhw.files.temporary import new_folders, scratch
from bnnhw.files.whole import read_json, write_json

__all__ = ["LIST", "OutputFolder", "whole_directory"]

LIST = ".bnnhw.json"
"""The list in a folder: its kind, and every file with its SHA-256, or null while it is being written."""


class OutputFolder:
    """A folder that bnnhw writes into.

    Parameters
    ----------
    path : Path
    kind : str
        What it is: ``"design"``, ``"build"``, ...
    shared : bool
        Whether a folder with files of others will do, as long as none of them has a name that is to be written.

    Raises
    ------
    RequestError
        For a file, a folder of another kind, and one of others that is not to be shared.
    FileError
        When its list is damaged.
    """

    def __init__(self, path: Path, kind: str, *, shared: bool = False) -> None:
        self.path, self.kind = Path(path), kind
        self.files: dict[str, str | None] = {}
        if not os.path.lexists(self.path):
            above = next(folder for folder in self.path.absolute().parents if folder.exists())
            if not above.is_dir():
                raise RequestError(f"{above}: must be a folder, and is a file")
            return
        if not self.path.is_dir():
            what = "is a file" if self.path.exists() else "is a link to nothing"
            raise RequestError(f"{self.path}: must be a folder, and {what}")
        if not (self.path / LIST).is_file():
            if not shared and any(self.path.iterdir()):
                raise RequestError(
                    f"{self.path}: must be empty, or an earlier output (with {LIST}), and holds other files"
                )
            return
        known = read_json(self.path / LIST)
        files = known.get("files")
        if not isinstance(files, dict) or not all(_inside(name) for name in files):
            raise FileError(f"{self.path / LIST}: must list the files of its folder, and does not")
        if known.get("kind") != kind:
            raise RequestError(f"{self.path}: must be a {kind}, or empty, and is a {known.get('kind')}")
        self.files = files

    def check(self, names: Iterable[str] = (), *, but: Collection[str] = ()) -> None:
        """Refuses what can't be written: a file that was changed since, or one of others among ``names``.

        Those of ``but`` are left to the caller to judge.

        Raises
        ------
        RequestError
            Names the file.
        """
        for name in sorted({*self.files, *names}.difference(but)):
            path = self.path / name
            if not os.path.lexists(path):
                # What stands in the way of its folder is found here.
                above = next((folder for folder in path.parents if os.path.lexists(folder)), self.path)
                if above.is_dir():
                    continue
                path = above
            recorded = self.files.get(name, "")
            if recorded is not None and not (path.is_file() and file_digest(path) == recorded):
                raise RequestError(
                    f"{path}: is there already, and is not as bnnhw wrote it; move it away, or give another folder"
                )

    @contextmanager
    def writing(self, names: Iterable[str]) -> Generator[None]:
        """Makes the folder; while the block runs ``names`` are written, and afterwards listed as they are then.

        Raises
        ------
        RequestError
            As :meth:`check`.
        """
        names = tuple(names)
        self.check(names)
        with new_folders(self.path), self.listing(names):
            yield

    @contextmanager
    def listing(self, names: Iterable[str]) -> Generator[None]:
        """The same of names that were checked before, in a folder that is there."""
        names = tuple(names)
        self._save({**self.files, **dict.fromkeys(names)})
        try:
            yield
        finally:
            again = {name for name, known in self.files.items() if known is None}
            files = {
                name: file_digest(self.path / name) if name in again else known
                for name, known in self.files.items()
                if (self.path / name).is_file()
            }
            if files:
                self._save(files)
            else:
                (self.path / LIST).unlink(missing_ok=True)

    def take(self, fresh: Path, last: str) -> None:
        """Moves all files of another folder in, instead of all that are listed; ``last`` goes first and comes last.

        Whatever ends this in between, every file is either as it was, or new, and listed.
        """
        names = sorted(path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file())
        self.check(names)
        stale = self.files.keys() - names
        after = {name: file_digest(fresh / name) for name in names}
        # Made before anything is moved: the disk may be full.
        self._write(fresh / LIST, after)
        self._save({**self.files, **dict.fromkeys(names)})
        (self.path / last).unlink(missing_ok=True)
        for name in sorted(names, key=lambda name: (name == last, name)):
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(fresh / name, self.path / name)
        for name in stale:
            (self.path / name).unlink(missing_ok=True)
            for folder in PurePosixPath(name).parents[:-1]:
                with suppress(OSError):
                    (self.path / folder).rmdir()
        os.replace(fresh / LIST, self.path / LIST)
        self.files = dict(after)

    def _save(self, files: dict[str, str | None]) -> None:
        self._write(self.path / LIST, files)
        self.files = files

    def _write(self, path: Path, files: Mapping[str, str | None]) -> None:
        said = "What bnnhw wrote in this folder; it replaces and removes nothing else here."
        write_json(path, {"about": said, "kind": self.kind, "files": dict(sorted(files.items()))}, owned=True)


def _inside(name: str) -> bool:
    """Whether a name stays in its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def listed(folder: Path) -> frozenset[Path]:
    """The files that a folder's list has; none where there is no list."""
    try:
        files = json.loads((folder / LIST).read_text(encoding="utf-8"))["files"]
        return frozenset(folder / name for name in files)
    except (OSError, ValueError, LookupError, TypeError):
        return frozenset()


@contextmanager
def whole_directory(target: Path, kind: str, last: str) -> Generator[Path]:
    """Yields an empty folder whose files take the place of those in ``target`` when the block ends without an error.

    Files of others in ``target`` stay where they are.

    Parameters
    ----------
    target : Path
        New, empty, or an earlier output.
    kind : str
        See :class:`OutputFolder`.
    last : str
        The file without which the others are no output.

    Raises
    ------
    RequestError
        As of :class:`OutputFolder`, and when a file in it was changed since.
    FileError
        When it can't be written.
    """
    output = OutputFolder(target, kind)
    output.check()
    with new_folders(target), scratch(target) as folder:
        # Folders for temporary files are private; what is moved out of this one is not.
        fresh = folder / "new"
        fresh.mkdir()
        try:
            yield fresh
        except FileError as error:
            # Named as it would have been.
            raise FileError(str(error).replace(str(fresh), str(target))) from None
        output.take(fresh, last)
