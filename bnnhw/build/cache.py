"""Steps that are skipped when nothing they depend on has changed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["StepCache", "digest", "file_digest"]


def _feed(state: Any, value: object) -> None:
    """Every kind of value begins with a tag and its length, so that no two values feed the same bytes."""
    if value is None or isinstance(value, bool | int | float | str):
        text = repr(value).encode()
        state.update(b"s%d:" % len(text) + text)
    elif isinstance(value, bytes):
        state.update(b"b%d:" % len(value) + value)
    elif isinstance(value, np.ndarray):
        _feed(state, (str(value.dtype.str), value.shape, np.ascontiguousarray(value).tobytes()))
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
        raise TypeError(f"digest: value must be plain data, not {type(value).__qualname__}")


def digest(*values: object) -> str:
    """SHA-256 of plain data: numbers, text, bytes, arrays, mappings, sequences, and dataclasses of them."""
    state = hashlib.sha256()
    _feed(state, values)
    return state.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class StepCache:
    """The steps of one folder, each with a stamp of what went in and what came out.

    A step is skipped when its inputs' digest is the stamp's and every output is still the file the stamp
    knows. The stamp is written last, so a step that was interrupted runs again.

    Parameters
    ----------
    folder : Path
        Where outputs lie; stamps go to ``folder/.steps``.

    Attributes
    ----------
    seconds : dict of str to float
        How long each step took when it last ran, in the order asked for.
    skipped : list of str
        The steps that were not run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamps = folder / ".steps"
        self.seconds: dict[str, float] = {}
        self.skipped: list[str] = []

    def run(
        self, name: str, inputs: Sequence[object], outputs: Sequence[Path], action: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Runs ``action``, or returns what it returned the last time.

        Parameters
        ----------
        inputs : sequence
            Everything the result depends on: plain data, see :func:`digest`.
        outputs : sequence of Path
            The files that ``action`` leaves.
        action : callable
            Returns a dict that JSON can hold.
        """
        key = digest(name, list(inputs))
        stamp = self._stamps / f"{name}.json"
        known = self._read(stamp)
        if known is not None and known["inputs"] == key and self._unchanged(known["outputs"], outputs):
            self.skipped.append(name)
            self.seconds[name] = known["seconds"]
            return known["result"]
        stamp.unlink(missing_ok=True)
        start = time.monotonic()
        result = action()
        self.seconds[name] = round(time.monotonic() - start, 3)
        stamp.parent.mkdir(exist_ok=True)
        part = stamp.with_suffix(".part")
        content = {
            "inputs": key,
            "outputs": {path.relative_to(self.folder).as_posix(): file_digest(path) for path in outputs},
            "seconds": self.seconds[name],
            "result": result,
        }
        part.write_text(json.dumps(content, indent=2))
        os.replace(part, stamp)
        return result

    @staticmethod
    def _read(stamp: Path) -> dict[str, Any] | None:
        try:
            known = json.loads(stamp.read_text())
        except (OSError, ValueError):
            return None
        complete = isinstance(known, dict) and {"inputs", "outputs", "seconds", "result"} <= known.keys()
        return known if complete else None

    def _unchanged(self, known: dict[str, str], outputs: Sequence[Path]) -> bool:
        names = {path.relative_to(self.folder).as_posix(): path for path in outputs}
        return known.keys() == names.keys() and all(
            path.is_file() and file_digest(path) == known[name] for name, path in names.items()
        )
