"""What the files of one layer of a BNN-PYNQ parameter folder hold (format: :mod:`bnnhw.frontend.bnn_pynq.folder`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.frontend.bnn_pynq.files import LayerFiles

__all__ = ["read_matrix"]


def _read(path: Path, dtype: str, words: int, update: Callable[[bytes], None]) -> NDArray[np.generic]:
    data = path.read_bytes()
    # It was measured before; another program may have written to it since.
    if len(data) != 8 * words:
        raise FileError(f"{path.name} must have {8 * words} bytes, not {len(data)}")
    update(data)
    return np.frombuffer(data, dtype)


def read_matrix(
    layer: LayerFiles, columns: int, update: Callable[[bytes], None]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Weights and thresholds of a layer, as its files hold them.

    Parameters
    ----------
    layer : LayerFiles
    columns : int
        Of its weights, padding included.
    update : callable
        Told the bytes of each file, by element, weights before thresholds.

    Returns
    -------
    bits : uint8 array (rows, columns)
    thresholds : int64 array (rows,)
        Empty, of shape (0,), for a layer without thresholds.

    Raises
    ------
    FileError
        A file has changed its size, or words have bits above their lanes.
    """
    pe, folds = len(layer.weights), layer.neuron_folds
    simd = columns // layer.synapse_folds
    bits = np.empty((layer.rows, columns), np.uint8)
    thresholds = np.empty(layer.rows if layer.thresholds else 0, np.int64)
    for element, weights in enumerate(layer.weights):
        words = _read(weights, "<u8", folds * layer.synapse_folds, update)
        lanes = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
        if lanes[:, simd:].any():
            raise FileError(f"{weights.name}: words must have {simd} bits, and have bits above them")
        bits[element::pe] = lanes[:, :simd].reshape(folds, columns)
        if layer.thresholds:
            thresholds[element::pe] = _read(layer.thresholds[element], "<i8", folds, update)
    return bits, thresholds
