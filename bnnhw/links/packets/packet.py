"""The packets between host and board: every constant of the protocol, for the hardware and for the host.

A packet is

| bytes | field |
|---|---|
| 1 | :data:`SYNC` |
| 1 | type, a :class:`PacketType` |
| 2 | length of the payload in bytes, little endian |
| length | payload |
| 4 | CRC-32 (of Ethernet and zlib) over type, length and payload, little endian |

The CRC takes the bits in the order in which a serial line sends them, least significant first, so that a
burst on the line is a burst to it; a receiver which runs its CRC over the trailing bytes too ends at a
constant, the residue. Nothing is escaped: a receiver hunts for :data:`SYNC` and trusts a packet only once
its CRC is right and its length is the one that its type must have. What that detects is in docs/links.md.

This module imports no hardware description, so that the host shares it at no cost.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

from bnnhw.errors import RequestError

__all__ = [
    "COUNTS_FORMAT",
    "COUNT_FORMAT",
    "CRC_BYTES",
    "HEADER_BYTES",
    "INFO_FORMAT",
    "LOAD_BYTES",
    "MAX_COUNT",
    "MAX_CYCLES",
    "MAX_PAYLOAD",
    "SYNC",
    "TAGS_IN_FLIGHT",
    "VERSION",
    "ErrorCode",
    "LoadState",
    "PacketType",
    "buffer_bytes",
    "check_frame_size",
    "crc32",
    "encode_packet",
    "packet_bytes",
    "score_bytes",
]

VERSION = 2
"""Version of this protocol; a board with another one is refused by the host. Version 1 had a CRC of 16 bits."""

SYNC = 0xA5
"""First byte of every packet."""

HEADER_BYTES = 4
"""Sync, type and length."""

CRC_BYTES = 4

MAX_PAYLOAD = 0xFFFF

TAGS_IN_FLIGHT = 4
"""Frames that may be inside the accelerator at once, so the host's window."""

INFO_FORMAT = "<BIHHB"
"""Payload of an INFO reply: version, identity of the design, bytes of a frame, classes, bytes of a score."""

COUNT_FORMAT = (3,)
"""Bytes of the number in a COUNT: how many frames, 0 for 2**24."""

COUNTS_FORMAT = (3, 3, 3, 5)
"""Bytes of each number in COUNTS: frames, wrong classes, classes that are not the reference's, cycles."""

LOAD_BYTES = 256
"""Bytes of an image in one packet."""

MAX_COUNT = (1 << 8 * COUNT_FORMAT[0]) - 1
"""Most frames of a run from the store that a host asks for."""

MAX_CYCLES = (1 << 8 * COUNTS_FORMAT[3]) - 1
"""Most cycles of one."""


class PacketType(IntEnum):
    """What a packet carries. The top bit is set in the board's replies."""

    INFO_REQUEST = 0x01
    """No payload. Answered by INFO."""
    FRAME = 0x02
    """One tag byte, then one frame: element codes packed contiguously, least significant bit first."""
    COUNT = 0x03
    """Of a board with frames on its chip, instead of FRAME: so many of them (:data:`COUNT_FORMAT`) through the
    accelerator. Answered by COUNTS."""
    LOAD_BEGIN = 0x04
    """Of a board whose weights can be replaced: an image follows, once the frames before are answered. No payload.
    Answered by LOADED."""
    LOAD = 0x05
    """:data:`LOAD_BYTES` of the image, in order, zeros behind its end. Answered by LOADED."""
    INFO = 0x81
    """:data:`INFO_FORMAT`."""
    RESULT = 0x82
    """The tag of the frame, the class index (2 bytes, little endian), the score (two's complement, little endian)."""
    ERROR = 0x83
    """An :class:`ErrorCode`, and the type of the packet that was dropped (0 when it is not known)."""
    COUNTS = 0x84
    """What became of the frames (:data:`COUNTS_FORMAT`)."""
    LOADED = 0x85
    """A :class:`LoadState`."""


class ErrorCode(IntEnum):
    """Why the board dropped a packet."""

    BAD_CRC = 1
    FRAMING = 2
    """A byte without a stop bit."""
    TRUNCATED = 3
    """The line was silent for the timeout in the middle of a packet."""
    BAD_TYPE = 4
    BAD_LENGTH = 5
    """A known type with another payload length than it must have."""
    OVERRUN = 6
    """Both frame buffers were full when the frame began; frames of an earlier COUNT were still under way."""
    LOADING = 7
    """Weights are on their way into the board's memories: frames are taken once these are whole."""
    NO_WEIGHTS = 8
    """The board's memories have no weights: the last image was damaged, of another design or not there."""


class LoadState(IntEnum):
    """How far a board is with an image."""

    READY = 0
    """It may come: no frame is on its way."""
    MORE = 1
    """There is more of it to come."""
    GOOD = 2
    """It was whole, and the board answers with it."""
    BAD = 3
    """It was damaged, or is that of another design."""


def crc32(data: bytes) -> int:
    """CRC-32: polynomial 0x04C11DB7, initial value and final XOR 0xFFFFFFFF, reflected."""
    return zlib.crc32(data)


def encode_packet(kind: int, payload: bytes = b"") -> bytes:
    """A whole packet, from sync byte to CRC.

    Raises
    ------
    ValueError
        When the payload is longer than :data:`MAX_PAYLOAD` bytes.
    """
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"payload must have at most {MAX_PAYLOAD} bytes, not {len(payload)}")
    body = struct.pack("<BH", kind, len(payload)) + payload
    return bytes([SYNC]) + body + crc32(body).to_bytes(CRC_BYTES, "little")


def check_frame_size(frame_bits: int) -> int:
    """Bytes of a frame on the wire, contiguously packed.

    Raises
    ------
    RequestError
        When a frame and its tag do not fit one packet.
    """
    frame_bytes = -(-frame_bits // 8)
    if frame_bytes + 1 > MAX_PAYLOAD:
        raise RequestError(f"a frame must have at most {MAX_PAYLOAD - 1} bytes in a packet, not {frame_bytes}")
    return frame_bytes


def buffer_bytes(frame_bytes: int) -> int:
    """Bytes of memory for two frames on a board, each with its tag, each from a power of two on."""
    return 2 << frame_bytes.bit_length()


def score_bytes(bits: int, *, signed: bool) -> int:
    """Bytes of a score on the wire, where it is two's complement whether or not it can be negative."""
    return -(-(bits + (not signed)) // 8)


def packet_bytes(frame_bits: int, score: int) -> tuple[int, int]:
    """Bytes of the packet of a frame, with its tag, and of that of its result, with tag, class and a score's bytes."""
    around = HEADER_BYTES + CRC_BYTES
    return around + 1 + -(-frame_bits // 8), around + 3 + score
