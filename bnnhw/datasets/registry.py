"""Data sets by name or path, and where the files of the named ones are looked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from bnnhw.datasets import digits, earbud
from bnnhw.datasets.cifar10 import CIFAR10, CIFAR10_BINARY
from bnnhw.datasets.dataset import SPLITS, WHOLE, Dataset, Split
from bnnhw.datasets.ecg5000 import ECG5000, ECG5000_UCR
from bnnhw.datasets.files import FileDataset
from bnnhw.datasets.fsdd import FSDD, FSDD_WAV
from bnnhw.datasets.idx import FASHION_MNIST, MNIST
from bnnhw.datasets.own import read_path, suggest_path
from bnnhw.datasets.reading import PLAIN, Reading
from bnnhw.datasets.svhn import SVHN
from bnnhw.errors import FileError, RequestError

__all__ = ["KNOWN", "Availability", "available", "data_root", "is_path", "load", "load_split", "read_split", "suggest"]

_FORMS: tuple[tuple[FileDataset, ...], ...] = (
    (MNIST,),
    (FASHION_MNIST,),
    (CIFAR10, CIFAR10_BINARY),
    (SVHN,),
    (ECG5000, *ECG5000_UCR),
    (FSDD, FSDD_WAV),
)
"""Each data set in the forms in which it may be here, the one that is fastest to read first."""

_FILES = {forms[0].name: forms for forms in _FORMS}

_MADE: dict[str, tuple[Callable[[], Dataset], tuple[int, ...], int]] = {
    "digits": (digits.load_digits, digits.SHAPE, digits.CLASSES),
    "earbud": (earbud.load_earbud, earbud.SHAPE, earbud.CLASSES),
}
"""Those that need no files: how they are made, shape, classes."""

KNOWN = ("digits", *_FILES, "earbud")
"""Names of all data sets."""


@dataclass(frozen=True)
class Availability:
    """Whether a data set is here.

    Parameters
    ----------
    available : bool
        Its files exist (their checksums are verified when they are loaded).
    path : Path or None
        Its folder, whether or not it exists; None for one that comes with a package, or is generated.
    shape : tuple of int
        Of one sample.
    classes : int
    """

    available: bool
    path: Path | None
    shape: tuple[int, ...]
    classes: int


def data_root(data_dir: Path | None) -> Path:
    """The root with one folder a data set: ``data_dir``, else ``BNNHW_DATA``, else the user's cache."""
    if data_dir is not None:
        return Path(data_dir)
    if variable := os.environ.get("BNNHW_DATA"):
        return Path(variable)
    return Path(platformdirs.user_cache_dir("bnnhw", appauthor=False)) / "datasets"


def is_path(name: str) -> bool:
    """Whether a data set is named by a path; :class:`~bnnhw.errors.RequestError` where it is none and no known name."""
    if name in KNOWN:
        return False
    if Path(name).exists():
        return True
    # What looks like a path was surely meant as one.
    if "/" in name or os.sep in name or Path(name).suffix:
        raise FileError(f"{name}: no such file or folder")
    raise RequestError(f"data set must be one of {', '.join(KNOWN)}, or a file or folder, not {name!r}")


def _named(name: str, reading: Reading) -> None:
    """Refuse what concerns data of one's own alone."""
    if reading.said:
        reading.check((), f"data set {name}")
        raise RequestError(f"data set {name} has a split of its own: nothing is to be said about one")


def _form(name: str, folder: Path, splits: tuple[str, ...] = SPLITS) -> tuple[FileDataset, Path | None]:
    """The form of a data set that has the files of some splits, and where; the first and None where none has them."""
    for form in _FILES[name]:
        if (place := form.place(folder, splits)) is not None:
            return form, place
    return _FILES[name][0], None


def available(name: str, data_dir: Path | None = None) -> Availability:
    """Whether a named data set is here, and what it is. Raises :class:`~bnnhw.errors.RequestError` for another name."""
    if name in _MADE:
        return Availability(True, None, *_MADE[name][1:])
    if name not in KNOWN:
        raise RequestError(f"data set must be one of {', '.join(KNOWN)}, not {name!r}")
    folder = data_root(data_dir) / name
    form, place = _form(name, folder)
    return Availability(place is not None, folder, form.shape, form.classes)


def load(name: str, data_dir: Path | None = None, reading: Reading = PLAIN) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of :data:`KNOWN`, or a path to data of one's own (:mod:`bnnhw.datasets.kinds`).
    data_dir : Path, optional
        The root that holds one folder a data set; see :func:`data_root`.
    reading : Reading
        How a path is read, and split.

    Raises
    ------
    RequestError
        For an unknown name, or a reading that does not concern the data set.
    FileError
        If files are missing, have a wrong checksum, or hold what they must not; says which.
    ToolError
        If the package that bundles the data set is missing.
    """
    if is_path(name):
        return read_path(Path(name), reading)
    _named(name, reading)
    if name in _MADE:
        return _MADE[name][0]()
    form, place = _checked(name, data_dir)
    return form.load(place)


def suggest(name: str, reading: Reading = PLAIN) -> tuple[Reading, tuple[str, ...]]:
    """How a data set is best read for a new network where ``reading`` leaves it open, and notes on that.

    Raises
    ------
    RequestError, FileError
        As :func:`load` does.
    """
    return suggest_path(Path(name), reading) if is_path(name) else (reading, ())


def read_split(
    name: str,
    split: str,
    data_dir: Path | None = None,
    reading: Reading = PLAIN,
    names: tuple[str, ...] = (),
) -> Split:
    """Samples of ``"train"``, ``"test"`` or ``"all"``, without reading the other where it has files of its own.

    Parameters
    ----------
    name, data_dir, reading
        As of :func:`load`.
    split : str
    names : tuple of str
        Classes that are known already, those of a network: data of one's own that have no others are numbered so.

    Raises
    ------
    RequestError, FileError, ToolError
        As :func:`load` does.
    """
    if split not in (*SPLITS, WHOLE):
        raise RequestError(f"split must be one of {', '.join((*SPLITS, WHOLE))}, not {split!r}")
    if is_path(name):
        data = read_path(Path(name), reading, names=names, whole=split == WHOLE)
        return Split(*data.split("test" if split == WHOLE else split), data.names, data.notes)
    _named(name, reading)
    if name in _MADE or split == WHOLE:
        data = load(name, data_dir)
        return Split(*data.split(split), data.names)
    form, place = _checked(name, data_dir, (split,))
    x, y = form.split(place, split)
    return Split(x, y, form.names or tuple(map(str, range(form.classes))))


def load_split(name: str, split: str, data_dir: Path | None = None) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Samples and labels of a part of a data set; as :func:`read_split`."""
    found = read_split(name, split, data_dir)
    return found.x, found.y


def _checked(name: str, data_dir: Path | None, splits: tuple[str, ...] = SPLITS) -> tuple[FileDataset, Path]:
    """The form that is here; :class:`~bnnhw.errors.FileError` says which files to put where if none of several is."""
    root = data_root(data_dir)
    if data_dir is not None and not root.is_dir():
        raise FileError(f"{root}: data folder must be a folder")
    form, place = _form(name, root / name, splits)
    forms = _FILES[name]
    if place is None and len(forms) > 1:
        ways = dict.fromkeys(form.instructions(root / name) for form in forms)
        raise FileError(f"data set {name}: not found in {root / name}; {'; or '.join(ways)}")
    return form, place or root / name
