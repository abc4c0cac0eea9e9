"""1,797 handwritten digits of 8x8 pixels, in a file beside this one, split with a seed.

They are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, UCI Machine Learning
Repository, 1998, doi:10.24432/C50P49, CC BY 4.0), as scikit-learn's ``load_digits`` gives them: a test compares both.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from bnnhw.datasets.dataset import Dataset
from bnnhw.datasets.files import read_npz
from bnnhw.errors import FileError

__all__ = ["CLASSES", "SHAPE", "load_digits"]

SHAPE = (64,)
CLASSES = 10
SEED = 2024
TEST_FRACTION = 0.2

FILE = Path(__file__).with_name("digits.npz")
SHA256 = "a8ae6c7623bd3304e8522d6a713848058d64d6710fbb966c32dd7ad067ab05d3"
COUNT = 1797


def load_digits() -> Dataset:
    """Raw pixels 0..16, float64 (samples, 64), row-major; a fifth of each class is for testing.

    The split permutes the samples of each class with NumPy's PCG64, so it is the same wherever it is made.

    Raises
    ------
    FileError
        When the file is not the one that bnnhw comes with.
    """
    try:
        data = FILE.read_bytes()
    except OSError as error:
        raise FileError(f"{FILE}: can't be read: {error.strerror or error}; install bnnhw again") from None
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise FileError(f"{FILE}: is not the file that bnnhw comes with; install bnnhw again")
    arrays = read_npz(data, {"x": ("uint8", (COUNT, *SHAPE)), "y": ("uint8", (COUNT,))})
    x, y = arrays["x"].astype(np.float64), arrays["y"].astype(np.int64)
    generator = np.random.default_rng(SEED)
    test = np.zeros(len(y), bool)
    for label in range(CLASSES):
        members = generator.permutation(np.flatnonzero(y == label))
        test[members[: round(TEST_FRACTION * len(members))]] = True
    return Dataset("digits", CLASSES, SHAPE, x[~test], y[~test], x[test], y[test])
