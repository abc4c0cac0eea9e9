"""Data sets of four gzipped idx files: MNIST and those that took its format."""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset
from bnnhw.errors import FileError

__all__ = ["FASHION_MNIST", "MNIST", "IdxDataset", "read_idx"]

UNSIGNED_BYTE = 0x08
"""The type code of unsigned bytes, third byte of an idx file (http://yann.lecun.com/exdb/mnist/)."""


def read_idx(data: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The array in an idx file of unsigned bytes.

    Format: two zero bytes, type code, number of dimensions, each dimension as a big-endian 32-bit
    integer, then the bytes. Raises ValueError unless it holds ``shape`` exactly.
    """
    header = bytes([0, 0, UNSIGNED_BYTE, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    if not data.startswith(header) or len(data) != len(header) + math.prod(shape):
        raise ValueError(f"must be an idx file of unsigned bytes of shape {shape}")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)


@dataclass(frozen=True)
class IdxDataset(FileDataset):
    """A data set of four such files.

    Parameters
    ----------
    name, shape, classes
        As of :class:`~bnnhw.datasets.files.FileDataset`.
    files : tuple of (file name, number of samples, whether images, SHA-256)
        Training images, training labels, test images, test labels.
    """

    files: tuple[tuple[str, int, bool, str], ...] = ()

    @property
    def digests(self) -> dict[str, str | None]:
        return {name: digest for name, _, _, digest in self.files}

    def _of(self, split: str) -> tuple[tuple[str, int, bool, str], ...]:
        return self.files[:2] if split == "train" else self.files[2:]

    def needed(self, split: str) -> tuple[str, ...]:
        return tuple(name for name, _, _, _ in self._of(split))

    def _array(self, folder: Path, name: str, samples: int, images: bool) -> NDArray[np.uint8]:
        packed = self.read(folder, name)
        try:
            return read_idx(gzip.decompress(packed), (samples, *self.shape) if images else (samples,))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise FileError(f"{folder / name}: {error}") from None

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        x, y = (self._array(folder, *file[:3]) for file in self._of(split))
        return x, y.astype(np.int64)


def _official(name: str, digests: tuple[str, str, str, str], classes: tuple[str, ...] = ()) -> IdxDataset:
    stems = (("train", 60_000), ("t10k", 10_000))
    names = [
        (f"{stem}-{kind}", number, images)
        for stem, number in stems
        for kind, images in (("images-idx3-ubyte.gz", True), ("labels-idx1-ubyte.gz", False))
    ]
    files = tuple((*entry, digest) for entry, digest in zip(names, digests, strict=True))
    return IdxDataset(name, (28, 28), 10, classes, files=files)


MNIST = _official(
    "mnist",
    (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)
"""The four official files, byte for byte: 60,000 and 10,000 handwritten digits of 28 x 28, 0 background."""

FASHION_MNIST = _official(
    "fashion-mnist",
    (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
"""The four official files, byte for byte: the same sizes, photographs of clothes."""
