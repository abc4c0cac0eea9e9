"""What a host says to a board, and how it understands the answers: bytes only, no port."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.links.packets.packet import (
    COUNT_FORMAT,
    COUNTS_FORMAT,
    CRC_BYTES,
    HEADER_BYTES,
    INFO_FORMAT,
    LOAD_BYTES,
    SYNC,
    ErrorCode,
    PacketType,
    crc32,
    encode_packet,
)

__all__ = [
    "BoardCounts",
    "BoardError",
    "BoardInfo",
    "BoardLoaded",
    "BoardResult",
    "LONGEST_REPLY",
    "Decoder",
    "Reply",
    "encode_count",
    "encode_frame",
    "encode_info_request",
    "encode_load",
    "encode_load_begin",
    "pack_codes",
]

LONGEST_REPLY = 64
"""No reply's payload is longer; a length beyond it means that the sync byte was another byte's value."""


@dataclass(frozen=True)
class BoardInfo:
    """What a board says of itself.

    Attributes
    ----------
    version : int
        Of the protocol.
    identity : int
        First 32 bits of the digest of the network and its folding.
    frame_bytes, classes, score_bytes : int
    """

    version: int
    identity: int
    frame_bytes: int
    classes: int
    score_bytes: int


@dataclass(frozen=True)
class BoardResult:
    """The class of the frame that was sent with ``tag``, and its score."""

    tag: int
    index: int
    score: int


@dataclass(frozen=True)
class BoardError:
    """A packet of type ``kind`` was dropped because of ``code``."""

    code: int
    kind: int

    @property
    def reason(self) -> str:
        """The code's name in words."""
        names = {code.value: code.name.lower().replace("_", " ") for code in ErrorCode}
        return names.get(self.code, f"error {self.code}")


@dataclass(frozen=True)
class BoardCounts:
    """What became of frames that a board holds.

    Attributes
    ----------
    frames : int
        How many went through the accelerator.
    wrong : int
        Of these, how many were given another class than their label.
    different : int
        How many were given another class than the reference gives them.
    cycles : int
        From the first word accepted to the last result offered.
    """

    frames: int
    wrong: int
    different: int
    cycles: int


@dataclass(frozen=True)
class BoardLoaded:
    """How far a board is with an image: a :class:`~bnnhw.links.packets.packet.LoadState`."""

    state: int


Reply: TypeAlias = BoardInfo | BoardResult | BoardError | BoardCounts | BoardLoaded


def pack_codes(codes: NDArray[np.uint8], bits: int) -> bytes:
    """One frame of element codes, ``bits`` bits each, packed contiguously, least significant bit first.

    Raises
    ------
    ValueError
        When a code has more bits, or ``codes`` is not one-dimensional.
    """
    array = np.asarray(codes)
    if array.ndim != 1:
        raise ValueError(f"codes must have 1 dimension, not {array.ndim}")
    if (array >> bits).any():
        raise ValueError(f"codes must be below {1 << bits}")
    spread = (array.astype(np.uint8)[:, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(spread.reshape(-1), bitorder="little").tobytes()


def encode_frame(frame: bytes, tag: int) -> bytes:
    """A FRAME packet; the result comes back with the tag, 0 to 255."""
    return encode_packet(PacketType.FRAME, bytes([tag]) + frame)


def encode_count(frames: int) -> bytes:
    """A COUNT packet: so many of the frames that the board holds, up to ``MAX_COUNT``."""
    return encode_packet(PacketType.COUNT, frames.to_bytes(sum(COUNT_FORMAT), "little"))


def encode_load_begin() -> bytes:
    """The packet that announces an image."""
    return encode_packet(PacketType.LOAD_BEGIN)


def encode_load(image: bytes) -> Iterator[bytes]:
    """The packets of an image."""
    for start in range(0, len(image), LOAD_BYTES):
        yield encode_packet(PacketType.LOAD, image[start : start + LOAD_BYTES].ljust(LOAD_BYTES, b"\0"))


def encode_info_request() -> bytes:
    """The packet that asks a board what it is."""
    return encode_packet(PacketType.INFO_REQUEST)


def _parse(kind: int, payload: bytes, score_bytes: int | None) -> Reply | None:
    if kind == PacketType.INFO and len(payload) == struct.calcsize(INFO_FORMAT):
        return BoardInfo(*struct.unpack(INFO_FORMAT, payload))
    if kind == PacketType.RESULT and len(payload) > 3 and score_bytes in (None, len(payload) - 3):
        tag, index = struct.unpack_from("<BH", payload)
        return BoardResult(tag, index, int.from_bytes(payload[3:], "little", signed=True))
    if kind == PacketType.ERROR and len(payload) == 2:
        return BoardError(*payload)
    if kind == PacketType.LOADED and len(payload) == 1:
        return BoardLoaded(payload[0])
    if kind == PacketType.COUNTS and len(payload) == sum(COUNTS_FORMAT):
        ends = list(itertools.accumulate(COUNTS_FORMAT))
        numbers = [payload[end - size : end] for size, end in zip(COUNTS_FORMAT, ends, strict=True)]
        return BoardCounts(*(int.from_bytes(number, "little") for number in numbers))
    return None


class Decoder:
    """Finds replies in a stream of bytes, in pieces of any size.

    Bytes that are no packet are skipped, from one sync byte to the next; ``skipped`` counts them.

    Attributes
    ----------
    score_bytes : int, optional
        What the board said of itself, once it did. A result of another length is none: a CRC holds its promises only
        where the length is known, or a damaged one moves it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped = 0
        self.score_bytes: int | None = None

    def feed(self, received: bytes) -> Iterator[Reply]:
        """The replies that these bytes complete, in order."""
        self._buffer += received
        while True:
            start = self._buffer.find(SYNC)
            self._drop(len(self._buffer) if start < 0 else start)
            if len(self._buffer) < HEADER_BYTES:
                return
            kind, length = struct.unpack_from("<BH", self._buffer, 1)
            if length > LONGEST_REPLY:
                self._drop(1)
                continue
            end = HEADER_BYTES + length
            if len(self._buffer) < end + CRC_BYTES:
                return
            payload = bytes(self._buffer[HEADER_BYTES:end])
            reply = None
            if crc32(bytes(self._buffer[1:end])) == int.from_bytes(self._buffer[end : end + CRC_BYTES], "little"):
                reply = _parse(kind, payload, self.score_bytes)
            if reply is None:
                # Not a packet: its sync byte was data, and a true one may lie within what looked like it.
                self._drop(1)
                continue
            del self._buffer[: end + CRC_BYTES]
            yield reply

    def reset(self) -> None:
        """Forgets an unfinished packet."""
        self._drop(len(self._buffer))

    def _drop(self, count: int) -> None:
        self.skipped += count
        del self._buffer[:count]
