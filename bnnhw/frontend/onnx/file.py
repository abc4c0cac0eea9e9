"""From the bytes of an ONNX file to an imported model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bnnhw.frontend.formats import ImportedModel, Source
from bnnhw.frontend.onnx.convert import convert
from bnnhw.frontend.onnx.given import NOTHING, Given
from bnnhw.frontend.onnx.graph import parse
from bnnhw.ir.network import Network

__all__ = ["read_bytes"]


def read_bytes(
    data: bytes,
    source: Source,
    name: str,
    given: Given = NOTHING,
    facts: Mapping[str, str] | None = None,
) -> ImportedModel:
    """Read a graph, the source's own or one that it was rewritten as.

    Parameters
    ----------
    data : bytes
        The ONNX file.
    source : Source
        Where it comes from.
    name : str
        Of the source's format.
    given : Given
        As :func:`~bnnhw.frontend.onnx.convert.convert` takes it.
    facts : mapping of str to str, optional
        More for the provenance.
    """
    graph = parse(data)
    network, warnings = convert(graph, given)
    provenance = {
        **graph.metadata,
        "format": name,
        "source": source.path.name,
        "source_sha256": hashlib.sha256(source.data or b"").hexdigest(),
        **given.facts,
        **(facts or {}),
    }
    return ImportedModel(Network(network.input, network.layers, provenance), name, warnings)
