"""NumPy archives of samples and classes."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.labelled import Labelled, class_names
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.text import LARGEST
from bnnhw.errors import FileError

__all__ = ["KIND", "Arrays"]

PLAIN = ("x", "y")
SPLIT = (("x_train", "y_train"), ("x_test", "y_test"))
CLASSES = "classes"
"""An array of names, which may be there too."""

COLOURS = (1, 3)
"""Channels of images that are kept with their channels last."""

MAX_BYTES = 1 << 34
"""Most bytes of all arrays together: what is unpacked must fit a memory."""


class Arrays(Kind):
    """An .npz archive of ``x`` (samples, ...) and ``y`` (samples,): numbers or names of classes, or a column for each.

    Or of ``x_train``, ``y_train``, ``x_test``, ``y_test``, a split of its own. ``classes``, names in the order of the
    numbers of ``y``, may be there too. Samples are rows (features,), images (height, width), or maps (channels, height,
    width); maps whose last axis alone is 1 or 3 have their channels last, and are turned. Nothing is unpickled.
    """

    name: ClassVar[str] = "arrays"
    noun: ClassVar[str] = "an .npz file of x and y"
    options: ClassVar[tuple[str, ...]] = ("shape",)

    def matches(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".npz"

    def read(self, path: Path, reading: Reading) -> Labelled:
        arrays = _load(path)
        names = _names(path, arrays)
        if set(PLAIN) <= arrays.keys():
            return _labelled(path, arrays, PLAIN, names, reading)
        if {name for pair in SPLIT for name in pair} <= arrays.keys():
            train, test = (_labelled(path, arrays, pair, names, reading) for pair in SPLIT)
            if train.samples.shape[1:] != test.samples.shape[1:]:
                raise FileError(
                    f"{path}: x_test must have samples of {train.samples.shape[1:]} as x_train has, not of "
                    f"{test.samples.shape[1:]}"
                )
            return replace(train, test=test)
        listed = ", ".join(sorted(arrays)[:12]) or "nothing"
        raise FileError(f"{path}: must have arrays x and y, or x_train, y_train, x_test and y_test; it has {listed}")


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise FileError(f"{path}: has arrays of more than {MAX_BYTES >> 30} GiB")
        with np.load(path, allow_pickle=False) as archive:
            return {name.lower(): archive[name] for name in archive.files}
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, EOFError, TypeError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise FileError(f"{path}: must be a NumPy archive (.npz) of numbers: {' '.join(str(error).split())}") from None


def _names(path: Path, arrays: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    if CLASSES not in arrays:
        return ()
    names = arrays[CLASSES]
    found = tuple(str(name) for name in names.tolist()) if names.ndim == 1 and names.dtype.kind == "U" else ()
    if len(found) < 1 or len(set(found)) != len(found) or not all(found):
        raise FileError(f"{path}: {CLASSES} must be a list of names, all different")
    return found


def _labelled(
    path: Path, arrays: dict[str, NDArray[Any]], pair: tuple[str, str], names: tuple[str, ...], reading: Reading
) -> Labelled:
    x, y = (arrays[name] for name in pair)
    where = f"{path}: {pair[0]}"
    if x.dtype.kind not in "biuf" or x.ndim < 2 or not x.size:
        raise FileError(f"{where} must be numbers of shape (samples, ...), not {x.dtype} of shape {x.shape}")
    if x.dtype.kind == "f":
        bad = ~(np.abs(x) <= LARGEST)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise FileError(
                f"{where} must be finite numbers within +-{LARGEST:.1e}; {pair[0]}{list(place)} is {x[place]}"
            )
        x = x.astype(np.float32)
    elif x.dtype != np.uint8:
        if (np.abs(x.astype(np.float64)) > 1 << 24).any():
            raise FileError(f"{where} must be whole numbers within +-2**24, as float32 holds them")
        x = x.astype(np.float32)
    labels = _labels(path, pair[1], y, len(x), names)
    places = [f"{path}: {pair[0]}[{i}]" for i in range(len(x))]
    return Labelled(_shaped(where, x, reading), labels, places, names, reading=reading.said)


def _shaped(where: str, x: NDArray[Any], reading: Reading) -> NDArray[Any]:
    if reading.shape is not None:
        if x[0].size != np.prod(reading.shape):
            sizes = "x".join(map(str, reading.shape))
            raise FileError(f"{where}: --shape must have {x[0].size} elements, as a sample has, not {sizes}")
        return x.reshape(-1, *reading.shape)
    if x.ndim > 4:
        raise FileError(f"{where} must have samples of 1, 2 or 3 axes, not of shape {x.shape[1:]}")
    if x.ndim == 4 and x.shape[-1] in COLOURS and x.shape[1] not in COLOURS:
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return x[:, None] if x.ndim == 3 else x


def _labels(path: Path, name: str, y: NDArray[Any], samples: int, names: tuple[str, ...]) -> list[str]:
    where = f"{path}: {name}"
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape[:1] != (samples,) or y.ndim > 2 or y.dtype.kind not in "biufU":
        raise FileError(f"{where} must be one class for each of {samples} samples, not {y.dtype} of shape {y.shape}")
    if y.ndim == 2:
        if not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
            raise FileError(f"{where} must have a single 1 for each sample where it has a column for each class")
        y = y.argmax(axis=1)
    places = [f"{where}[{i}]" for i in range(samples)]
    labels = class_names([str(label) for label in y.tolist()], places)
    if not names or set(labels) <= set(names):
        return labels
    numbers = {str(i) for i in range(len(names))}
    for label, place in zip(labels, places, strict=True):
        if label not in numbers:
            raise FileError(
                f"{place} must be a number from 0 to {len(names) - 1}, for {CLASSES} has so many, not {label!r}"
            )
    return [names[int(label)] for label in labels]


KIND = Arrays()
