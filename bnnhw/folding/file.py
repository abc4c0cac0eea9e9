"""The folding file: JSON that a person can write, and the solver does.

``{"format": "bnnhw-folding", "version": 1, "layers": [{"name": "dense0", "pe": 8, "simd": 64,
"memory": "block", "engine": "folded", "planes": "parallel", "vectors": 1}, ...]}``. Layers are found by name, in any
order; what follows ``simd`` may be left out (``block``, ``folded``, ``parallel``, 1), and ``"writable": true``,
``"columns": true`` and ``"thresholds": "block"`` may be added. ``seal`` is that of :mod:`bnnhw.files.seal`: once
edited, the file is a person's and is not overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from bnnhw.dataflow.engine import LayerFolding
from bnnhw.errors import FileError, FoldingError
from bnnhw.files import seal, write_whole
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.ir.network import Network

__all__ = ["FORMAT", "VERSION", "load", "save"]

FORMAT = "bnnhw-folding"
VERSION = 1

MAX_BYTES = 1 << 24
"""Largest file read: a folding has about 100 bytes per layer."""

_REQUIRED = {"name": str, "pe": int, "simd": int}
_SAID = {"memory": str, "engine": str, "planes": str, "vectors": int}
_RARE = {"writable": bool, "columns": bool, "thresholds": str}
"""Said where they are not as they are by default: most designs are fixed, and take one tap per cycle."""

_OPTIONAL = {**_SAID, **_RARE}
_DEFAULTS = {field.name: field.default for field in fields(LayerFolding)}

_WORDS = {int: "an integer", str: "a string", bool: "true or false"}


def save(foldings: Sequence[LayerFolding], network: Network, path: Path) -> None:
    """Write the foldings of a network's matrix layers, in their order.

    Raises
    ------
    FoldingError
        They do not fit the network.
    FileError
        The file can't be written.
    """
    folded = FoldedNetwork(network, tuple(foldings))
    layers = [
        {
            key: getattr(f, key) if key != "name" else layer.name
            for key in (*_REQUIRED, *_OPTIONAL)
            if key not in _RARE or getattr(f, key) != _DEFAULTS[key]
        }
        for layer, f in folded.pairs
    ]
    text = json.dumps(
        {"format": FORMAT, "version": VERSION, "seal": seal("folding"), "layers": layers}, indent=2, ensure_ascii=False
    )
    write_whole(Path(path), text.encode() + b"\n", "folding")


def _entry(position: int, entry: Any) -> tuple[str, LayerFolding]:
    """Name and folding from one element of ``layers``."""
    if not isinstance(entry, dict):
        raise FoldingError(f"layers[{position}] must be an object, not {entry!r:.60}")
    where = f"layer {entry['name']!r:.60}" if isinstance(entry.get("name"), str) else f"layers[{position}]"
    for key, kind in _REQUIRED.items():
        if key not in entry:
            raise FoldingError(f"{where}: {key!r} is missing")
        if type(entry[key]) is not kind:
            raise FoldingError(f"{where}: {key!r} must be {_WORDS[kind]}, not {entry[key]!r:.60}")
    for key in entry:
        if key not in _REQUIRED and key not in _OPTIONAL:
            known = ", ".join((*_REQUIRED, *_OPTIONAL))
            raise FoldingError(f"{where}: key must be one of {known}, not {key!r:.60}")
    values = {key: entry[key] for key in ("pe", "simd", *_OPTIONAL) if key in entry}
    # Of the other words an engine says what they may be.
    for key in ("vectors", "writable", "columns"):
        if key in values and type(values[key]) is not _OPTIONAL[key]:
            raise FoldingError(f"{where}: {key!r} must be {_WORDS[_OPTIONAL[key]]}, not {values[key]!r:.60}")
    try:
        return entry["name"], LayerFolding(**values)
    except FoldingError as error:
        raise FoldingError(f"{where}: {error}") from None


def _fold(data: Any, network: Network) -> FoldedNetwork:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FileError(f"not a folding file: 'format' must be {FORMAT!r}")
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise FileError(f"format version must be a positive integer, not {version!r:.60}")
    if version > VERSION:
        raise FileError(f"format version must be at most {VERSION}, not {version}: a newer bnnhw wrote this file")
    if not isinstance(data.get("layers"), list):
        raise FileError("'layers' must be a list")
    names = [layer.name for layer in network.matrices]
    found: dict[str, LayerFolding] = {}
    for position, entry in enumerate(data["layers"]):
        name, folding = _entry(position, entry)
        if name not in names:
            raise FoldingError(f"layer {name!r:.60}: must be one of {', '.join(names)}")
        if name in found:
            raise FoldingError(f"layer {name!r:.60}: is there twice")
        found[name] = folding
    missing = [name for name in names if name not in found]
    if missing:
        raise FoldingError(f"layer {missing[0]!r:.60}: is missing")
    return FoldedNetwork(network, tuple(found[name] for name in names))


def load(path: Path, network: Network) -> FoldedNetwork:
    """Read a folding for a streamlined network.

    Raises
    ------
    FileError
        The file is missing, not JSON, not a folding, or from a newer version.
    FoldingError
        It does not fit the network; the message names file, layer and value.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileError(f"{path}: a folding must have at most {MAX_BYTES} bytes, not {path.stat().st_size}")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: not JSON: {' '.join(str(error).split())}") from None
    try:
        return _fold(data, network)
    except (FileError, FoldingError) as error:
        raise type(error)(f"{path}: {error}") from None
