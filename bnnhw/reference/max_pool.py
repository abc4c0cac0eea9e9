"""The reference of max pooling: the greatest or the least of what lies under each window, channel by channel."""

from __future__ import annotations

from functools import partial

import numpy as np

from bnnhw.ir import MaxPool
from bnnhw.reference.kernels import REFERENCE, Codes, Step
from bnnhw.reference.windows import pad, windows

__all__ = ["max_pool"]


@REFERENCE.register(MaxPool)
def max_pool(pool: MaxPool) -> Step:
    """The greatest tap; where a channel wants the least, the greatest of the complements."""
    return partial(_max_pool, pool)


def _max_pool(pool: MaxPool, codes: Codes) -> Codes:
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
