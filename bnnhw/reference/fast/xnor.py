"""Popcounts of XNOR over packed bits: binary matrix products, 64 synapses per word.

For rows ``x`` and neurons ``w`` of K bits the product is ``p = popcount(XNOR(x, w))``, computed as
``K - popcount(x ^ w)``: bits that both sides leave 0 count nothing, so padding needs no mask. The loops are
compiled by numba at their first use (:mod:`bnnhw.reference.fast.xnor_kernel`), once per machine: numba keeps the result
beside this file, or in the user's cache where the folder can't be written.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Panels", "Words", "pack", "ready", "xnor_popcounts"]

Words = NDArray[np.uint64]

_KERNEL = "bnnhw.reference.fast.xnor_kernel"

_LINE = 64
"""Bytes of a vector and of a cache line."""


def ready() -> bool:
    """Whether the compiled loops are in this process already: importing numba takes most of a second."""
    return _KERNEL in sys.modules


def pack(bits: NDArray[Any]) -> Words:
    """Rows of bits as 64-bit words.

    Parameters
    ----------
    bits : array (rows, columns) of integers or booleans
        0 is a 0, anything else a 1.

    Returns
    -------
    uint64 array (rows, ceil(columns / 64))
        The bits past the last column are 0. Which bit of which word a column is does not matter to
        :func:`xnor_popcounts`, as long as both sides are packed alike.
    """
    rows, columns = bits.shape
    words = -(-columns // 64)
    if columns % 64 == 0:
        # As one long row: NumPy's packing starts anew for each row otherwise.
        return (
            np.packbits(np.ascontiguousarray(bits).reshape(-1), bitorder="little").view(np.uint64).reshape(rows, words)
        )
    if columns % 8 == 0:
        stride = columns // 8
        packed = np.packbits(np.ascontiguousarray(bits).reshape(-1), bitorder="little").reshape(rows, stride)
    else:
        packed = np.packbits(bits, axis=1, bitorder="little")
    padded = np.zeros((rows, 8 * words), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


class Panels:
    """Weights laid out for the inner loop, for many batches.

    Parameters
    ----------
    words : uint64 array (neurons, words)
        As :func:`pack` makes them.
    """

    def __init__(self, words: Words) -> None:
        from bnnhw.reference.fast import xnor_kernel

        _check("w_words", words)
        self.neurons, self.words = words.shape
        width = xnor_kernel.PANEL
        count = -(-self.neurons // width)
        padded = np.zeros((count * width, self.words), np.uint64)
        padded[: self.neurons] = words
        # On a cache line: a vector that straddles two takes two loads.
        store = np.empty(padded.size + _LINE // 8, np.uint64)
        first = -store.ctypes.data % _LINE // 8
        self._panels = store[first : first + padded.size].reshape(count, self.words, width)
        self._panels[:] = padded.reshape(count, width, self.words).transpose(0, 2, 1)
        self._count = xnor_kernel.direct if xnor_kernel.counts_bits_in_vectors() else xnor_kernel.carry_save

    def popcounts(
        self, x_words: Words, columns: int, threads: int = 1, out: NDArray[np.int32] | None = None
    ) -> NDArray[np.int32]:
        """Parameters, result and errors of :func:`xnor_popcounts`; ``out`` takes the result instead of a new array."""
        _check("x_words", x_words)
        rows, words = x_words.shape
        if words != self.words:
            raise ValueError(f"x_words must have the {self.words} words per row of the weights, not {words}")
        if not 0 <= columns <= min(64 * words, np.iinfo(np.int32).max):
            raise ValueError(f"columns must be in 0..{64 * words} for {words} words per row, not {columns}")
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        # Of one layout whatever comes in: numba compiles once more for each other one.
        x = np.require(x_words, requirements=["C", "A", "W"])
        shape = (rows, self.neurons)
        if out is None:
            out = np.empty(shape, np.int32)
        elif out.dtype != np.int32 or out.shape != shape or not out.flags.carray:
            raise ValueError(f"out must be a C-contiguous int32 array of {shape}, not {out.dtype} of {out.shape}")
        if threads == 1 or rows < 2:
            self._count(x, self._panels, columns, out)
            return out
        bounds = np.linspace(0, rows, min(threads, rows) + 1).astype(int).tolist()
        with ThreadPoolExecutor(threads) as pool:
            # list: raises what a thread raised.
            list(pool.map(lambda a, b: self._count(x[a:b], self._panels, columns, out[a:b]), bounds, bounds[1:]))
        return out


def xnor_popcounts(x_words: Words, w_words: Words, columns: int, threads: int = 1) -> NDArray[np.int32]:
    """``popcount(XNOR(x, w))`` of every row with every neuron, over their first ``columns`` bits.

    Parameters
    ----------
    x_words : uint64 array (rows, words)
    w_words : uint64 array (neurons, words)
        Both with 0 in every bit that is no column; these may lie anywhere, the same places on both sides.
    columns : int
        K: bits of a row that count.
    threads : int
        Rows are shared out among so many threads.

    Returns
    -------
    int32 array (rows, neurons)
        Each in 0..columns.

    Raises
    ------
    ValueError
        For arrays of another type or shape, ``columns`` that don't fit the words, fewer than one thread.
    """
    return Panels(w_words).popcounts(x_words, columns, threads)


def _check(name: str, words: NDArray[Any]) -> None:
    if words.dtype != np.uint64 or words.ndim != 2 or words.shape[1] < 1:
        raise ValueError(f"{name} must be uint64 of shape (rows, words), not {words.dtype} of {words.shape}")
