"""Elements in the words of streams, as the bench reads and writes them: 32-bit limbs, the least significant first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.sim.ports import Port, limbs_of

__all__ = ["decode", "pack_frames", "pack_groups", "unpack_lane"]


def pack_frames(codes: NDArray[np.uint8], bits: int, width: int, seed: int = 0) -> NDArray[np.uint32]:
    """Codes of elements -> the words of each frame.

    Element ``e`` is lane ``e % (width // bits)`` of word ``e // (width // bits)``; lane ``l`` has the bits
    ``[l * bits, (l + 1) * bits)``. Lanes past the last element are filled at random: they must not matter.

    Parameters
    ----------
    codes : uint8 array (frames, elements)
    bits : int
        Width of an element.
    width : int
        Width of a word; a multiple of ``bits``.
    seed : int
        Of the filling.

    Returns
    -------
    uint32 array (frames, words, limbs)
        Limb 0 has the least significant bits.
    """
    if width % bits:
        raise ValueError(f"width must be a multiple of {bits}, not {width}")
    frames, elements = codes.shape
    spare = -elements % (width // bits)
    filling = np.random.default_rng(seed).integers(0, 1 << bits, (frames, spare), codes.dtype)
    return pack_groups(np.concatenate([codes, filling], axis=1), bits, width // bits, elements + spare)


def pack_groups(codes: NDArray[np.unsignedinteger], bits: int, lanes: int, group: int) -> NDArray[np.uint32]:
    """Codes of elements -> words, each group of elements in ``ceil(group / lanes)`` of them, lanes past it 0.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 array (frames, elements)
        ``elements`` a multiple of ``group``.
    bits, lanes, group : int
        Of an element; of a word; elements in a group.

    Returns
    -------
    uint32 array (frames, words, limbs)
    """
    frames, elements = codes.shape
    words = -(-group // lanes)
    # Little-endian bytes of each code, whatever the machine's own order is.
    octets = codes.astype(codes.dtype.newbyteorder("<"), copy=False)[..., None].view(np.uint8)
    planes = np.unpackbits(octets, axis=2, count=bits, bitorder="little")
    grouped = planes.reshape(frames, elements // group, group * bits)
    width = lanes * bits
    lined = np.pad(grouped, ((0, 0), (0, 0), (0, words * width - group * bits))).reshape(frames, -1, width)
    padded = np.pad(lined, ((0, 0), (0, 0), (0, limbs_of(width) * 32 - width)))
    return np.packbits(padded, axis=2, bitorder="little").view("<u4")


def unpack_lane(limbs: NDArray[np.uint32], lane: int, bits: int) -> int:
    """The code in one lane of a word."""
    word = int.from_bytes(limbs.astype("<u4").tobytes(), "little")
    return word >> lane * bits & (1 << bits) - 1


def decode(raw: NDArray[np.uint32], outputs: tuple[Port, ...]) -> dict[str, NDArray[np.int64]]:
    """Limbs (frames, limbs) of ports, each of which starts at a new limb -> the fields, signed ones sign-extended."""
    values: dict[str, NDArray[np.int64]] = {}
    first = 0
    for port in outputs:
        last = first + limbs_of(port.width)
        limbs = np.ascontiguousarray(raw[:, first:last])
        bits = np.unpackbits(limbs.view(np.uint8), axis=1, bitorder="little")
        offset = 0
        for field in port.fields:
            padded = np.zeros((len(raw), 64), np.uint8)
            padded[:, : field.width] = bits[:, offset : offset + field.width]
            if field.signed:
                padded[:, field.width :] = padded[:, field.width - 1 : field.width]
            values[field.name] = np.packbits(padded, axis=1, bitorder="little").view("<i8")[:, 0]
            offset += field.width
        first = last
    return values
