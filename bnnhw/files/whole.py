"""Files that appear whole or not at all, and JSON."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bnnhw.errors import FileError
from bnnhw.files.seal import check_output, sealed
from bnnhw.files.temporary import scratch

__all__ = ["plain", "read_json", "whole_file", "write_json", "write_text", "write_whole"]


@contextmanager
def whole_file(path: Path, kind: str | None = None, *, owned: bool = False) -> Generator[Path]:
    """Yields a path for a new file, which takes the place of ``path`` when the block ends without an error.

    A link is followed; a device or a pipe is written to.

    Parameters
    ----------
    path : Path
    kind : str, optional
        See :func:`~bnnhw.files.seal.check_output`.
    owned : bool
        Whether what is there is known to be bnnhw's own: in a cache, or in the list of its folder.

    Raises
    ------
    RequestError
        When something is there that must stay, see :func:`~bnnhw.files.seal.check_output`.
    FileError
        When the file can't be written.
    """
    if not owned:
        check_output(path, kind)
    if path.exists() and not path.is_file():
        with scratch() as folder, _named(path):
            yield folder / "new"
            with (folder / "new").open("rb") as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
        return
    target = Path(os.path.realpath(path))
    # Short whatever the name is, which may be as long as a name can be.
    temporary = target.with_name(f".bnnhw-{uuid.uuid4().hex[:12]}")
    with _named(path):
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Generator[None]:
    """Says of the operating system's errors that a path can't be written."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{path}: can't be written: {error.strerror or error}") from None


def write_whole(path: Path, data: bytes, kind: str | None = None, *, owned: bool = False) -> None:
    """Writes a file, whole or not at all, and fills in its seal; parameters and errors as of :func:`whole_file`."""
    data = sealed(data)
    with whole_file(path, kind, owned=owned) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, kind: str | None = None, *, owned: bool = False) -> None:
    """Writes a text file in UTF-8, whole or not at all; otherwise as :func:`write_whole`."""
    write_whole(path, text.encode("utf-8", "backslashreplace"), kind, owned=owned)


def plain(value: object) -> object:
    """Turns NumPy scalars and paths into what JSON has for them."""
    if isinstance(value, Path):
        return str(value)
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def write_json(path: Path, data: Mapping[str, Any], *, owned: bool = False) -> None:
    """Writes a JSON object, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, default=plain) + "\n", owned=owned)


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object; :class:`~bnnhw.errors.FileError` names a file that holds none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileError(f"{path}: can't be read as JSON: {reason}") from None
    if not isinstance(data, dict):
        raise FileError(f"{path}: must hold a JSON object, not {type(data).__name__}")
    return data
