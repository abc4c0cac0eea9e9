"""CIFAR-10: 60,000 colour images of 32 x 32 in ten classes (A. Krizhevsky, 2009)."""

from __future__ import annotations

import lzma
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset
from bnnhw.errors import FileError

__all__ = ["CIFAR10", "CIFAR10_BINARY", "Cifar10", "Cifar10Binary", "read_batch", "read_records"]

SIZE = 32
IMAGES = 10_000
"""A batch."""

_THREADS = 2
"""Batches read at once: decompression, two thirds of the work, holds no lock, and each takes some 100 MB."""


def read_batch(data: bytes, images: int = IMAGES) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A batch in the ``.med.xz`` format.

    An xz stream of ``images`` label bytes, then of three planes of ``images`` x 32 x 32 residuals: of G, of R - G and
    of B - G, all modulo 256. A residual is the value less the prediction from its neighbours to the left, above, and
    above to the left, each 0 outside the image: the median edge detector of LOCO-I (Weinberger, Seroussi, Sapiro:
    "The LOCO-I lossless image compression algorithm", 2000, equation 1).

    Parameters
    ----------
    data : bytes
    images : int

    Returns
    -------
    images : uint8 array (images, 3, 32, 32)
        Red, green, blue; rows from the top.
    labels : int64 array (images,)

    Raises
    ------
    ValueError
        For other data.
    """
    try:
        raw = np.frombuffer(lzma.decompress(data), np.uint8)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"must be an xz file: {error}") from None
    number = 3 * images
    if len(raw) != images + number * SIZE * SIZE:
        raise ValueError(f"must hold {images} images, {images + number * SIZE * SIZE} bytes, not {len(raw)}")
    labels = raw[:images].astype(np.int64)
    # Pixel-major, so that one operation predicts a pixel of all planes.
    residuals = np.ascontiguousarray(raw[images:].reshape(number, SIZE * SIZE).T).reshape(SIZE, SIZE, number)
    values = np.zeros((SIZE + 1, SIZE + 1, number), np.uint8)  # With a border of 0 above and to the left.
    for y in range(SIZE):
        for x in range(SIZE):
            left, above, corner = values[y + 1, x], values[y, x + 1], values[y, x]
            # The detector's three cases are left + above - corner with the corner clamped between the two, so that
            # arithmetic modulo 256 suffices.
            clamped = np.minimum(np.maximum(corner, np.minimum(left, above)), np.maximum(left, above))
            values[y + 1, x + 1] = left + above - clamped + residuals[y, x]
    planes = np.ascontiguousarray(values[1:, 1:].reshape(SIZE * SIZE, number).T).reshape(3, images, SIZE, SIZE)
    green, red, blue = planes
    return np.stack([red + green, green, blue + green], axis=1), labels


@dataclass(frozen=True)
class Cifar10(FileDataset):
    """Five batches for training, one for testing.

    Parameters
    ----------
    name, shape, classes
        As of :class:`~bnnhw.datasets.files.FileDataset`.
    batches : tuple of (file name, SHA-256)
        The last one is for testing.
    images : int
        In a batch.
    """

    batches: tuple[tuple[str, str], ...] = ()
    images: int = IMAGES

    @property
    def digests(self) -> dict[str, str | None]:
        return dict(self.batches)

    def batch(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images and labels of a file's content. Raises ValueError for other content."""
        return read_batch(data, self.images)

    def needed(self, split: str) -> tuple[str, ...]:
        names = tuple(name for name, _ in self.batches)
        return names[:-1] if split == "train" else names[-1:]

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        def batch(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
            data = self.read(folder, name)
            try:
                return self.batch(data)
            except ValueError as error:
                raise FileError(f"{folder / name}: {error}") from None

        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(batch, self.needed(split)))
        return np.concatenate([x for x, _ in found]), np.concatenate([y for _, y in found])


def read_records(data: bytes, images: int = IMAGES) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """An official batch: for each image a byte of its label, then 3,072 of red, green and blue, rows from the top.

    Parameters, results and errors as of :func:`read_batch`.
    """
    size = 1 + 3 * SIZE * SIZE
    if len(data) != images * size:
        raise ValueError(f"must hold {images} images, {images * size} bytes, not {len(data)}")
    records = np.frombuffer(data, np.uint8).reshape(images, size)
    return np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, SIZE, SIZE), records[:, 0].astype(np.int64)


@dataclass(frozen=True)
class Cifar10Binary(Cifar10):
    """The same of the official batches, the page's "binary version"."""

    def batch(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return read_records(data, self.images)


NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

CIFAR10 = Cifar10(
    "cifar10",
    (3, SIZE, SIZE),
    10,
    NAMES,
    batches=(
        ("data_batch_1.med.xz", "70bd2060db13187c4614e05cdd983e882824c3834e3df0ebe625e58cf2b41e4e"),
        ("data_batch_2.med.xz", "94aaa6274ab3bfc50a39cb12f2789f61f1982b66325371f91d40553e8331d25a"),
        ("data_batch_3.med.xz", "599d9fdcfbd14131d857e6e3da9d62325ddfa7fe840dd533f791085bc72a76b7"),
        ("data_batch_4.med.xz", "7ba226553123f891de532b3e057bb70dc00b58718cd5a7f54dc992cafee52ded"),
        ("data_batch_5.med.xz", "609ffd13a1a48f100a1cc933316850ad80b8237924e5bcac03b7a2ff8f56e18c"),
        ("test_batch.med.xz", "2d7779d4393349c64ce49ce7291a7bbb1496dd921c0b626e9207e29d4192d1d9"),
    ),
)
"""The six official batches, without loss in two thirds of their size: uint8 pixels, (3, 32, 32) red, green, blue."""

CIFAR10_BINARY = Cifar10Binary(
    "cifar10",
    (3, SIZE, SIZE),
    10,
    NAMES,
    ("", "cifar-10-batches-bin"),
    (
        ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    ),
)
"""Those batches themselves; the SHA-256 are ours, of bytes that have the SHA-1 that others publish."""
