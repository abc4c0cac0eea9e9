"""CIFAR-10: the format of its batches, its splits, the official bytes."""

from __future__ import annotations

import hashlib
import lzma
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.datasets.cifar10 import CIFAR10, Cifar10, read_batch
from bnnhw.errors import FileError


def predict(left: int, above: int, corner: int) -> int:
    """The median edge detector as LOCO-I states it, in three cases."""
    if corner >= max(left, above):
        return min(left, above)
    if corner <= min(left, above):
        return max(left, above)
    return left + above - corner


def pack(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A batch of images, uint8 (images, 3, 32, 32)."""
    red, green, blue = images.astype(np.int64).transpose(1, 0, 2, 3)
    residuals = bytearray()
    for plane in (green, (red - green) % 256, (blue - green) % 256):
        for image in plane.tolist():
            for y in range(32):
                for x in range(32):
                    left = image[y][x - 1] if x else 0
                    above = image[y - 1][x] if y else 0
                    corner = image[y - 1][x - 1] if x and y else 0
                    residuals.append((image[y][x] - predict(left, above, corner)) % 256)
    return lzma.compress(labels.astype(np.uint8).tobytes() + bytes(residuals))


@pytest.fixture
def images() -> np.ndarray:
    """Noise, and a gradient with all of the predictor's cases."""
    generator = np.random.default_rng(0)
    gradient = np.add.outer(np.arange(32) * 5, np.arange(32) * 3)[None, None] + generator.integers(0, 9, (2, 3, 32, 32))
    return np.concatenate([generator.integers(0, 256, (2, 3, 32, 32)), gradient % 256]).astype(np.uint8)


def test_batches_come_back(images: np.ndarray) -> None:
    labels = np.array([3, 0, 9, 5])
    found, classes = read_batch(pack(images, labels), 4)
    assert found.dtype == np.uint8 and classes.dtype == np.int64
    assert np.array_equal(found, images) and classes.tolist() == labels.tolist()


def test_other_data_is_refused() -> None:
    size = 2 * (1 + 3 * 32 * 32)
    with pytest.raises(ValueError, match=r"^must be an xz file: Input format not supported by decoder$"):
        read_batch(b"not xz at all", 2)
    with pytest.raises(ValueError, match=rf"^must hold 2 images, {size} bytes, not 5$"):
        read_batch(lzma.compress(b"12345"), 2)
    with pytest.raises(ValueError, match=r"^must be an xz file: Compressed data ended before "):
        read_batch(lzma.compress(bytes(size))[:-30], 2)


@pytest.fixture
def small(images: np.ndarray, tmp_path: Path) -> Cifar10:
    """Two batches for training and one for testing, of two images each."""
    batches = []
    for name, part in {"a": images[:2], "b": images[2:], "t": images[1:3]}.items():
        data = pack(part, part[:, 0, 0, 0] % 10)
        (tmp_path / name).write_bytes(data)
        batches.append((name, hashlib.sha256(data).hexdigest()))
    return replace(CIFAR10, batches=tuple(batches), images=2)


def test_splits(small: Cifar10, images: np.ndarray, tmp_path: Path) -> None:
    data = small.load(tmp_path)
    assert np.array_equal(data.x_train, images) and np.array_equal(data.x_test, images[1:3])
    assert data.y_train.tolist() == (images[:, 0, 0, 0] % 10).tolist()
    for name in "ab":
        (tmp_path / name).unlink()
    assert np.array_equal(small.split(tmp_path, "test")[0], images[1:3])


def test_wrong_files(small: Cifar10, tmp_path: Path) -> None:
    short = lzma.compress(b"12345")
    (tmp_path / "t").write_bytes(short)
    digest = hashlib.sha256(short).hexdigest()
    message = f"{tmp_path / 't'}: sha256 must be {small.digests['t']}, not {digest}"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        small.split(tmp_path, "test")
    renamed = replace(small, batches=(*small.batches[:2], ("t", digest)))
    message = f"{tmp_path / 't'}: must hold 2 images, {2 * (1 + 3 * 32 * 32)} bytes, not 5"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        renamed.split(tmp_path, "test")


# SHA-1 of the members of the official cifar-10-binary.tar.gz.
OFFICIAL = {
    "train": (
        "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
        "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
        "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
        "aab85764eb3584312d3c7f65fd2fd016e36a258e",
        "26e2849e66a845b7f1e4614ae70f4889ae604628",
    ),
    "test": ("67eb016db431130d61cd03c7ad570b013799c88c",),
}


@pytest.mark.parametrize("split", ["test", pytest.param("train", marks=pytest.mark.slow)])
def test_official_bytes(shared: Path, split: str) -> None:
    if not datasets.available("cifar10", shared / "datasets").available:
        pytest.skip("no cifar10 beside the repository")
    x, y = datasets.load_split("cifar10", split, shared / "datasets")
    # An official batch: for each image its label, then red, green, blue.
    records = np.concatenate([y.astype(np.uint8)[:, None], x.reshape(len(x), -1)], axis=1)
    batches = records.reshape(-1, 10_000, records.shape[1])
    assert tuple(hashlib.sha1(batch.tobytes()).hexdigest() for batch in batches) == OFFICIAL[split]
