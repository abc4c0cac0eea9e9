"""Stimuli of units without a handshake: values by port and cycle."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stimulus", "integers", "late"]

Stimulus = dict[str, list[int]]


def late(words: list[int], stages: tuple[int, ...], rng: random.Random) -> list[int]:
    """Each lane of a sequence of words as many cycles later as its stage says; before that, anything."""
    words_late = []
    for t in range(len(words)):
        bits = [(words[t - s] >> lane) & 1 if t >= s else rng.getrandbits(1) for lane, s in enumerate(stages)]
        words_late.append(sum(bit << lane for lane, bit in enumerate(bits)))
    return words_late


def integers(rows: NDArray[np.uint8]) -> list[int]:
    """Rows of bits, the lowest first, as numbers."""
    return [int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little") for row in rows]
