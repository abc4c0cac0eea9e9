"""The test images of CIFAR-10 from the folder beside the repository (its README.txt has the format)."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np


def test_batch(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (10000, 3, 32, 32), and labels, uint8 (10000,)."""
    with lzma.open(folder / "test_batch.med.xz") as file:
        data = np.frombuffer(file.read(), np.uint8)
    number = 10_000
    residuals = np.ascontiguousarray(data[number:].reshape(3 * number, 32, 32).transpose(1, 2, 0))
    planes = np.zeros((33, 33, 3 * number), np.int16)  # a border of 0 above and to the left
    for y in range(1, 33):
        for x in range(1, 33):
            left, above, corner = planes[y, x - 1], planes[y - 1, x], planes[y - 1, x - 1]
            greater, lesser = np.maximum(left, above), np.minimum(left, above)
            guess = np.where(corner >= greater, lesser, np.where(corner <= lesser, greater, left + above - corner))
            planes[y, x] = (guess + residuals[y - 1, x - 1]) & 255
    green, red, blue = planes[1:, 1:].astype(np.uint8).transpose(2, 0, 1).reshape(3, number, 32, 32)
    return np.stack([red + green, green, blue + green], 1), data[:number]


test_batch.__test__ = False  # type: ignore[attr-defined]
