"""How thresholds lie in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import DataType
from bnnhw.ir.types import narrowest

__all__ = ["pack_thresholds", "threshold_word_bits"]


def threshold_word_bits(range: tuple[int, int], output: DataType) -> int:  # noqa: A002
    """Bits of all thresholds of a neuron: each in ``low..high + 1``."""
    low, high = range
    return (output.levels - 1) * narrowest(low, high + 1)[0]


def pack_thresholds(
    values: NDArray[np.int64],
    range: tuple[int, int],  # noqa: A002
    *,
    inverted: bool = True,
) -> NDArray[np.uint8]:
    """Thresholds (neurons, levels) -> bits (neurons, threshold_word_bits), inverted where its reader says so."""
    width = narrowest(range[0], range[1] + 1)[0]
    codes = np.asarray(values, np.int64) ^ -int(inverted)
    codes = codes[:, :, None] >> np.arange(width)
    return (codes & 1).astype(np.uint8).reshape(len(values), -1)
