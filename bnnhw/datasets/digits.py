"""The 1,797 handwritten 8x8 digits that come with scikit-learn, split with a seed."""

from __future__ import annotations

import importlib.util

import numpy as np

from bnnhw.datasets.dataset import Dataset
from bnnhw.errors import ToolError

__all__ = ["CLASSES", "SHAPE", "installed", "load_digits"]

SHAPE = (64,)
CLASSES = 10
SEED = 2024
TEST_FRACTION = 0.2


def installed() -> bool:
    """Whether scikit-learn is there."""
    return importlib.util.find_spec("sklearn") is not None


def load_digits() -> Dataset:
    """Raw pixels 0..16, float64 (samples, 64), row-major; a fifth of each class is for testing.

    The split permutes the samples of each class with NumPy's PCG64, so it is the same wherever it is
    made. Raises :class:`~bnnhw.errors.ToolError` without scikit-learn.
    """
    if not installed():
        raise ToolError("data set digits needs scikit-learn: pip install 'bnnhw[train]'")
    from sklearn import datasets

    x, y = datasets.load_digits(return_X_y=True)
    x, y = np.asarray(x, np.float64), np.asarray(y, np.int64)
    generator = np.random.default_rng(SEED)
    test = np.zeros(len(y), bool)
    for label in range(CLASSES):
        members = generator.permutation(np.flatnonzero(y == label))
        test[members[: round(TEST_FRACTION * len(members))]] = True
    return Dataset("digits", CLASSES, SHAPE, x[~test], y[~test], x[test], y[test])
