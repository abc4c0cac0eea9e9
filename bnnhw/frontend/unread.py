"""Files that are models and that no format reads, recognized by their content: what to write instead."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Set
from dataclasses import dataclass

from bnnhw.frontend.formats import Source

__all__ = ["why_unread"]

_NPZ = "write it beside its training as an .npz, as docs/models.md shows: its architecture, model.to_json(), and its \
weights by name"
_EXPORT = "export the network as QONNX, as docs/models.md shows"
_TABLES = "of a network of truth tables write the arrays that docs/models.md lists, 'table_network' among them"


@dataclass(frozen=True)
class _Kind:
    """A kind of file.

    Parameters
    ----------
    noun : str
    cure : str
    found : callable
        Whether a source is one, given the names in its folder or archive.
    """

    noun: str
    cure: str
    found: Callable[[Source, Set[str]], bool]


def _begins(*marks: bytes, at: int = 0) -> Callable[[Source, Set[str]], bool]:
    return lambda source, _: source.data is not None and source.data[at:].startswith(marks)


def _holds(*names: str) -> Callable[[Source, Set[str]], bool]:
    """An archive, or a folder, with a member whose name matches."""
    return lambda _, found: any(re.fullmatch(name, member) for member in found for name in names)


_KINDS = (
    _Kind("a Keras model or weights in HDF5 (.h5)", _NPZ, _begins(b"\x89HDF\r\n\x1a\n")),
    _Kind("a .keras archive", _NPZ, _holds(r"config\.json", r"model\.weights\.h5")),
    _Kind("a SavedModel folder of TensorFlow", _NPZ, _holds(r"saved_model\.pb")),
    _Kind("a TensorFlow Lite model", _NPZ, _begins(b"TFL3", at=4)),
    _Kind("an exported program of PyTorch (.pt2)", _EXPORT,
          _holds(r"(.*/)?serialized_exported_program\.json", r"[^/]+/models/[^/]+\.json")),
    _Kind("a PyTorch file (.pt, .pth)", f"it holds weights, or a program, and no graph: {_EXPORT}",
          _holds(r"[^/]+/data\.pkl", r"[^/]+/constants\.pkl")),
    _Kind("a pickle", f"nothing is unpickled: {_EXPORT}", _begins(b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")),
    _Kind("a safetensors file", f"it holds weights and no graph: {_EXPORT}; {_TABLES}",
          _begins(b'{"', at=8)),
    _Kind("a network file of bnnhw (.bnn)", "it needs no import: give it to the other commands",
          _holds(r"header\.npy")),
    _Kind("an .npz archive without an array 'architecture'", f"of a Larq model, {_NPZ}; {_TABLES}",
          lambda source, names: source.archive and bool(names) and all(name.endswith(".npy") for name in names)),
)  # fmt: skip


def _names(source: Source) -> Set[str]:
    try:
        if source.folder:
            return {path.name for path in source.path.iterdir()}
        if not source.archive:
            return set()
        with zipfile.ZipFile(io.BytesIO(source.data or b"")) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return set()


def why_unread(source: Source) -> str | None:
    """The reason why a source is not read, and what to do; None for all that may be a model of a known format."""
    names = _names(source)
    for kind in _KINDS:
        if kind.found(source, names):
            return f"{kind.noun} is not read: {kind.cure}"
    return None
