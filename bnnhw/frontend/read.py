"""The one way in for foreign models: choose the reader, name the file in every refusal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bnnhw.errors import FileError, NetworkError, RequestError, UnsupportedError
from bnnhw.frontend import bnn_pynq, larq_npz, onnx_graph, qonnx
from bnnhw.ir.network import Network

__all__ = ["MAX_BYTES", "ImportedModel", "read_model"]

MAX_BYTES = 1 << 29
"""Largest model file read: 512 MiB, a hundred times a binarized CIFAR-10 network with float32 latent weights."""


@dataclass(frozen=True)
class ImportedModel:
    """A foreign model, read.

    Parameters
    ----------
    network : Network
        Not streamlined. Its provenance holds the model's own metadata, and ``format``, ``source``
        (file name) and ``source_sha256``.
    format : str
        ``"qonnx"``, ``"larq"`` or ``"bnn-pynq"``.
    warnings : tuple of str
    """

    network: Network
    format: str
    warnings: tuple[str, ...]


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FileError(f"{path}: a model must have at most {MAX_BYTES} bytes, not {size}")
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}") from None


def read_model(
    path: Path, topology: str | None = None, decode: str | None = None, input_scale: Fraction | None = None
) -> ImportedModel:
    """Read a foreign model: an ONNX file, a Larq model as .npz, or a BNN-PYNQ parameter folder.

    Parameters
    ----------
    path : Path
    topology, decode : str, optional
        Of a parameter folder alone; see :func:`bnnhw.frontend.bnn_pynq.read_folder`.
    input_scale : Fraction, optional
        Of an ONNX file alone: what the graph takes is a raw sample times this. Without it,
        :mod:`bnnhw.frontend.samples` decides.

    Raises
    ------
    FileError
        The file is missing, too large, truncated or not a model of a known format.
    UnsupportedError
        It holds something that can't be converted exactly; the message names the node and its position.
    RequestError
        The topology is not that of the model, or options of a parameter folder come with an ONNX file.
    """
    path = Path(path)
    if input_scale is not None and input_scale <= 0:
        raise RequestError(f"{path}: --input-scale must be positive, not {input_scale}")
    if path.is_dir():
        if input_scale is not None:
            raise RequestError(f"{path}: --input-scale must be given for an ONNX model only")
        return ImportedModel(bnn_pynq.read_folder(path, topology, decode or bnn_pynq.DECODINGS[0]), "bnn-pynq", ())
    for name, value in (("topology", topology), ("decode", decode)):
        if value is not None:
            raise RequestError(f"{path}: --{name} must be given for a BNN-PYNQ parameter folder only")
    data = _read_bytes(path)
    larq = data[:4] == b"PK\x03\x04" and larq_npz.is_larq(data)
    if larq and input_scale is not None:
        raise RequestError(f"{path}: --input-scale must be given for an ONNX model only")
    if data[:4] == b"PK\x03\x04" and not larq:
        raise FileError(f"{path}: must be an ONNX model, not an archive (a .bnn file needs no import)")
    try:
        graph = onnx_graph.parse(larq_npz.to_qonnx(data) if larq else data)
        # A Larq file says itself what its network takes.
        network, warnings = qonnx.convert(graph, Fraction(1) if larq else input_scale)
    except FileError as error:
        raise FileError(f"{path}: {error}") from None
    except (UnsupportedError, NetworkError) as error:
        raise UnsupportedError(f"{path}: {error}") from None
    provenance = {
        **graph.metadata,
        "format": "larq" if larq else "qonnx",
        "source": path.name,
        "source_sha256": hashlib.sha256(data).hexdigest(),
    }
    if input_scale is not None:
        provenance["input_scale"] = str(input_scale)
    return ImportedModel(Network(network.input, network.layers, provenance), provenance["format"], warnings)
