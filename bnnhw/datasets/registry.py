"""Data sets by name, and where their files are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from bnnhw.datasets import digits, earbud
from bnnhw.datasets.cifar10 import CIFAR10
from bnnhw.datasets.dataset import Dataset
from bnnhw.datasets.files import FileDataset
from bnnhw.datasets.idx import FASHION_MNIST, MNIST
from bnnhw.datasets.signals import ECG5000, FSDD
from bnnhw.datasets.svhn import SVHN
from bnnhw.errors import FileError, RequestError

__all__ = ["KNOWN", "Availability", "available", "data_root", "load", "load_split"]

_SETS: tuple[FileDataset, ...] = (MNIST, FASHION_MNIST, CIFAR10, SVHN, ECG5000, FSDD)
_FILES = {dataset.name: dataset for dataset in _SETS}

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


def _check(name: str) -> None:
    if name not in KNOWN:
        raise RequestError(f"data set must be one of {', '.join(KNOWN)}, not {name!r}")


def available(name: str, data_dir: Path | None = None) -> Availability:
    """Whether a data set is here, and what it is. Raises :class:`~bnnhw.errors.RequestError` for an unknown name."""
    _check(name)
    if name == "digits":
        return Availability(True, None, digits.SHAPE, digits.CLASSES)
    if name == "earbud":
        return Availability(True, None, earbud.SHAPE, earbud.CLASSES)
    files, folder = _FILES[name], data_root(data_dir) / name
    return Availability(not files.missing(folder), folder, files.shape, files.classes)


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of :data:`KNOWN`.
    data_dir : Path, optional
        The root that holds one folder a data set; see :func:`data_root`.

    Raises
    ------
    RequestError
        For an unknown name.
    FileError
        If files are missing or have a wrong checksum; says which to put where.
    ToolError
        If the package that bundles the data set is missing.
    """
    _check(name)
    if name == "digits":
        return digits.load_digits()
    if name == "earbud":
        return earbud.load_earbud()
    return _FILES[name].load(_folder(name, data_dir))


def load_split(name: str, split: str, data_dir: Path | None = None) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Samples and labels of ``"train"`` or ``"test"``, without reading the other. Otherwise as :func:`load`."""
    _check(name)
    if name == "digits":
        return digits.load_digits().split(split)
    if name == "earbud":
        return earbud.load_earbud().split(split)
    return _FILES[name].split(_folder(name, data_dir), split)


def _folder(name: str, data_dir: Path | None) -> Path:
    root = data_root(data_dir)
    if data_dir is not None and not root.is_dir():
        raise FileError(f"{root}: data folder must be a folder")
    return root / name
