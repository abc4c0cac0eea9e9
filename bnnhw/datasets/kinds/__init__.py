"""Kinds of data of one's own: one file each.

A file is a kind when it has a ``KIND``; there is no list to add it to.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from bnnhw.datasets.kinds.kind import Kind
from bnnhw.errors import FileError

__all__ = ["KINDS", "Kind", "kind_of"]


def _found() -> dict[str, Kind]:
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    kinds: list[Kind] = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: (kind.rank, kind.name))}


KINDS = _found()
"""Every kind by its name, in the order in which they are asked."""


def kind_of(path: Path) -> Kind:
    """The kind of a path. Raises :class:`~bnnhw.errors.FileError` where it is none of them; says which there are."""
    for kind in KINDS.values():
        if kind.matches(path):
            return kind
    known = ", ".join(kind.noun for kind in KINDS.values())
    if path.is_dir() and not any(path.iterdir()):
        raise FileError(f"{path}: is an empty folder; a data set must be one of: {known}")
    raise FileError(f"{path}: is no data set that bnnhw knows; it must be one of: {known}")
