"""The network that a verb is given, and what is said to a model that was not imported yet."""

from __future__ import annotations

from pathlib import Path

from bnnhw.errors import FileError
from bnnhw.flow.design import NETWORK, SIDECAR
from bnnhw.frontend import FORMATS, Match, Source
from bnnhw.ir import Network, archive

__all__ = ["check_imported", "open_network"]

ONNX = ".onnx"
"""Suffix of the one foreign format whose files begin with no mark of their own."""


def open_network(path: Path) -> Network:
    """Reads a .bnn file.

    Raises
    ------
    FileError
        When it is none; says so of a model that is to be imported first.
    """
    if (path / SIDECAR).is_file():
        raise FileError(
            f"{path}: must be a network, and is a folder that `bnnhw generate` wrote; {path / NETWORK} is one"
        )
    try:
        return archive.load(path)
    except FileError:
        check_imported(path)
        raise


def check_imported(path: Path) -> None:
    """:class:`~bnnhw.errors.FileError` for a foreign model: how it is imported."""
    if (noun := _foreign(path)) is not None:
        raise FileError(f"{path}: is {noun}; import it first: bnnhw import {path} -o {path.with_suffix('.bnn').name}")


def _foreign(path: Path) -> str | None:
    """What a path is, in words, if it is surely a model of a foreign format."""
    if path.suffix == ONNX and path.is_file():
        return FORMATS["qonnx"].noun
    try:
        source = Source.open(path)
    except FileError:
        return None
    return next((entry.noun for entry in FORMATS.values() if entry.sniff(source) is Match.YES), None)
