"""Memories that are written while the device runs: which bit of a unit is which bit of the image that fills them.

An image is a sequence of words of :data:`WORD_BITS` bits. The memories of a graph follow each other in it in the order
of its nodes, the banks of a memory in theirs, the words of a bank in the order of their addresses. Nothing else says
where a bit is: the load bus counts through the same sequence (:mod:`bnnhw.rtl.load`), and what a host sends, or a flash
holds, is made by :func:`image`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import Technology, buffer_style

__all__ = ["SETTLE_CYCLES", "WORD_BITS", "Bank", "Loaded", "banks", "image"]

WORD_BITS = 16
"""Bits of a word of the load bus, and columns of a bank at most: those of a large single-port memory."""

SETTLE_CYCLES = 8
"""Cycles after the last word of an image before the first word of a frame: more than any memory needs to be written,
and to be read at the address that its unit waits at."""


@dataclass(frozen=True)
class Bank:
    """Columns of a memory that are written together.

    Parameters
    ----------
    style : str
        ``"spram"``; ``"block"``; ``"distributed"``; ``"registers"``.
    columns : tuple of int
        At most :data:`WORD_BITS`; bit ``i`` of a word is column ``columns[i]``. Their stages ascend.
    stage : int
        Cycles by which the bank's address waits: those of its first column. What is due later waits as data.
    """

    style: str
    columns: tuple[int, ...]
    stage: int


@dataclass(frozen=True, eq=False)
class Loaded:
    """A memory of which some columns, or all, are written over the load bus.

    Parameters
    ----------
    name : str
        Of the unit's port, behind ``load_``.
    depth, columns : int
    banks : tuple of Bank
        The columns in none of them are read from the configuration of the device, as those of a memory that is not
        written.
    contents : callable
        Gives its bits, uint8 of shape (depth, columns).
    """

    name: str
    depth: int
    columns: int
    banks: tuple[Bank, ...]
    contents: Callable[[], NDArray[np.uint8]]

    @cached_property
    def bits(self) -> NDArray[np.uint8]:
        """What it holds."""
        return self.contents()

    @property
    def rest(self) -> tuple[int, ...]:
        """The columns that are in no bank."""
        loaded = {column for bank in self.banks for column in bank.columns}
        return tuple(column for column in range(self.columns) if column not in loaded)

    def words(self) -> NDArray[np.uint16]:
        """The words that fill it, bank after bank."""
        return np.concatenate([np.zeros(0, np.uint16), *map(self.bank_words, self.banks)])

    def bank_words(self, bank: Bank) -> NDArray[np.uint16]:
        """Those of one bank."""
        bits = self.bits[:, bank.columns].astype(np.uint16)
        return (bits << np.arange(len(bank.columns), dtype=np.uint16)).sum(axis=1, dtype=np.uint16)


def banks(
    depth: int, stages: Sequence[int], memory: str, technology: Technology, *, writable: bool
) -> tuple[Bank, ...]:
    """Which columns of a memory are written, and together.

    Columns are taken in the order of their stages, :data:`WORD_BITS` at a time. In SPRAM, which a bitstream can't fill,
    only whole words of columns are; what is left over is in block RAM, unless the memory has fewer columns than one
    word, which then has an SPRAM for itself. Of a writable memory what is left over is a bank of its own.

    Parameters
    ----------
    depth : int
    stages : sequence of int
        Cycles by which each column is due later than the first.
    memory : str
        ``"spram"``, or where the memory would be if it were not written.
    technology : Technology
    writable : bool
        Whether all columns are to be written, not only those that have to be.
    """
    order = sorted(range(len(stages)), key=lambda column: (stages[column], column))
    pieces = [tuple(order[start : start + WORD_BITS]) for start in range(0, len(order), WORD_BITS)]
    whole = [piece for piece in pieces if memory == "spram" and (len(piece) == WORD_BITS or len(pieces) == 1)]
    other = [piece for piece in pieces if piece not in whole] if writable else []
    style = "registers" if depth == 1 else buffer_style(depth, WORD_BITS, technology) if memory == "lut" else "block"
    return tuple(
        Bank(kind, piece, stages[piece[0]]) for kind, chosen in (("spram", whole), (style, other)) for piece in chosen
    )


def image(memories: Sequence[Loaded]) -> NDArray[np.uint16]:
    """The words that fill some memories, one after another."""
    return np.concatenate([np.zeros(0, np.uint16), *(memory.words() for memory in memories)])
