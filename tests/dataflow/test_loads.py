"""Which bit of a memory that is written at run time is which bit of its image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.dataflow.image import image_bytes, image_crc, pack_image, unpack_image
from bnnhw.dataflow.loads import WORD_BITS, Loaded, banks, image
from bnnhw.devices import technology
from bnnhw.errors import FileError

ICE40 = technology("ice40")


def loaded(bits: np.ndarray, stages: tuple[int, ...], memory: str, *, writable: bool) -> Loaded:
    chosen = banks(len(bits), stages, memory, ICE40, writable=writable)
    return Loaded("weights", *bits.shape, chosen, lambda: bits)


@given(
    depth=st.integers(1, 300),
    stages=st.lists(st.integers(0, 2), min_size=1, max_size=70).map(tuple),
    memory=st.sampled_from(["spram", "block", "lut"]),
    writable=st.booleans(),
    seed=st.integers(0, 9),
)
def test_every_bit_is_in_one_place(depth: int, stages: tuple[int, ...], memory: str, writable: bool, seed: int) -> None:
    """Banks and what is left over share the columns; a bank's words are its columns, the first in bit 0."""
    bits = np.random.default_rng(seed).integers(0, 2, (depth, len(stages))).astype(np.uint8)
    found = loaded(bits, stages, memory, writable=writable)
    columns = [column for bank in found.banks for column in bank.columns] + list(found.rest)
    assert sorted(columns) == list(range(len(stages)))
    words = found.words().reshape(len(found.banks), depth)
    for bank, rows in zip(found.banks, words, strict=True):
        assert 1 <= len(bank.columns) <= WORD_BITS
        assert bank.stage == min(stages[column] for column in bank.columns)
        for place, column in enumerate(bank.columns):
            assert np.array_equal(rows >> place & 1, bits[:, column])
    assert not writable or not found.rest
    if memory == "spram":
        large = [bank for bank in found.banks if bank.style == "spram"]
        assert len(large) == max(len(stages) // WORD_BITS, 1)
        assert len(stages) < WORD_BITS or all(len(bank.columns) == WORD_BITS for bank in large)
    elif not writable:
        assert not found.banks


def test_where_banks_are() -> None:
    """52 columns of which four are due late: three SPRAMs, and the late ones in block RAM; writable, a bank more."""
    stages = ((0,) * 12 + (1,)) * 4
    fixed = banks(3904, stages, "spram", ICE40, writable=False)
    assert [(bank.style, len(bank.columns), bank.stage) for bank in fixed] == [("spram", 16, 0)] * 3
    assert banks(3904, stages, "spram", ICE40, writable=True)[:3] == fixed
    assert banks(3904, stages, "spram", ICE40, writable=True)[3].style == "block"
    assert banks(1, stages, "block", ICE40, writable=True)[0].style == "registers"
    few = banks(16, (0,) * 9, "lut", technology("ecp5"), writable=True)
    assert [bank.style for bank in few] == ["distributed"]


def test_an_image_is_read_back_and_nothing_else() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (9, 20)).astype(np.uint8)
    memories = [loaded(bits, (0,) * 20, "block", writable=True)] * 2
    words = image(memories)
    packed = pack_image(words, 0x12345678)
    assert len(words) == 36
    assert len(packed) == image_bytes(36)
    assert np.array_equal(unpack_image(packed, 0x12345678, 36), words)
    assert packed[-4:] == image_crc(packed).to_bytes(4, "little")
    wrong = {
        "must begin with BNNW": b"\xff" * len(packed),
        "must be the image of design 00000001, not of 12345678": packed,
        "must have 36 words in 88 bytes, not 36 in 87": packed[:-1],
        "must have the CRC-32": packed[:40] + bytes([packed[40] ^ 4]) + packed[41:],
    }
    for message, data in wrong.items():
        identity = 1 if "00000001" in message else 0x12345678
        with pytest.raises(FileError, match=f"^{message}"):
            unpack_image(data, identity, 36)
    assert len(image([])) == 0
