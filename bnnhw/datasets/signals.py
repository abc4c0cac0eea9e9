"""One-dimensional signals: heartbeats and spoken digits, as maps of height 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset, read_npz
from bnnhw.errors import FileError

__all__ = ["ECG5000", "FSDD", "Ecg5000", "Fsdd"]


@dataclass(frozen=True)
class _NpzDataset(FileDataset):
    """A data set in one NumPy archive.

    Parameters
    ----------
    name, shape, classes
        As of :class:`~bnnhw.datasets.files.FileDataset`.
    file : str
    digest : str
        SHA-256.
    samples : int
        In both splits together.
    """

    file: str
    digest: str
    samples: int

    @property
    def digests(self) -> dict[str, str]:
        return {self.file: self.digest}

    def needed(self, split: str) -> tuple[str, ...]:
        return (self.file,)

    def _fields(self, folder: Path, fields: dict[str, tuple[str, tuple[int, ...]]]) -> dict[str, NDArray[Any]]:
        data = self.read(folder, self.file)
        try:
            return read_npz(data, fields)
        except ValueError as error:
            raise FileError(f"{folder / self.file}: {error}") from None


@dataclass(frozen=True)
class Ecg5000(_NpzDataset):
    """Heartbeats of one patient, 140 samples each: normal (0) or abnormal (1).

    The split is that of the UCR archive: its 500 training beats, and its 4,500 test beats in an order of their own.
    The archive's five classes are known for 2,000 beats only, so the two classes, known for all, are the ones here:
    accuracies are not comparable with published ones over five classes.

    Parameters
    ----------
    train : int
        Beats for training, the first ones.
    """

    train: int = 500

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples float32, standard deviations from each beat's own mean as the archive gives them."""
        fields = {"x": ("float32", (self.samples, self.shape[2])), "y2": ("int8", (self.samples,))}
        found = self._fields(folder, fields)
        part = slice(self.train) if split == "train" else slice(self.train, None)
        return found["x"][part].reshape(-1, *self.shape), found["y2"][part].astype(np.int64)


@dataclass(frozen=True)
class Fsdd(_NpzDataset):
    """Spoken digits of six speakers: 49 frames of 10 mel-frequency cepstral coefficients.

    The split is the data set's own: the first five recordings of each digit by each speaker are for testing. Speakers
    are the same in both. The coefficients are channels and time is the width: a kernel then sees all coefficients of
    a few frames, as neighbouring coefficients have nothing in common that a kernel sliding over them could use.
    """

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples float32, the float16 of the file widened."""
        coefficients, _, frames = self.shape
        found = self._fields(
            folder,
            {
                "mfcc": ("float16", (self.samples, frames, coefficients)),
                "label": ("uint8", (self.samples,)),
                "is_test": ("bool", (self.samples,)),
            },
        )
        part = found["is_test"] if split == "test" else ~found["is_test"]
        maps = found["mfcc"][part].astype(np.float32).transpose(0, 2, 1)[:, :, None, :]
        return np.ascontiguousarray(maps), found["label"][part].astype(np.int64)


ECG5000 = Ecg5000(
    "ecg5000",
    (1, 1, 140),
    2,
    "ecg5000.npz",
    "d46847760ff3c9f8abc8160997facaee6ce5eaf106b3336ff12caa5366a74d5d",
    5000,
)
"""ECG5000 of the UCR time series archive (Y. Chen, E. Keogh), record chf07 of the BIDMC heart failure database."""

FSDD = Fsdd(
    "fsdd",
    (10, 1, 49),
    10,
    "fsdd_mfcc.npz",
    "e75781a1ce3d35ef43937bc9e83ef58bfaf4da95b9542edb8fdb7ab158670b7b",
    3000,
)
"""The free spoken digit dataset (Z. Jackson and others, CC BY-SA 4.0), as cepstral coefficients."""
