"""A trained model becomes a streamlined network."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnnhw.errors import BnnhwWarning
from bnnhw.files import new_folders
from bnnhw.frontend import read_model
from bnnhw.ir import Network, archive
from bnnhw.streamline import streamline

__all__ = ["Imported", "import_json", "import_model", "open_model", "read", "save"]

NATIVE = ".bnn"
"""Suffix of our own network files."""


@dataclass(frozen=True)
class Imported:
    """A model that was read and streamlined.

    Parameters
    ----------
    network : Network
        Streamlined.
    format : str
        The format it was read from.
    warnings : tuple of str
        What is worth knowing about the conversion; its result is exact all the same.
    """

    network: Network
    format: str
    warnings: tuple[str, ...]


def import_model(model: Path, **options: Any) -> Imported:
    """Reads and streamlines a foreign model; options as for :func:`bnnhw.frontend.read_model`."""
    imported = read_model(model, **options)
    result = streamline(imported.network)
    return Imported(result.network, imported.format, (*imported.warnings, *result.warnings))


def open_model(model: Path, **options: Any) -> Imported:
    """Like :func:`import_model`, and of a .bnn file too."""
    if model.suffix != NATIVE:
        return import_model(model, **options)
    result = streamline(archive.load(model))
    return Imported(result.network, "bnn", tuple(result.warnings))


def read(model: Path | str, **options: Any) -> Network:
    """Reads any model, and streamlines it: batch norm and sign become integer thresholds.

    Parameters
    ----------
    model : Path or str
        A .bnn file, or a foreign model: QONNX, a Larq model as .npz, a network of truth tables as .npz or .safetensors,
        a BNN-PYNQ parameter folder.
    **options
        What the model's files do not say: ``topology``, ``decode``, ``input_scale``; see
        :func:`bnnhw.frontend.read_model`.

    Returns
    -------
    Network
        What is worth knowing about the conversion comes as a :class:`~bnnhw.errors.BnnhwWarning`.

    Raises
    ------
    FileError
        When the model is missing, damaged, or of no known format.
    UnsupportedError
        When it holds something that can't be converted exactly; the message names it.
    """
    found = open_model(Path(model), **options)
    for warning in found.warnings:
        warnings.warn(warning, BnnhwWarning, stacklevel=2)
    return found.network


def save(network: Network, path: Path | str) -> None:
    """Writes a network to a .bnn file, whole or not at all; folders on the way are made."""
    path = Path(path)
    with new_folders(path.parent):
        archive.save(network, path)


def import_json(imported: Imported, path: Path) -> dict[str, Any]:
    """What ``bnnhw import`` says of a model whose network was saved at ``path``."""
    matrices = imported.network.matrices
    return {
        "network": str(path),
        "layers": len(matrices),
        "weights_bits": sum(layer.neurons * layer.synapses * len(layer.weights) for layer in matrices),
        "format": imported.format,
        "warnings": list(imported.warnings),
    }
