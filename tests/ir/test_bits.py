"""Packed matrices, and where a weight bit sits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.ir import BitMatrix, pack_rows, unpack_rows
from tests.strategies import fixed

SIZES = st.integers(1, 21)


def _bits(rows: int, columns: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 2, (rows, columns), np.uint8)


@fixed
@given(SIZES, SIZES, st.integers(0, 99))
def test_a_bit_is_where_it_is_said_to_be(rows: int, columns: int, seed: int) -> None:
    bits = _bits(rows, columns, seed)
    matrix = BitMatrix.from_bits(bits)
    stride = -(-columns // 8)
    assert matrix.stride == stride
    assert len(matrix.data) == rows * stride
    for r in range(rows):
        for c in range(8 * stride):
            bit = matrix.data[r * stride + c // 8] >> c % 8 & 1
            assert bit == (bits[r, c] if c < columns else 0)
    assert np.array_equal(matrix.bits(), bits)
    assert np.array_equal(matrix.signs(), 2 * bits.astype(int) - 1)
    assert BitMatrix.from_signs(matrix.signs()) == matrix


@fixed
@given(SIZES, SIZES, st.integers(1, 23), st.integers(1, 23), st.integers(0, 99))
def test_pack_rows(rows: int, columns: int, pe: int, simd: int, seed: int) -> None:
    """Neuron n in PE n mod PE at fold n div PE; word nf * SF + sf; lane = synapse mod SIMD; the rest 0."""
    matrix = BitMatrix.from_bits(_bits(rows, columns, seed))
    nf, sf = -(-rows // pe), -(-columns // simd)
    due = np.zeros((pe, nf * sf, simd), np.uint8)
    for n in range(rows):
        for k in range(columns):
            due[n % pe, n // pe * sf + k // simd, k % simd] = matrix.bits()[n, k]
    words = pack_rows(matrix, pe, simd)
    assert words.dtype == np.uint8
    assert np.array_equal(words, due)
    assert unpack_rows(words, rows, columns) == matrix


def test_padding_that_is_not_0() -> None:
    matrix = BitMatrix.from_bits(np.zeros((3, 5), np.uint8))
    # Neuron 3, which 3 rows have not, is PE 1 at fold 1; synapse 5 is lane 2 of word 1.
    for place in ((1, 2, 0), (0, 1, 2)):
        words = pack_rows(matrix, 2, 3)
        words[place] = 1
        with pytest.raises(ValueError, match="the padding of words must be 0"):
            unpack_rows(words, 3, 5)


@pytest.mark.parametrize(("rows", "columns"), [(0, 4), (4, 0), (-1, 4)])
def test_empty(rows: int, columns: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1 row and column, not {rows} x {columns}"):
        BitMatrix(rows, columns, b"")


def test_wrong_bytes() -> None:
    assert BitMatrix(2, 9, bytes(4)).stride == 2
    with pytest.raises(ValueError, match="of 2 x 9 must have 4 bytes, not 3"):
        BitMatrix(2, 9, bytes(3))
    assert BitMatrix(1, 8, b"\xff").bits().all()
    assert BitMatrix(1, 7, b"\x7f").bits().all()
    with pytest.raises(ValueError, match="0 in the bits past its last column"):
        BitMatrix(1, 7, b"\x80")


def test_what_is_no_bit() -> None:
    for bits in ([[0, 2]], [[-1, 1]], [[0.5, 0]]):
        with pytest.raises(ValueError, match="bits must be 0 or 1"):
            BitMatrix.from_bits(np.array(bits))
    for signs in ([[0, 1]], [[-1, 2]]):
        with pytest.raises(ValueError, match="signs must be -1 or \\+1"):
            BitMatrix.from_signs(np.array(signs))
    with pytest.raises(ValueError, match="2 dimensions, not 1"):
        BitMatrix.from_bits(np.array([0, 1]))


@pytest.mark.parametrize(("pe", "simd"), [(0, 1), (1, 0), (-1, 2)])
def test_no_lanes(pe: int, simd: int) -> None:
    with pytest.raises(ValueError, match=f"pe and simd must be positive, not {pe} and {simd}"):
        pack_rows(BitMatrix(1, 1, b"\x01"), pe, simd)


def test_words_of_another_depth() -> None:
    with pytest.raises(ValueError, match="words must be 4 deep for 3 x 5 at PE 2, SIMD 3, not 3"):
        unpack_rows(np.zeros((2, 3, 3), np.uint8), 3, 5)


def test_equal_and_hashed() -> None:
    one, same = BitMatrix(1, 3, b"\x05"), BitMatrix(1, 3, b"\x05")
    assert one == same
    assert hash(one) == hash(same)
    for other in (BitMatrix(1, 4, b"\x05"), BitMatrix(1, 3, b"\x04"), BitMatrix(2, 3, b"\x05\x00"), "bits"):
        assert one != other
