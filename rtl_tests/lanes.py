"""How elements lie side by side in the words of streams: written down here once, apart from the code under test."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Expected", "expected_groups", "join", "join_words", "random_words", "split", "split_words"]


@dataclass(frozen=True)
class Expected:
    """An output word; bits outside the mask are undefined."""

    value: int
    mask: int


def join(values: Iterable[int], bits: int) -> int:
    """Values side by side in one word, the first in the lowest bits; negative ones in two's complement."""
    mask = (1 << bits) - 1
    return sum((int(value) & mask) << (lane * bits) for lane, value in enumerate(values))


def split(word: int, bits: int, lanes: int) -> list[int]:
    """The unsigned lanes of a word: the inverse of :func:`join`."""
    mask = (1 << bits) - 1
    return [word >> (lane * bits) & mask for lane in range(lanes)]


def join_words(values: Sequence[int], bits: int, lanes: int, rng: random.Random | None = None) -> list[int]:
    """Values in as many words as they need; the lanes past the last one are 0, or what the generator says."""
    spare = -len(values) % lanes
    filling = [0] * spare if rng is None else [rng.getrandbits(bits) for _ in range(spare)]
    padded = [*values, *filling]
    return [join(padded[start : start + lanes], bits) for start in range(0, len(padded), lanes)]


def split_words(words: Iterable[int], bits: int, lanes: int, count: int) -> list[int]:
    """The first ``count`` lanes of words: the inverse of :func:`join_words`."""
    return [value for word in words for value in split(word, bits, lanes)][:count]


def random_words(rng: random.Random, bits: int, lanes: int, words: int) -> list[int]:
    """Words of which every bit is random."""
    return [rng.getrandbits(lanes * bits) for _ in range(words)]


def expected_groups(groups: Iterable[Sequence[int]], bits: int, lanes: int) -> list[Expected]:
    """The words of groups of values, each of which begins a new word; lanes past a group are undefined."""
    return [
        Expected(word, used)
        for group in groups
        for word, used in zip(join_words(group, bits, lanes), join_words([-1] * len(group), bits, lanes), strict=True)
    ]
