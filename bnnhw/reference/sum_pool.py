"""The reference of sum pooling: the sum of what lies under each window, channel by channel."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import SumPool
from bnnhw.reference.kernels import REFERENCE, Codes, Step
from bnnhw.reference.windows import pad, windows

__all__ = ["sum_pool"]


@REFERENCE.register(SumPool)
def sum_pool(pool: SumPool) -> Step:
    """Sums, tap after tap; bipolar elements count as 0 and 1."""
    return partial(_sum_pool, pool)


def _sum_pool(pool: SumPool, codes: Codes) -> Codes:
    """Codes (frames, elements) -> codes (frames, positions * channels) of the output type."""
    values: NDArray[Any] = codes if pool.input.kind == "bipolar" else pool.input.values(codes)
    window = pool.window
    taps = windows(pad(values, window, 0), window)
    total = np.zeros((*taps.shape[:3], window.channels), np.int64)
    for y in range(window.kernel[0]):
        for x in range(window.kernel[1]):
            total += taps[:, :, :, y, x]
    return pool.output.encode(total.reshape(len(codes), window.positions * window.channels))
