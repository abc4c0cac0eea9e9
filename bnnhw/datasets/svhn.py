"""SVHN: cropped house numbers of 32 x 32 in ten classes (Y. Netzer and others, 2011)."""

from __future__ import annotations

import importlib.util
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset
from bnnhw.errors import FileError, ToolError

__all__ = ["SVHN", "Svhn", "read_mat"]


def read_mat(data: bytes, samples: int, shape: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A file of the set: MATLAB's format 5 with ``X`` (height, width, channels, samples) and ``y``, 10 standing for 0.

    Parameters
    ----------
    data : bytes
    samples : int
    shape : (channels, height, width)

    Returns
    -------
    images : uint8 array (samples, channels, height, width)
    labels : int64 array (samples,)

    Raises
    ------
    ValueError
        For other data.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(io.BytesIO(data), variable_names=("X", "y"))
        x, y = found["X"], found["y"]
    except (MatReadError, ValueError, KeyError, TypeError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"must be a MATLAB file of X and y: {error}") from None
    channels, height, width = shape
    if x.dtype != np.uint8 or x.shape != (height, width, channels, samples):
        raise ValueError(f"X must be uint8 of shape {(height, width, channels, samples)}, not {x.dtype} of {x.shape}")
    if y.shape != (samples, 1) or not np.isin(y, np.arange(1, 11)).all():
        raise ValueError(f"y must be 1 to 10 of shape {(samples, 1)}, not of {y.shape}")
    return np.ascontiguousarray(x.transpose(3, 2, 0, 1)), y[:, 0].astype(np.int64) % 10


@dataclass(frozen=True)
class Svhn(FileDataset):
    """Two files.

    Parameters
    ----------
    name, shape, classes
        As of :class:`~bnnhw.datasets.files.FileDataset`.
    files : tuple of (file name, number of samples, SHA-256)
        For training, for testing.
    """

    files: tuple[tuple[str, int, str], ...] = ()

    @property
    def digests(self) -> dict[str, str | None]:
        return {name: digest for name, _, digest in self.files}

    def needed(self, split: str) -> tuple[str, ...]:
        return (self.files[split != "train"][0],)

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        if importlib.util.find_spec("scipy") is None:
            raise ToolError("data set svhn needs SciPy: pip install 'bnnhw[train]'")
        name, samples, _ = self.files[split != "train"]
        data = self.read(folder, name)
        try:
            return read_mat(data, samples, self.shape)
        except ValueError as error:
            raise FileError(f"{folder / name}: {error}") from None


SVHN = Svhn(
    "svhn",
    (3, 32, 32),
    10,
    files=(
        ("train_32x32.mat", 73_257, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
        ("test_32x32.mat", 26_032, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
    ),
)
"""The two official files of cropped digits, byte for byte; checksums as TensorFlow Datasets lists them."""
