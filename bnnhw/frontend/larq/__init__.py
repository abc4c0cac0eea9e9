"""Larq models as .npz files (docs/models.md)."""

from __future__ import annotations

import io
import zipfile

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.formats import Format, ImportedModel, Match, Source, register

__all__ = ["ARCHITECTURE", "LARQ"]

ARCHITECTURE = "architecture"
"""The array that makes an archive a Larq model."""


_SCRIPT = """write it beside its training as an .npz, as docs/models.md shows: its architecture, model.to_json(), and \
its weights by name"""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_SAVED_MODEL = ("saved_model.pb", "keras_metadata.pb", "fingerprint.pb")


def _names(source: Source) -> set[str]:
    """The members of an archive, or the files of a folder."""
    try:
        if source.folder:
            return {path.name for path in source.path.iterdir()}
        if not source.archive:
            return set()
        with zipfile.ZipFile(io.BytesIO(source.data or b"")) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return set()


def _keras(source: Source, names: set[str]) -> str | None:
    """What Keras or TensorFlow itself saved: a format that is recognized to be refused."""
    data = source.data or b""
    if data.startswith(_HDF5):
        return "a Keras model or weights in HDF5 (.h5)"
    if source.archive and {"config.json", "model.weights.h5"} & names:
        return "a .keras archive"
    if source.folder and names.intersection(_SAVED_MODEL):
        return "a SavedModel folder of TensorFlow"
    return "a TensorFlow Lite model" if data[4:8] == b"TFL3" else None


def _sniff(source: Source) -> Match:
    """An archive with an architecture in it; Keras' own formats too, whose users are told what to write instead."""
    names = _names(source)
    found = f"{ARCHITECTURE}.npy" in names if source.archive else False
    return Match.YES if found or _keras(source, names) else Match.NO


def _read(source: Source) -> ImportedModel:
    """As the graph that it is; the file says itself what its network takes."""
    if what := _keras(source, _names(source)):
        raise UnsupportedError(f"{what} is not read: {_SCRIPT}")
    from fractions import Fraction

    from bnnhw.frontend.larq.archive import to_qonnx
    from bnnhw.frontend.onnx.file import read_bytes

    return read_bytes(to_qonnx(source.data or b""), source, LARQ.name, Fraction(1))


LARQ = register(Format("larq", "a Larq model", _sniff, _read))
