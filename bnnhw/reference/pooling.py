"""Pooling: the greatest, the least or the sum of what lies under each window, channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import MaxPool, SumPool
from bnnhw.reference.windows import pad, windows

__all__ = ["max_pool", "sum_pool"]


def max_pool(pool: MaxPool, codes: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Codes (frames, elements) -> codes (frames, positions * channels), same dtype."""
    # Codes of two's complement ascend like their values once the sign bit is turned over, and descend once all bits
    # are: so every channel takes the greatest, and padding of 0, the least there is, never wins.
    levels = pool.input.levels
    turned = np.full(pool.window.channels, levels // 2 if pool.input.kind == "int" else 0, np.int64)
    turned[pool.minimum] ^= levels - 1
    mask = turned.astype(codes.dtype)
    frames = len(codes)
    window = pool.window
    turned_codes = codes.reshape(frames, window.height * window.width, window.channels) ^ mask
    taps = windows(pad(turned_codes.reshape(codes.shape), window, 0), window)
    best = taps[:, :, :, 0, 0].copy()
    for y in range(window.kernel[0]):
        for x in range(window.kernel[1]):
            np.maximum(best, taps[:, :, :, y, x], out=best)
    return (best ^ mask).reshape(frames, window.positions * window.channels)


def sum_pool(pool: SumPool, codes: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Codes (frames, elements) -> codes (frames, positions * channels) of the output type."""
    values: NDArray[Any] = codes if pool.input.kind == "bipolar" else pool.input.values(codes)
    window = pool.window
    taps = windows(pad(values, window, 0), window)
    total = np.zeros((*taps.shape[:3], window.channels), np.int64)
    for y in range(window.kernel[0]):
        for x in range(window.kernel[1]):
            total += taps[:, :, :, y, x]
    return pool.output.encode(total.reshape(len(codes), window.positions * window.channels))
