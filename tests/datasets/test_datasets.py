"""Data sets: splits, checksums, search order, refusals."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.datasets import digits, registry
from bnnhw.datasets.idx import FASHION_MNIST, MNIST, IdxDataset, read_idx
from bnnhw.errors import FileError, RequestError


def test_digits_split_is_seeded_and_stratified() -> None:
    first, second = datasets.load("digits"), datasets.load("digits")
    assert first.shape == (64,) and first.classes == 10
    assert len(first.x_train) + len(first.x_test) == 1797
    assert len(first.x_test) == 359
    assert np.array_equal(first.x_test, second.x_test) and np.array_equal(first.y_train, second.y_train)
    assert first.x_train.min() == 0 and first.x_train.max() == 16
    share = np.bincount(first.y_test, minlength=10) / np.bincount(np.r_[first.y_train, first.y_test], minlength=10)
    assert (np.abs(share - 0.2) < 0.5 / 174).all()
    # The split is part of what accuracies mean: it must not move with a library's version.
    digest = hashlib.sha256(first.x_test.astype(np.uint8).tobytes() + first.y_test.astype(np.uint8).tobytes())
    assert digest.hexdigest()[:16] == "2bdca66f80cf7446"
    assert first.split("test")[1] is first.y_test
    with pytest.raises(RequestError, match=r"^split must be one of train, test, all, not 'none'$"):
        first.split("none")


def test_digits_are_those_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    x, y = sklearn.load_digits(return_X_y=True)
    ours = datasets.load("digits")
    both = np.r_[np.c_[ours.x_train, ours.y_train], np.c_[ours.x_test, ours.y_test]]
    theirs = np.c_[x, y]
    order, other = np.lexsort(both.T), np.lexsort(theirs.T)
    assert np.array_equal(both[order], theirs[other])


def test_digits_that_were_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "FILE", tmp_path / "digits.npz")
    for reason in ("can't be read: No such file or directory", "is not the file that bnnhw comes with"):
        with pytest.raises(FileError, match=rf"^{tmp_path}/digits.npz: {reason}; install bnnhw again$"):
            datasets.load("digits")
        digits.FILE.write_bytes(b"other")


def test_unknown_name() -> None:
    known = "digits, mnist, fashion-mnist, cifar10, svhn, ecg5000, fsdd, earbud"
    message = rf"^data set must be one of {known}(, or a file or folder)?, not 'imagenet'$"
    for ask in (datasets.load, datasets.available, lambda name: datasets.load_split(name, "test")):
        with pytest.raises(RequestError, match=message):
            ask("imagenet")
    with pytest.raises(FileError, match=r"^pictures/: no such file or folder$"):
        datasets.load("pictures/")


def test_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BNNHW_DATA", raising=False)
    monkeypatch.setattr(registry.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    assert datasets.available("mnist").path == tmp_path / "cache" / "datasets" / "mnist"
    monkeypatch.setenv("BNNHW_DATA", str(tmp_path / "variable"))
    assert datasets.available("mnist").path == tmp_path / "variable" / "mnist"
    assert datasets.available("mnist", tmp_path / "given").path == tmp_path / "given" / "mnist"
    assert datasets.available("mnist") == datasets.Availability(False, tmp_path / "variable" / "mnist", (28, 28), 10)


def test_missing_files_say_what_to_put_where(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    listed = ", ".join(f"{name} (sha256 {digest})" for name, _, _, digest in MNIST.files)
    message = (
        f"data set mnist: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz not "
        f"found in {folder}; put these files into {folder}: {listed}"
    )
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        datasets.load("mnist", tmp_path)
    none = tmp_path / "none"
    with pytest.raises(FileError, match=rf"^{re.escape(str(none))}: data folder must be a folder$"):
        datasets.load("mnist", none)


@pytest.fixture
def small(tmp_path: Path) -> IdxDataset:
    """A data set of 3 and 2 images of 2 x 2, on disk."""
    files = []
    for name, array in {
        "xa": np.arange(12).reshape(3, 2, 2),
        "ya": np.array([2, 0, 1]),
        "xb": np.arange(8).reshape(2, 2, 2) + 100,
        "yb": np.array([1, 1]),
    }.items():
        shape = b"".join(size.to_bytes(4, "big") for size in array.shape)
        data = gzip.compress(bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes(), mtime=0)
        (tmp_path / name).write_bytes(data)
        files.append((name, len(array), name[0] == "x", hashlib.sha256(data).hexdigest()))
    return IdxDataset("small", (2, 2), 3, files=tuple(files))


def test_idx_files(small: IdxDataset, tmp_path: Path) -> None:
    dataset = small.load(tmp_path)
    assert dataset.x_train.tolist() == np.arange(12).reshape(3, 2, 2).tolist()
    assert dataset.y_train.tolist() == [2, 0, 1]
    assert dataset.x_test[1].tolist() == [[104, 105], [106, 107]]
    assert dataset.y_test.dtype == np.int64


def test_a_split_needs_its_own_files_alone(small: IdxDataset, tmp_path: Path) -> None:
    (tmp_path / "xa").unlink()
    x, y = small.split(tmp_path, "test")
    assert x.shape == (2, 2, 2) and y.tolist() == [1, 1]
    listed = ", ".join(f"{name} (sha256 {digest})" for name, _, _, digest in small.files)
    message = f"data set small: xa not found in {tmp_path}; put these files into {tmp_path}: {listed}"
    for load in (lambda: small.split(tmp_path, "train"), lambda: small.load(tmp_path)):
        with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
            load()
    with pytest.raises(RequestError, match=r"^split must be one of train, test, not 'all'$"):
        small.split(tmp_path, "all")


def test_split_of_digits() -> None:
    x, y = datasets.load_split("digits", "train")
    whole = datasets.load("digits")
    assert np.array_equal(x, whole.x_train) and np.array_equal(y, whole.y_train)


def test_wrong_checksum(small: IdxDataset, tmp_path: Path) -> None:
    path = tmp_path / "yb"
    path.write_bytes(path.read_bytes()[:-1])
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    message = f"{path}: sha256 must be {small.files[3][3]}, not {actual}"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        small.load(tmp_path)


def test_idx_of_another_shape() -> None:
    data = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])
    assert read_idx(data, (2,)).tolist() == [7, 9]
    for wrong, shape in ((data, (3,)), (data[:-1], (2,)), (data + b"\0", (2,)), (data, (1, 2)), (b"", (2,))):
        with pytest.raises(
            ValueError, match=rf"^must be an idx file of unsigned bytes of shape {re.escape(str(shape))}$"
        ):
            read_idx(wrong, shape)


@pytest.mark.parametrize("name, ink", [("mnist", 0.13), ("fashion-mnist", 0.28)])
def test_official_files(shared: Path, name: str, ink: float) -> None:
    if not datasets.available(name, shared / "datasets").available:
        pytest.skip(f"no {name} beside the repository")
    dataset = datasets.load(name, shared / "datasets")
    assert dataset.x_train.shape == (60_000, 28, 28) and dataset.x_test.shape == (10_000, 28, 28)
    assert dataset.x_train.dtype == np.uint8
    assert np.bincount(dataset.y_test).sum() == 10_000 and dataset.y_test.max() == 9
    assert dataset.x_test.mean() / 255 == pytest.approx(ink, abs=0.01)


def test_the_two_have_different_files() -> None:
    assert not {file[3] for file in MNIST.files} & {file[3] for file in FASHION_MNIST.files}
