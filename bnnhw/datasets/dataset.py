"""What a data set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.reading import PLAIN, Reading
from bnnhw.errors import RequestError

__all__ = ["SPLITS", "WHOLE", "Dataset", "Split"]

SPLITS = ("train", "test")

WHOLE = "all"
"""Both together."""


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of a part of a data set, and what is known of them.

    Parameters
    ----------
    x : array (samples, *shape)
    y : int64 array (samples,)
    names : tuple of str
        Of the classes.
    notes : tuple of str
        What is worth knowing of how they were read.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Raw samples and labels.

    Parameters
    ----------
    name : str
    classes : int
        Labels are ``0 .. classes - 1``.
    shape : tuple of int
        Of one sample.
    x_train, x_test : array (samples, *shape)
        Raw samples, as the files hold them.
    y_train, y_test : int64 array (samples,)
    names : tuple of str
        Of the classes, in the order of the labels; numbers where nothing is given.
    kind : str, optional
        Of data of one's own: the name of its kind (:mod:`bnnhw.datasets.kinds`).
    notes : tuple of str
        What is worth knowing of how it was read.
    reading : Reading
        How it was read, what its kind decided included.
    """

    name: str
    classes: int
    shape: tuple[int, ...]
    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    names: tuple[str, ...] = ()
    kind: str | None = None
    notes: tuple[str, ...] = ()
    reading: Reading = PLAIN

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", tuple(map(str, range(self.classes))))

    def split(self, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples and labels of ``"train"`` or ``"test"``, or of ``"all"``, those to train first."""
        if name == WHOLE:
            return np.concatenate([self.x_train, self.x_test]), np.concatenate([self.y_train, self.y_test])
        if name not in SPLITS:
            raise RequestError(f"split must be one of {', '.join((*SPLITS, WHOLE))}, not {name!r}")
        return (self.x_train, self.y_train) if name == "train" else (self.x_test, self.y_test)
