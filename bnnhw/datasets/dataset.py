"""What a data set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import RequestError

__all__ = ["SPLITS", "Dataset"]

SPLITS = ("train", "test")


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
    """

    name: str
    classes: int
    shape: tuple[int, ...]
    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]

    def split(self, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples and labels of ``"train"`` or ``"test"``."""
        if name not in SPLITS:
            raise RequestError(f"split must be one of {', '.join(SPLITS)}, not {name!r}")
        return (self.x_train, self.y_train) if name == "train" else (self.x_test, self.y_test)
