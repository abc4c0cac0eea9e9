"""Digests: of plain data, of files, and of bnnhw itself."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["LATER", "digest", "file_digest", "package_digest"]


LATER = {"digest": "unless default"}
"""Metadata of a dataclass field that came after digests were made: at its default it leaves them as they were."""


def _fed(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that its digest shows."""
    return {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)
        if field.metadata.get("digest") != LATER["digest"] or getattr(value, field.name) != field.default
    }


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
        _feed(state, _fed(value))
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
