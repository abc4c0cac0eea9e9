from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.datasets.svhn import SVHN, Svhn, read_mat
from bnnhw.errors import FileError

scipy_io = pytest.importorskip("scipy.io")

SHAPE = (3, 4, 5)


def packed(x: np.ndarray, y: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    scipy_io.savemat(buffer, {"X": x, "y": y}, do_compression=True)
    return buffer.getvalue()


@pytest.fixture
def arrays() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (4, 5, 3, 6), np.uint8), np.array([[10], [1], [9], [2], [10], [5]], np.uint8)


def test_images_come_channels_first_and_10_is_0(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x, labels = read_mat(packed(*arrays), 6, SHAPE)
    assert x.shape == (6, *SHAPE) and x.dtype == np.uint8
    assert x[2, 1, 3, 4] == arrays[0][3, 4, 1, 2]
    assert labels.tolist() == [0, 1, 9, 2, 0, 5]


def test_a_folder_of_two_files(arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    data = packed(*arrays)
    for name in ("a.mat", "b.mat"):
        (tmp_path / name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    dataset = Svhn("small", SHAPE, 10, files=(("a.mat", 6, digest), ("b.mat", 6, digest)))
    loaded = dataset.load(tmp_path)
    assert np.array_equal(loaded.x_train, loaded.x_test) and len(loaded.y_test) == 6
    (tmp_path / "a.mat").unlink()
    assert len(dataset.split(tmp_path, "test")[0]) == 6


@pytest.mark.parametrize("damage", ["cut", "foreign", "shape", "labels"])
def test_other_files_are_one_clear_error(damage: str, arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    x, y = arrays
    whole = packed(x, y)
    data = {
        "cut": whole[: len(whole) // 2],
        "foreign": b"something else",
        "shape": packed(x[..., :5], y),
        "labels": packed(x, y - 1),
    }[damage]
    (tmp_path / "a.mat").write_bytes(data)
    dataset = Svhn("small", SHAPE, 10, files=(("a.mat", 6, hashlib.sha256(data).hexdigest()),) * 2)
    with pytest.raises(
        FileError, match=rf"^{tmp_path / 'a.mat'}: (must be a MATLAB file of|X must be|y must be) [^\n]+$"
    ):
        dataset.split(tmp_path, "train")


def test_absent_files_say_what_to_put_where(tmp_path: Path) -> None:
    folder = tmp_path / "svhn"
    listed = ", ".join(f"{name} (sha256 {digest})" for name, _, digest in SVHN.files)
    message = (
        f"data set svhn: train_32x32.mat, test_32x32.mat not found in {folder}; put these files into {folder}: {listed}"
    )
    with pytest.raises(FileError, match=f"^{re.escape(message)}$"):
        datasets.load("svhn", tmp_path)
    assert not datasets.available("svhn", tmp_path).available
