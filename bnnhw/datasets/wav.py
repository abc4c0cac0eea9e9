"""WAV files: sound as numbers, by the standard library."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError

__all__ = ["read_wav"]

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
"""Format tags of RIFF's ``fmt`` chunk."""

OTHERS = {FLOAT: "floating-point samples", 6: "A-law samples", 7: "mu-law samples", 0x55: "MP3 inside"}


def _tagged(data: bytes) -> tuple[bytes, int | None]:
    """The file, an extensible tag replaced by that of its subformat, which the library does not know; and the tag."""
    place = 12
    while place + 8 <= len(data):
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        start = place + 8
        if name == b"fmt ":
            tag = int.from_bytes(data[start : start + 2], "little")
            if tag == EXTENSIBLE and size >= 40:
                # The subformat begins with the tag that it stands for.
                own = data[start + 24 : start + 26]
                return data[:start] + own + data[start + 2 :], int.from_bytes(own, "little")
            return data, tag
        place = start + size + size % 2
    return data, None


def read_wav(path: Path) -> tuple[NDArray[np.float64], int]:
    """The samples of a WAV file and their rate.

    Returns
    -------
    samples : float64 array (samples,)
        From -1 to just below 1; the mean of its channels.
    rate : int
        Samples per second.

    Raises
    ------
    FileError
        It is no WAV file, is damaged, or holds something other than whole numbers of 8 to 32 bits.
    """
    try:
        data, tag = _tagged(path.read_bytes())
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}") from None
    if data[:4] == b"RIFF" and tag is not None and tag != PCM:
        has = OTHERS.get(tag, f"samples of format {tag}")
        raise FileError(
            f"{path}: must be a WAV file of whole numbers (PCM), and has {has}; `ffmpeg -i IN OUT.wav` turns it"
        )
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate, frames = file.getparams()[:4]
            raw = file.readframes(frames)
    except (wave.Error, EOFError, struct.error, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise FileError(f"{path}: can't be read as a WAV file: {str(error) or 'it ends too early'}") from None
    if not 1 <= width <= 4 or channels < 1 or rate < 1:
        raise FileError(f"{path}: can't be read as a WAV file: {8 * width} bits, {channels} channels, {rate} Hz")
    if len(raw) != frames * channels * width:
        raise FileError(f"{path}: can't be read as a WAV file: {frames} samples are promised, and it ends before")
    if not frames:
        raise FileError(f"{path}: holds no samples")
    return _numbers(raw, width).reshape(-1, channels).mean(axis=1), rate


def _numbers(raw: bytes, width: int) -> NDArray[np.float64]:
    """Samples of ``width`` bytes, the lowest first, in units of full scale; those of one byte are unsigned."""
    bytes_ = np.frombuffer(raw, np.uint8).reshape(-1, width)
    if width == 1:
        return (bytes_[:, 0].astype(np.float64) - 128) / 128
    whole = np.zeros((len(bytes_), 4), np.uint8)
    whole[:, 4 - width :] = bytes_
    return whole.view("<i4")[:, 0] / 2.0**31
