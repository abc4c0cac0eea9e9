"""The image of a design: what fills its memories, as a file, in a flash or on its way over a link.

| bytes | field |
|---|---|
| 4 | :data:`MAGIC` |
| 4 | identity of the design whose memories it fills |
| 4 | how many words follow |
| 2 per word | words, in the order of :mod:`bnnhw.dataflow.loads` |
| 4 | CRC-32 (of Ethernet and zlib) over all that precedes |

Numbers are little endian. The design knows the first twelve bytes, and takes no other; the CRC says that what follows
is whole.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError

__all__ = ["HEADER", "MAGIC", "header", "image_bytes", "image_crc", "pack_image", "unpack_image"]

MAGIC = b"BNNW"
HEADER = struct.Struct("<4sII")
_CRC = struct.Struct("<I")


def header(identity: int, words: int) -> bytes:
    """The bytes in front of the words."""
    return HEADER.pack(MAGIC, identity, words)


def image_bytes(words: int) -> int:
    """Length of an image of so many words."""
    return HEADER.size + 2 * words + _CRC.size


def pack_image(words: NDArray[np.uint16], identity: int) -> bytes:
    """The image that fills the memories of the design of an identity."""
    body = header(identity, len(words)) + words.astype("<u2").tobytes()
    return body + _CRC.pack(zlib.crc32(body))


def image_crc(image: bytes) -> int:
    """The CRC at the end of an image."""
    return _CRC.unpack(image[-_CRC.size :])[0]


def unpack_image(image: bytes, identity: int, words: int) -> NDArray[np.uint16]:
    """The words of an image.

    Raises
    ------
    FileError
        For what is none of the design: the reason, as the end of a sentence.
    """
    if len(image) < HEADER.size + _CRC.size or image[:4] != MAGIC:
        raise FileError(f"must begin with {MAGIC.decode()} as the image of a design does")
    _, of, count = HEADER.unpack(image[: HEADER.size])
    if of != identity:
        raise FileError(f"must be the image of design {identity:08x}, not of {of:08x}")
    if count != words or len(image) != image_bytes(words):
        raise FileError(f"must have {words} words in {image_bytes(words)} bytes, not {count} in {len(image)}")
    if zlib.crc32(image[: -_CRC.size]) != image_crc(image):
        raise FileError("must have the CRC-32 that it ends with")
    return np.frombuffer(image[HEADER.size : -_CRC.size], "<u2").astype(np.uint16)
