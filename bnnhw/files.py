"""Files and folders that appear whole or not at all, JSON, and digests."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bnnhw.errors import FileError, RequestError

__all__ = [
    "check_directory",
    "digest",
    "file_digest",
    "package_digest",
    "plain",
    "read_json",
    "whole_directory",
    "whole_file",
    "write_json",
    "write_text",
    "write_whole",
]


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Yields a path beside ``path`` for a new file, which takes its place when the block ends without an error.

    Raises
    ------
    FileError
        When the file can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path}: can't be written: {error.strerror or error}") from None


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file, whole or not at all; :class:`~bnnhw.errors.FileError` when it can't be written."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    write_whole(path, text.encode())


def plain(value: object) -> object:
    """Turns NumPy scalars and paths into what JSON has for them."""
    if isinstance(value, Path):
        return str(value)
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes a JSON object, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, default=plain) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object; :class:`~bnnhw.errors.FileError` names a file that holds none."""
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: can't be read as JSON: {error}") from None
    if not isinstance(data, dict):
        raise FileError(f"{path}: must hold a JSON object, not {type(data).__name__}")
    return data


def check_directory(target: Path, marker: str) -> None:
    """Refuses a ``target`` that can't be replaced: a file, or a folder that is not empty and lacks ``marker``."""
    if not target.exists():
        return
    if not target.is_dir():
        raise RequestError(f"{target}: must be a folder, and is a file")
    if any(target.iterdir()) and not (target / marker).exists():
        raise RequestError(f"{target}: must be empty, or an earlier output (with {marker}), and holds other files")


@contextmanager
def whole_directory(target: Path, marker: str) -> Generator[Path]:
    """Yields an empty folder beside ``target`` that takes its place when the block ends without an error.

    Parameters
    ----------
    target : Path
    marker : str
        What every finished output has; see :func:`check_directory`.
    """
    check_directory(target, marker)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        # mkdtemp makes folders private; an output has the permissions of any new folder.
        fresh = scratch / "new"
        fresh.mkdir()
        yield fresh
        if target.exists():
            os.replace(target, scratch / "old")
        os.replace(fresh, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _feed(state: Any, value: object) -> None:
    """Feeds a value behind a tag and its length, so that no two values feed the same bytes."""
    if value is None or isinstance(value, bool | int | float | str):
        text = repr(value).encode()
        state.update(b"s%d:" % len(text) + text)
    elif isinstance(value, bytes):
        state.update(b"b%d:" % len(value) + value)
    elif isinstance(value, Mapping):
        state.update(b"m%d:" % len(value))
        for key in sorted(value, key=repr):
            _feed(state, key)
            _feed(state, value[key])
    elif isinstance(value, list | tuple):
        state.update(b"l%d:" % len(value))
        for item in value:
            _feed(state, item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        _feed(state, type(value).__qualname__)
        _feed(state, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    else:
        import numpy as np

        if not isinstance(value, np.ndarray):
            raise TypeError(f"digest: value must be plain data, not {type(value).__qualname__}")
        _feed(state, (str(value.dtype.str), value.shape, np.ascontiguousarray(value).tobytes()))


def digest(*values: object) -> str:
    """SHA-256 of plain data: numbers, text, bytes, arrays, mappings, sequences, and dataclasses of them."""
    state = hashlib.sha256()
    _feed(state, values)
    return state.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def package_digest() -> str:
    """SHA-256 of bnnhw itself, as installed: what a step depends on besides the files it reads."""
    found: dict[str, str] = {}
    # These two may lie elsewhere than they are imported from; neither is imported for it.
    for package in ("bnnhw", "bnnhw.boards", "bnnhw.training"):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec is not None else []:
            for path in sorted(p for pattern in ("*.py", "*.j2") for p in Path(folder).rglob(pattern)):
                found[f"{package}/{path.relative_to(folder).as_posix()}"] = file_digest(path)
    return digest(found)
