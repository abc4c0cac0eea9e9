"""A path as a data set: read by its kind, split, its classes numbered."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.dataset import Dataset
from bnnhw.datasets.kinds import Kind, kind_of
from bnnhw.datasets.labelled import MAX_CLASSES, Labelled, class_order, divide, indices
from bnnhw.datasets.reading import FRACTION, SEED, Reading
from bnnhw.errors import FileError, RequestError

__all__ = ["read_path", "read_sample", "suggest_path"]

TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
"""Names of folders that are the parts of a split."""

PART = re.compile(r"(.*)_(TRAIN|TEST)")
"""Names of the UCR archive's files."""


@dataclass(frozen=True)
class _Parts:
    """What a path holds: samples to train and to test, or samples that are to be split."""

    train: Path
    test: Path | None


def _parts(path: Path) -> _Parts:
    """A folder of two folders, or of two files, is a split of its own."""
    if not path.is_dir():
        return _Parts(path, None)
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    folders = {entry.name.lower(): entry for entry in entries if entry.is_dir()}
    if folders and folders.keys() <= {*TRAIN, *TEST}:
        found = [next((folders[name] for name in names if name in folders), None) for names in (TRAIN, TEST)]
        if found[0] is not None and found[1] is not None and any(entry.is_dir() for entry in found[0].iterdir()):
            return _Parts(found[0], found[1])
    pairs: dict[tuple[str, str], dict[str, Path]] = {}
    for entry in entries:
        if entry.is_file() and (match := PART.fullmatch(entry.stem)):
            pairs.setdefault((match[1], entry.suffix), {})[match[2]] = entry
    whole = [pair for pair in pairs.values() if len(pair) == 2]
    names = {name for (name, _), pair in pairs.items() if len(pair) == 2}
    if len(names) == 1:
        # Of one set in several formats any is as good.
        return _Parts(whole[0]["TRAIN"], whole[0]["TEST"])
    return _Parts(path, None)


def _read(path: Path, reading: Reading, kind: Kind) -> Labelled:
    reading.check(kind.options, f"{path}, {kind.noun}")
    return kind.read(path, reading)


def read_path(path: Path, reading: Reading, *, names: tuple[str, ...] = (), whole: bool = False) -> Dataset:
    """A data set of one's own.

    Parameters
    ----------
    path : Path
    reading : Reading
    names : tuple of str
        Classes that are known already, in their order: those of a network. Without them the data say which there are.
    whole : bool
        All samples are for testing: nothing is split, and one class is enough.

    Raises
    ------
    FileError
        Something in it is not as it must be; names the file, and the line in a text.
    RequestError
        The reading asks for what does not concern data of this kind.
    """
    if not path.exists():
        raise FileError(f"{path}: no such file or folder")
    parts = _parts(path)
    if parts.test is not None and (reading.test, reading.fraction, reading.seed) != (None, None, None):
        raise RequestError(
            f"{path}: has a split of its own, {parts.train.name} and {parts.test.name}: nothing is to be said about one"
        )
    second = parts.test if reading.test is None else Path(reading.test)
    if second is not None and not second.exists():
        raise FileError(f"{second}: no such file or folder")
    kind = kind_of(parts.train)
    train = _read(parts.train, reading, kind)
    decided = replace(reading, **{name: value for name, value in train.reading.items() if name in kind.options})
    test = train.test
    if second is not None:
        if test is not None:
            raise RequestError(f"{path}: has a split of its own: a test data set must not be given")
        if (other := kind_of(second)).name != kind.name:
            raise FileError(f"{second}: must be {kind.noun} as {parts.train} is, not {other.noun}")
        test = _read(second, decided, kind)
        if test.samples.shape[1:] != train.samples.shape[1:]:
            wanted, given = _sizes(train.samples), _sizes(test.samples)
            raise FileError(f"{second}: must have samples of {wanted} as {parts.train} has, not of {given}")
    return _dataset(path, kind, train, test, decided, names, whole)


def suggest_path(path: Path, reading: Reading) -> tuple[Reading, tuple[str, ...]]:
    """How a path is best read for a new network where ``reading`` leaves it open, and notes on that.

    Raises
    ------
    FileError
        It is no data set.
    """
    train = _parts(path).train
    kind = kind_of(train)
    reading.check(kind.options, f"{train}, {kind.noun}")
    return kind.suggest(train, reading)


def _sizes(samples: NDArray[Any]) -> str:
    return " x ".join(map(str, samples.shape[1:]))


def _dataset(
    path: Path,
    kind: Kind,
    train: Labelled,
    test: Labelled | None,
    reading: Reading,
    names: tuple[str, ...],
    whole: bool,
) -> Dataset:
    order = train.names or class_order(train.labels)
    # A network trained with one more class knows those of the data all the same.
    if names and set(order) <= set(names):
        order = names
    if len(order) > MAX_CLASSES:
        raise FileError(f"{path}: must have at most {MAX_CLASSES} classes, not {len(order)}")
    if len(order) < 2 and not whole:
        raise FileError(f"{path}: must have at least 2 classes, and all its samples are of {train.labels[0]!r}")
    y = indices(train.labels, train.where, order, f"{path} has them")
    x, notes = train.samples, train.notes
    if test is not None:
        y_test = indices(test.labels, test.where, order, f"{path} has them")
        x_test, notes = test.samples, (*notes, *test.notes)
        if whole:
            x, y, x_test, y_test = x[:0], y[:0], np.concatenate([x, x_test]), np.concatenate([y, y_test])
    elif whole:
        x, y, x_test, y_test = x[:0], y[:0], x, y
    else:
        fraction = FRACTION if reading.fraction is None else reading.fraction
        seed = SEED if reading.seed is None else reading.seed
        reading = replace(reading, fraction=fraction, seed=seed)
        mask = divide(y, train.where, order, fraction, seed)
        x, y, x_test, y_test = x[~mask], y[~mask], x[mask], y[mask]
    shape = tuple(x_test.shape[1:])
    return Dataset(str(path), len(order), shape, x, y, x_test, y_test, order, kind.name, notes, reading)


def read_sample(path: Path, reading: Reading) -> NDArray[Any]:
    """The one sample that a file is, an image or a sound, as a data set of its kind has it.

    Raises
    ------
    FileError
        The file is not there, damaged, or no sample.
    """
    from bnnhw.datasets.kinds import KINDS

    if not path.is_file():
        raise FileError(f"{path}: no such file")
    for kind in KINDS.values():
        if (sample := kind.sample(path, reading)) is not None:
            return sample
    raise FileError(f"{path}: must be an image or a WAV file")
