"""Heartbeats and spoken digits: layout, splits, refusals."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.datasets.ecg5000 import ECG5000
from bnnhw.datasets.files import read_npz
from bnnhw.datasets.fsdd import FSDD
from bnnhw.errors import FileError


def archive(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def put(folder: Path, dataset: Any, data: bytes, **changes: Any) -> Any:
    """A data set like ``dataset`` of other content."""
    (folder / dataset.file).write_bytes(data)
    return replace(dataset, digest=hashlib.sha256(data).hexdigest(), **changes)


def test_heartbeats(tmp_path: Path) -> None:
    x = np.arange(5 * 140, dtype=np.float32).reshape(5, 140)
    data = archive(x=x, y2=np.array([0, 1, 1, 0, 1], np.int8))
    small = put(tmp_path, ECG5000, data, samples=5, train=2).load(tmp_path)
    assert small.x_train.shape == (2, 1, 1, 140) and small.x_test.shape == (3, 1, 1, 140)
    assert np.array_equal(small.x_test[:, 0, 0], x[2:])
    assert small.y_train.tolist() == [0, 1] and small.y_test.tolist() == [1, 0, 1]


def test_spoken_digits(tmp_path: Path) -> None:
    mfcc = np.random.default_rng(0).normal(0, 9, (4, 49, 10)).astype(np.float16)
    test = np.array([False, True, True, False])
    data = archive(mfcc=mfcc, label=np.array([7, 1, 2, 3], np.uint8), is_test=test)
    small = put(tmp_path, FSDD, data, samples=4).load(tmp_path)
    assert small.x_train.shape == (2, 10, 1, 49) and small.x_train.dtype == np.float32
    assert small.y_train.tolist() == [7, 3] and small.y_test.tolist() == [1, 2]
    for coefficient in range(10):
        assert np.array_equal(small.x_test[1, coefficient, 0], mfcc[2, :, coefficient])


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    data = archive(x=np.array([Bomb()], object))
    with pytest.raises(ValueError, match=r"^Object arrays cannot be loaded when allow_pickle=False$"):
        read_npz(data, {"x": ("float32", (1,))})
    assert not (tmp_path / "exploded").exists()


def test_other_archives_are_refused(tmp_path: Path) -> None:
    data = archive(x=np.zeros((5, 139), np.float32), y2=np.zeros(5, np.int8))
    small = put(tmp_path, ECG5000, data, samples=5)
    path = tmp_path / "ecg5000.npz"
    message = f"{path}: x must be float32 of shape (5, 140), not float32 of (5, 139)"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        small.load(tmp_path)
    whole = archive(x=np.zeros((5, 140), np.float32))
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: must be a NumPy archive of x, y2: .*y2.*$"):
        put(tmp_path, ECG5000, whole, samples=5).load(tmp_path)
    single = io.BytesIO()
    np.save(single, np.zeros(3))
    for other in (b"", b"PK\x03\x04 torn", b"words", single.getvalue(), whole[:-40]):
        with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: (?s:.+)$"):
            put(tmp_path, ECG5000, other, samples=5).load(tmp_path)
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: sha256 must be {ECG5000.digest}, not {actual}$"):
        ECG5000.load(tmp_path)


@pytest.mark.parametrize(
    "name, shape, train, test",
    [
        ("ecg5000", (1, 1, 140), [292, 208], [2627, 1873]),
        ("fsdd", (10, 1, 49), [270] * 10, [30] * 10),
    ],
)
def test_published_files(shared: Path, name: str, shape: tuple[int, ...], train: list[int], test: list[int]) -> None:
    found = datasets.available(name, shared / "datasets")
    if not found.available:
        pytest.skip(f"no {name} beside the repository")
    data = datasets.load(name, shared / "datasets")
    assert data.shape == found.shape == shape and data.classes == found.classes == len(train)
    assert data.x_train.shape == (sum(train), *shape) and data.x_test.shape == (sum(test), *shape)
    assert np.bincount(data.y_train).tolist() == train and np.bincount(data.y_test).tolist() == test
    assert np.isfinite(data.x_train).all() and np.isfinite(data.x_test).all()
    for split in ("train", "test"):
        for one, other in zip(datasets.load_split(name, split, shared / "datasets"), data.split(split), strict=True):
            assert np.array_equal(one, other)
    if name == "ecg5000":
        # Each beat has mean 0 and standard deviation 1, as the archive normalizes them.
        assert np.abs(data.x_test.mean(axis=-1)).max() < 1e-5
        assert np.abs(data.x_test.std(axis=-1, ddof=1) - 1).max() < 1e-4
