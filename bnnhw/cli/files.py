"""Outputs that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bnnhw.cli.session import plain
from bnnhw.errors import FileError, RequestError

__all__ = ["check_directory", "read_json", "whole_directory", "write_json", "write_text"]


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


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
