"""Pools to test, and the words of their maps."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import DataType, MaxPool, SumPool, Window
from rtl_tests.lanes import join_words, split_words

__all__ = ["channel_words", "check_words", "complemented", "make_layer", "random_map"]


def make_layer(kind: str, dtype: str, channels: int, kernel: tuple[int, int], seed: int = 0) -> MaxPool | SumPool:
    """A padded pool on a map of 4 x 3, stride 2 and 1."""
    height, width = kernel
    window = Window(channels, 4, 3, kernel, (2, 1), padding=(height // 2, width // 2, 0, 0))
    if kind == "sum":
        return SumPool("pool", window, DataType.parse(dtype))
    minimum = np.random.default_rng(seed).random(channels) < {"max": 0, "min": 1, "mixed": 0.5}[kind]
    return MaxPool("pool", window, DataType.parse(dtype), minimum)


def channel_words(elements: NDArray[np.int64], lanes: int, bits: int, rng: random.Random) -> NDArray[np.object_]:
    """Codes (positions, channels) -> words (positions, channel words), noise in the lanes past the last channel."""
    return np.array([join_words(row, bits, lanes, rng) for row in elements.tolist()], object)


def complemented(layer: MaxPool | SumPool, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the inverter makes of codes (positions, channels)."""
    if isinstance(layer, SumPool):
        return codes
    return np.where(layer.minimum, layer.input.levels - 1 - codes, codes)


def random_map(layer: MaxPool | SumPool, rng: random.Random) -> NDArray[np.int64]:
    size = layer.window.height * layer.window.width
    codes = [[rng.randrange(layer.input.levels) for _ in range(layer.window.channels)] for _ in range(size)]
    return np.array(codes, np.int64)


def check_words(words: list[int], due: NDArray[np.int64], lanes: int, bits: int) -> None:
    """Words of a frame against codes (positions, channels)."""
    channels = due.shape[1]
    folds = -(-channels // lanes)
    assert len(words) == len(due) * folds
    for position, row in enumerate(due.tolist()):
        have = split_words(words[position * folds : (position + 1) * folds], bits, lanes, channels)
        assert have == row, f"position {position}"
