"""A data set of two classes that is learned in a few epochs."""

from __future__ import annotations

import numpy as np

from bnnhw.datasets.dataset import Dataset


def bumps_of(shape: tuple[int, int, int], train: int, test: int) -> Dataset:
    """Noise of (channels, height, width); the first channel is raised in its left or its right half."""
    random = np.random.default_rng(0)
    half = shape[2] // 2

    def split(frames: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(frames) % 2
        x = random.normal(0, 1, (frames, *shape)).astype(np.float32)
        x[y == 0, 0, :, :half] += 1
        x[y == 1, 0, :, half:] += 1
        return x, y.astype(np.int64)

    return Dataset("bumps", 2, shape, *split(train), *split(test))
