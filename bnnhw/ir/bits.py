"""Bits: packed matrices, and where a weight bit sits in hardware memory.

A bit of 1 stands for +1, a bit of 0 for -1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BitMatrix", "pack_rows", "unpack_rows"]


@dataclass(frozen=True, eq=False)
class BitMatrix:
    """A matrix of bits, each row packed LSB first into bytes.

    Parameters
    ----------
    rows, columns : int
        Shape. For weights: neurons (output channels) by synapses (inputs).
    data : bytes
        ``rows * ceil(columns / 8)`` bytes; column ``c`` of row ``r`` is bit ``c % 8`` of byte
        ``r * ceil(columns / 8) + c // 8``. The bits past the last column are 0.
    """

    rows: int
    columns: int
    data: bytes

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"BitMatrix must have at least 1 row and column, not {self.rows} x {self.columns}")
        expected = self.rows * self.stride
        if len(self.data) != expected:
            raise ValueError(
                f"BitMatrix of {self.rows} x {self.columns} must have {expected} bytes, not {len(self.data)}"
            )
        spare = self.stride * 8 - self.columns
        if spare and (self._bytes()[:, -1] >> (8 - spare)).any():
            raise ValueError("BitMatrix must have 0 in the bits past its last column")

    @property
    def stride(self) -> int:
        """Bytes per row."""
        return -(-self.columns // 8)

    def _bytes(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.data, np.uint8).reshape(self.rows, self.stride)

    @classmethod
    def from_bits(cls, bits: NDArray[np.generic]) -> BitMatrix:
        """Pack a 2-D array of 0 and 1 (any dtype, booleans included)."""
        array = np.asarray(bits)
        if array.ndim != 2:
            raise ValueError(f"bits must have 2 dimensions, not {array.ndim}")
        if not np.isin(array, (0, 1)).all():
            raise ValueError("bits must be 0 or 1")
        packed = np.packbits(array.astype(np.uint8), axis=1, bitorder="little")
        return cls(array.shape[0], array.shape[1], packed.tobytes())

    @classmethod
    def from_signs(cls, signs: NDArray[np.number]) -> BitMatrix:
        """Pack a 2-D array of -1 and +1."""
        array = np.asarray(signs)
        if not np.isin(array, (-1, 1)).all():
            raise ValueError("signs must be -1 or +1")
        return cls.from_bits(array > 0)

    def bits(self) -> NDArray[np.uint8]:
        """The matrix as ``uint8`` (rows, columns) of 0 and 1."""
        return np.unpackbits(self._bytes(), axis=1, count=self.columns, bitorder="little")

    def signs(self) -> NDArray[np.int8]:
        """The matrix as ``int8`` (rows, columns) of -1 and +1."""
        return (self.bits().astype(np.int8) << 1) - 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BitMatrix):
            return NotImplemented
        return (self.rows, self.columns, self.data) == (other.rows, other.columns, other.data)

    def __hash__(self) -> int:
        return hash((self.rows, self.columns, self.data))


def pack_rows(matrix: BitMatrix, pe: int, simd: int) -> NDArray[np.uint8]:
    """Place the weight bits of a matrix for a folded unit.

    Neuron ``n`` lives in PE ``n % pe`` at neuron fold ``n // pe``; synapse ``k`` sits at synapse fold
    ``k // simd`` in lane ``k % simd``; the word address is ``nf * SF + sf``. Neurons and lanes that
    pad the matrix to a multiple of ``pe`` and ``simd`` hold 0.

    Returns
    -------
    uint8 array (pe, NF * SF, simd) of 0 and 1
        Element ``[p, nf * SF + sf, lane]``.
    """
    if pe < 1 or simd < 1:
        raise ValueError(f"pe and simd must be positive, not {pe} and {simd}")
    nf, sf = -(-matrix.rows // pe), -(-matrix.columns // simd)
    padded = np.zeros((nf * pe, sf * simd), np.uint8)
    padded[: matrix.rows, : matrix.columns] = matrix.bits()
    return padded.reshape(nf, pe, sf, simd).transpose(1, 0, 2, 3).reshape(pe, nf * sf, simd)


def unpack_rows(words: NDArray[np.uint8], rows: int, columns: int) -> BitMatrix:
    """The inverse of :func:`pack_rows`: the padding is dropped, and must be 0."""
    pe, depth, simd = words.shape
    nf, sf = -(-rows // pe), -(-columns // simd)
    if depth != nf * sf:
        raise ValueError(f"words must be {nf * sf} deep for {rows} x {columns} at PE {pe}, SIMD {simd}, not {depth}")
    padded = words.reshape(pe, nf, sf, simd).transpose(1, 0, 2, 3).reshape(nf * pe, sf * simd)
    if padded[rows:].any() or padded[:, columns:].any():
        raise ValueError("the padding of words must be 0")
    return BitMatrix.from_bits(padded[:rows, :columns])
