"""Networks of truth tables as .npz or .safetensors files (docs/models.md)."""

from __future__ import annotations

from bnnhw.frontend.formats import Format, ImportedModel, Match, Source, register

__all__ = ["MARK", "TABLES"]

MARK = "table_network"
"""The array that makes a file a network of tables: the version of the layout."""


def _sniff(source: Source) -> Match:
    """An archive with a member of that name, damaged or not, or a safetensors header that names it."""
    if source.archive:
        return Match.YES if f"{MARK}.npy".encode() in (source.data or b"") else Match.NO
    if source.data is None or not source.data.startswith(b"{", 8):
        return Match.NO
    header = source.data[8 : 8 + int.from_bytes(source.data[:8], "little")]
    return Match.YES if f'"{MARK}"'.encode() in header else Match.NO


def _read(source: Source) -> ImportedModel:
    from bnnhw.frontend.tables.network import read_network

    return read_network(source, TABLES.name)


TABLES = register(Format("tables", "a network of truth tables", _sniff, _read))
