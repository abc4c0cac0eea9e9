"""Data sets that are files in a folder, each known by its SHA-256."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.dataset import SPLITS, Dataset
from bnnhw.errors import FileError, RequestError

__all__ = ["FileDataset", "read_npz"]


@dataclass(frozen=True)
class FileDataset(ABC):
    """Where the files of a data set are, and what they must be.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of one sample.
    classes : int
    names : tuple of str
        Of the classes; numbers where nothing is given.
    folders : tuple of str
        Where below the folder of the data set the files may lie; "" is that folder itself.
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ("",)

    @property
    @abstractmethod
    def digests(self) -> dict[str, str | None]:
        """File name -> SHA-256, every file of the data set; None where none is published."""

    @abstractmethod
    def needed(self, split: str) -> tuple[str, ...]:
        """Names of the files that ``"train"`` or ``"test"`` is read from."""

    @abstractmethod
    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples (samples, *shape) and labels (samples,) from files that exist."""

    def place(self, folder: Path, splits: tuple[str, ...] = SPLITS) -> Path | None:
        """Where the files of some splits lie, of the folders where they may; None where they do not."""
        names = tuple(name for split in splits for name in self.needed(split))
        return next((place for name in self.folders if not self.missing(place := folder / name, names)), None)

    def missing(self, folder: Path, names: tuple[str, ...] | None = None) -> list[str]:
        """Which of ``names`` (None: of all files) are not in a folder."""
        return [name for name in (self.digests if names is None else names) if not (folder / name).is_file()]

    def instructions(self, folder: Path) -> str:
        """Which files to put where, with their checksums, on one line."""
        listed = ", ".join(
            name if digest is None else f"{name} (sha256 {digest})" for name, digest in self.digests.items()
        )
        return f"put these files into {folder}: {listed}"

    def read(self, folder: Path, name: str) -> bytes:
        """A file's content. Raises :class:`~bnnhw.errors.FileError` unless it has the SHA-256 that is known, if any."""
        path = folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FileError(f"{path}: can't be read: {error.strerror}; {self.instructions(folder)}") from None
        if (wanted := self.digests[name]) is not None and (actual := hashlib.sha256(data).hexdigest()) != wanted:
            raise FileError(f"{path}: sha256 must be {wanted}, not {actual}")
        return data

    def split(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples and labels of ``"train"`` or ``"test"``, of whose files alone there is need.

        Raises
        ------
        RequestError
            For another split.
        FileError
            If files are missing, or not what they must be.
        """
        if split not in SPLITS:
            raise RequestError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
        missing = self.missing(folder, self.needed(split))
        if missing:
            raise FileError(self._not_found(folder, missing))
        return self.arrays(folder, split)

    def load(self, folder: Path) -> Dataset:
        """Read and check all files. Raises :class:`~bnnhw.errors.FileError`."""
        missing = self.missing(folder)
        if missing:
            raise FileError(self._not_found(folder, missing))
        parts = (*self.arrays(folder, "train"), *self.arrays(folder, "test"))
        return Dataset(self.name, self.classes, self.shape, *parts, self.names)

    def _not_found(self, folder: Path, missing: list[str]) -> str:
        return f"data set {self.name}: {', '.join(missing)} not found in {folder}; {self.instructions(folder)}"


def read_npz(data: bytes, fields: dict[str, tuple[str, tuple[int, ...]]]) -> dict[str, NDArray[Any]]:
    """Arrays of a NumPy archive; nothing is ever unpickled.

    Parameters
    ----------
    data : bytes
    fields : name -> (dtype, shape)
        What to read, and what it must be.

    Raises
    ------
    ValueError
        The archive holds something else.
    """
    found: dict[str, NDArray[Any]] = {}
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            for name, (dtype, shape) in fields.items():
                array = archive[name]
                if array.dtype != np.dtype(dtype) or array.shape != shape:
                    raise ValueError(f"{name} must be {dtype} of shape {shape}, not {array.dtype} of {array.shape}")
                found[name] = array
    except (KeyError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"must be a NumPy archive of {', '.join(fields)}: {error}") from None
    return found
