"""Samples without classes: arrays, lines of numbers, images, sounds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets import read_sample
from bnnhw.datasets.reading import PLAIN, Reading
from bnnhw.datasets.text import number, numbers, read_lines
from bnnhw.errors import FileError, RequestError
from bnnhw.flow.frames import Frames, class_names, kept_reading
from bnnhw.flow.samples import suit
from bnnhw.ir import Network

__all__ = ["read_inputs"]

_ARRAY = "x"
"""The array of an archive that holds the samples, where there are several."""


def read_inputs(network: Network, paths: Sequence[Path], reading: Reading = PLAIN) -> Frames:
    """Frames of files, in the network's order.

    A file is an image or a WAV, one frame, read as the network's data were; an array (``.npy``, or an ``.npz`` of one
    array or of ``x``) of one frame or of frames; or text (``.csv``, ``.tsv``, ``.txt``) of one frame per line, a first
    line of names left out.

    Raises
    ------
    FileError
        A file is missing, damaged, or no such thing.
    RequestError
        The samples do not suit the network.
    """
    found: list[NDArray[Any]] = []
    warnings: dict[str, None] = {}
    decides = max(2, network.output.classes)
    for path in paths:
        if not path.is_file():
            raise FileError(f"{path}: no such file")
        read = _READERS.get(path.suffix.lower())
        samples = read_sample(path, reading.after(kept_reading(network)))[None] if read is None else read(path, network)
        if not len(samples):
            raise FileError(f"{path}: must hold samples, and holds none")
        suited = suit(network, samples, decides, str(path))
        warnings |= dict.fromkeys(suited.warnings)
        found.append(suited.samples.reshape(len(samples), -1))
    names = class_names(network) or tuple(map(str, range(decides)))
    return Frames(", ".join(map(str, paths)), np.concatenate(found), None, names, tuple(warnings))


def _framed(path: Path, array: NDArray[Any], network: Network) -> NDArray[Any]:
    """An array as frames."""
    if array.dtype.kind not in "biuf":
        raise FileError(f"{path}: must be an array of numbers, not of {array.dtype}")
    elements = network.input.elements
    if array.ndim > 1 and math.prod(array.shape[1:]) == elements:
        return array
    if array.size == elements:
        return array[None]
    raise RequestError(
        f"{path}: must be an array of {elements} elements per frame for this network, not of shape {array.shape}"
    )


def _array(path: Path, network: Network) -> NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _framed(path, loaded, network)
        with loaded as archive:
            names = {name.lower(): name for name in archive.files}
            name = archive.files[0] if len(names) == 1 else names.get(_ARRAY)
            if name is None:
                raise FileError(f"{path}: must have an array {_ARRAY}, or one alone; it has {', '.join(names)}")
            return _framed(path, archive[name], network)
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}") from None
    except Exception as error:
        if isinstance(error, FileError | RequestError):
            raise
        raise FileError(f"{path}: must be a NumPy array or archive: {' '.join(str(error).split())}") from None


def _text(path: Path, network: Network) -> NDArray[Any]:
    lines = [(at, [cell for cell in re.split(r"[,;|\s]+", line) if cell]) for at, line in read_lines(path)]
    if len(lines) > 1 and all(number(cell) is None for cell in lines[0][1]):
        del lines[0]
    elements = network.input.elements
    for at, cells in lines:
        if len(cells) != elements:
            more = "; a column of classes belongs to --dataset" if len(cells) == elements + 1 else ""
            raise FileError(f"{path}:{at}: must have {elements} numbers for this network, not {len(cells)}{more}")
    columns = [f"column {i + 1}" for i in range(elements)]
    rows = [numbers(cells, f"{path}:{at}", columns, "") for at, cells in lines]
    return np.stack(rows) if rows else np.empty((0, elements))


_READERS: dict[str, Callable[[Path, Network], NDArray[Any]]] = {
    **dict.fromkeys((".npy", ".npz"), _array),
    **dict.fromkeys((".csv", ".tsv", ".txt"), _text),
}
