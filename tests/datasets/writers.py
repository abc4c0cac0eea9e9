"""Writes small data sets in the formats that people keep them in."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def write_image(path: Path, array: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array)).save(path, **options)
    return path


def write_images(root: Path, classes: int = 3, each: int = 5, size: tuple[int, ...] = (8, 6)) -> Path:
    """Folders named a, b, ...; every pixel of an image is ``10 * class + number``."""
    for number in range(classes):
        for i in range(each):
            write_image(root / "abcdefgh"[number] / f"{i:02}.png", np.full(size, 10 * number + i, np.uint8))
    return root


def tone(hertz: float, rate: int = 8000, seconds: float = 0.3) -> np.ndarray:
    return np.rint(12_000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.int64)


def write_wav(path: Path, samples: Any, rate: int = 8000, width: int = 2) -> Path:
    """Samples (samples,) or (samples, channels), whole numbers of ``width`` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(samples, np.int64)
    raw = (array + (128 if width == 1 else 0)).astype("<i8")[..., None].view(np.uint8)[..., :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if array.ndim == 1 else array.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return path


def retagged(path: Path, tag: int) -> Path:
    """The same WAV file with another format tag; of the extensible one, with its longer chunk of plain numbers."""
    data = path.read_bytes()
    fmt = data[20:36]
    if tag == 0xFFFE:
        guid = bytes.fromhex("0100000000001000800000AA00389B71")
        fmt = struct.pack("<H", tag) + fmt[2:] + struct.pack("<HHI", 22, 16, 4) + guid
    else:
        fmt = struct.pack("<H", tag) + fmt[2:]
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + data[36:]
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path
