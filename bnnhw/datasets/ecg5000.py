"""ECG5000: heartbeats of one patient, 140 samples each (Y. Chen, E. Keogh; record chf07 of the BIDMC database)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset
from bnnhw.datasets.kinds import kind_of
from bnnhw.datasets.npz_set import NpzDataset
from bnnhw.datasets.reading import Reading
from bnnhw.errors import FileError

__all__ = ["ECG5000", "ECG5000_UCR", "Ecg5000", "Ecg5000Ucr"]

NAMES = ("normal", "abnormal")
SHAPE = (1, 1, 140)

NORMAL = "1"
"""The archive's first class; its others are what is abnormal."""

CLASSES = frozenset("12345")
"""Of the archive."""


@dataclass(frozen=True)
class Ecg5000(NpzDataset):
    """All beats in one archive: normal (0) or abnormal (1).

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
        found = self.fields(folder, fields)
        part = slice(self.train) if split == "train" else slice(self.train, None)
        return found["x"][part].reshape(-1, *self.shape), found["y2"][part].astype(np.int64)


@dataclass(frozen=True)
class Ecg5000Ucr(FileDataset):
    """The two files of the UCR archive in one of its formats; the same two classes.

    Parameters
    ----------
    suffix : str
        Of the files' names, with its dot.
    sizes : (int, int)
        Beats for training, for testing.
    """

    suffix: str = ""
    sizes: tuple[int, int] = (500, 4500)

    @property
    def digests(self) -> dict[str, str | None]:
        # The archive publishes none.
        return {f"ECG5000_TRAIN{self.suffix}": None, f"ECG5000_TEST{self.suffix}": None}

    def instructions(self, folder: Path) -> str:
        return "put ECG5000_TRAIN and ECG5000_TEST of the UCR archive there, both .txt, .tsv, .ts or .arff"

    def needed(self, split: str) -> tuple[str, ...]:
        return (f"ECG5000_{split.upper()}{self.suffix}",)

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        (name,) = self.needed(split)
        self.read(folder, name)
        path = folder / name
        found = kind_of(path).read(path, Reading())
        samples = self.sizes[split != "train"]
        if found.samples.shape != (samples, *self.shape):
            raise FileError(f"{path}: must have {samples} beats of {self.shape[2]} samples, not {found.samples.shape}")
        for label, where in zip(found.labels, found.where, strict=True):
            if label not in CLASSES:
                raise FileError(f"{where}: class must be 1 to 5, not {label!r}")
        return found.samples, np.array([label != NORMAL for label in found.labels], np.int64)


ECG5000 = Ecg5000(
    "ecg5000",
    SHAPE,
    2,
    NAMES,
    file="ecg5000.npz",
    digest="d46847760ff3c9f8abc8160997facaee6ce5eaf106b3336ff12caa5366a74d5d",
    samples=5000,
)
"""Our archive of it."""

ECG5000_UCR = tuple(
    Ecg5000Ucr("ecg5000", SHAPE, 2, NAMES, ("", "ECG5000"), suffix=suffix)
    for suffix in (".txt", ".tsv", ".ts", ".arff")
)
"""The archive's own files, in any of its formats."""
