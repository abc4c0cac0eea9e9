"""Parameter folders of FINN's overlays for PYNQ boards (docs/models.md)."""

from __future__ import annotations

from bnnhw.frontend.formats import Format, ImportedModel, Match, Option, Source, register

__all__ = ["BNN_PYNQ", "DECODINGS"]

DECODINGS = ("argmax", "highest-bit")
"""Readings of the last layer's output; the first is the default."""


def _sniff(source: Source) -> Match:
    """A folder with the first file of its first layer; any other one is told what is missing."""
    if not source.folder:
        return Match.NO
    return Match.YES if (source.path / "0-0-weights.bin").exists() else Match.MAYBE


def _read(source: Source, topology: str | None = None, decode: str = DECODINGS[0]) -> ImportedModel:
    from bnnhw.frontend.bnn_pynq.folder import read_folder

    network, warnings = read_folder(source.path, topology, decode)
    return ImportedModel(network, BNN_PYNQ.name, warnings)


BNN_PYNQ = register(
    Format(
        "bnn-pynq",
        "a BNN-PYNQ parameter folder",
        _sniff,
        _read,
        (
            Option(
                "topology",
                "Of a parameter folder: inputs and neurons of every layer, unpadded.  [default: that of LFC]",
                "SIZES",
            ),
            Option(
                "decode",
                "Of a parameter folder: the sum that exceeds its threshold most, or the highest output bit that is "
                "set, as the original host has it.  [default: argmax]",
                choices=DECODINGS,
            ),
        ),
    )
)
