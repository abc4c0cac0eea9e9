"""The host's encoder and decoder: bytes as the protocol states them, replies found in any stream."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.links.packets.packet import INFO_FORMAT, PacketType, crc32, encode_packet
from bnnhw.links.packets.protocol import (
    BoardError,
    BoardInfo,
    BoardResult,
    Decoder,
    Reply,
    encode_frame,
    encode_info_request,
    pack_codes,
)
from rtl_tests.lanes import join


def result_packet(result: BoardResult, size: int = 2) -> bytes:
    payload = struct.pack("<BH", result.tag, result.index) + result.score.to_bytes(size, "little", signed=True)
    return encode_packet(PacketType.RESULT, payload)


def test_bytes_of_a_frame() -> None:
    """Sync, type, length, tag, frame; the CRC bit by bit, by its definition."""
    crc = 0xFFFFFFFF
    for value in bytes.fromhex("020300071122"):
        for bit in range(8):
            out = crc & 1 ^ value >> bit & 1
            crc = crc >> 1 ^ (0xEDB88320 if out else 0)
    due = (crc ^ 0xFFFFFFFF).to_bytes(4, "little").hex()
    assert encode_frame(b"\x11\x22", 7).hex() == f"a5020300071122{due}"
    assert encode_info_request()[:4] == b"\xa5\x01\x00\x00"


def test_too_long() -> None:
    with pytest.raises(ValueError, match=r"^payload must have at most 65535 bytes, not 65536$"):
        encode_frame(bytes(65535), 0)


@given(st.integers(1, 8), st.integers(0, 2**31), st.integers(1, 40))
def test_pack_codes(bits: int, seed: int, count: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 1 << bits, count).astype(np.uint8)
    value = join(codes, bits)
    assert pack_codes(codes, bits) == value.to_bytes(-(-count * bits // 8), "little")


def test_pack_codes_refuses() -> None:
    with pytest.raises(ValueError, match=r"^codes must be below 4$"):
        pack_codes(np.array([1, 4], np.uint8), 2)
    with pytest.raises(ValueError, match=r"^codes must have 1 dimension, not 2$"):
        pack_codes(np.zeros((2, 2), np.uint8), 1)


replies = st.one_of(
    st.builds(BoardResult, st.integers(0, 255), st.integers(0, 999), st.integers(-(2**15), 2**15 - 1)),
    st.builds(BoardError, st.integers(1, 6), st.integers(0, 255)),
    st.builds(BoardInfo, st.just(1), st.integers(0, 2**32 - 1), st.integers(1, 99), st.integers(1, 99), st.just(2)),
)


def encode(reply: Reply) -> bytes:
    if isinstance(reply, BoardResult):
        return result_packet(reply)
    if isinstance(reply, BoardError):
        return encode_packet(PacketType.ERROR, bytes([reply.code, reply.kind]))
    fields = (reply.version, reply.identity, reply.frame_bytes, reply.classes, reply.score_bytes)
    return encode_packet(PacketType.INFO, struct.pack(INFO_FORMAT, *fields))


@given(st.lists(replies, max_size=5), st.integers(1, 9))
def test_replies_in_pieces(expected: list[Reply], piece: int) -> None:
    stream = b"".join(map(encode, expected))
    decoder = Decoder()
    found = [r for i in range(0, len(stream), piece) for r in decoder.feed(stream[i : i + piece])]
    assert found == expected
    assert decoder.skipped == 0


@given(st.lists(replies, min_size=1, max_size=3), st.binary(max_size=20))
def test_noise_before_a_reply_costs_no_reply_after_it(expected: list[Reply], noise: bytes) -> None:
    """Noise may look like the beginning of a packet; once enough bytes have come, all replies are found."""
    decoder = Decoder()
    found = list(decoder.feed(noise + b"".join(map(encode, expected)) + bytes(80)))
    assert found == expected
    assert decoder.skipped >= len(noise)


@given(st.data())
def test_damaged_reply_is_dropped(data: st.DataObject) -> None:
    packet = bytearray(result_packet(BoardResult(1, 2, 300)))
    position = data.draw(st.integers(0, len(packet) - 1))
    packet[position] ^= 1 << data.draw(st.integers(0, 7))
    good = BoardResult(9, 9, -9)
    assert list(Decoder().feed(bytes(packet) + result_packet(good) + bytes(80))) == [good]


def test_error_has_words() -> None:
    assert BoardError(1, 2).reason == "bad crc"
    assert re.fullmatch("error 77", BoardError(77, 2).reason)


def test_a_result_of_another_length_is_none() -> None:
    """Once the board has said how long a score is: with a length that may be any, a CRC would hold less."""
    decoder = Decoder()
    decoder.score_bytes = 2
    packets = [result_packet(BoardResult(1, 2, 3), score_bytes) for score_bytes in (1, 2, 3)]
    assert list(decoder.feed(b"".join(packets) + bytes(80))) == [BoardResult(1, 2, 3)]


@given(st.data())
def test_every_burst_of_32_bits_is_seen(data: st.DataObject) -> None:
    """Of the bits in the order of the line, wherever it begins behind the sync byte."""
    packet = encode_frame(bytes(20), 7)
    bits = int.from_bytes(packet, "little")
    length = data.draw(st.integers(1, 32))
    inner = data.draw(st.integers(0, (1 << length) - 1)) | 1 | 1 << length - 1
    start = data.draw(st.integers(8, 8 * len(packet) - length))
    damaged = (bits ^ inner << start).to_bytes(len(packet), "little")
    body, crc = damaged[1:-4], damaged[-4:]
    assert crc32(body) != int.from_bytes(crc, "little")
