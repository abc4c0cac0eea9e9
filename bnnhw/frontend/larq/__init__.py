"""Larq models as .npz files (docs/models.md)."""

from __future__ import annotations

import io
import zipfile

from bnnhw.frontend.formats import Format, ImportedModel, Match, Source, register

__all__ = ["ARCHITECTURE", "LARQ"]

ARCHITECTURE = "architecture"
"""The array that makes an archive a Larq model."""


def _sniff(source: Source) -> Match:
    """An archive with an architecture in it."""
    if not source.archive:
        return Match.NO
    try:
        with zipfile.ZipFile(io.BytesIO(source.data or b"")) as archive:
            return Match.YES if f"{ARCHITECTURE}.npy" in archive.namelist() else Match.NO
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return Match.NO


def _read(source: Source) -> ImportedModel:
    """As the graph that it is; the file says itself what its network takes."""
    from fractions import Fraction

    from bnnhw.frontend.larq.archive import to_qonnx
    from bnnhw.frontend.onnx.file import read_bytes
    from bnnhw.frontend.onnx.given import Given

    return read_bytes(to_qonnx(source.data or b""), source, LARQ.name, Given((Fraction(1),)))


LARQ = register(Format("larq", "a Larq model", _sniff, _read))
