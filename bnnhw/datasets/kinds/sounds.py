"""Folders of sounds by class."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.class_folders import ClassFolders, holds
from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.labelled import Labelled
from bnnhw.datasets.mfcc import frames_of, mfcc
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.wav import read_wav
from bnnhw.errors import FileError

__all__ = ["KIND", "Sounds"]

SUFFIXES = frozenset({".wav", ".wave"})
SECONDS = 1.0
LOWEST_RATE = 4000
"""Hz: below, two of the triangles would hold no frequency at all."""


class Sounds(Kind):
    """A folder with a folder of WAV files for each class, as cepstral coefficients (:mod:`bnnhw.datasets.mfcc`).

    One sample is (10, 1, frames) of float32. All must have one rate.
    """

    name: ClassVar[str] = "sounds"
    noun: ClassVar[str] = "a folder of WAV files by class"
    options: ClassVar[tuple[str, ...]] = ("seconds",)

    def matches(self, path: Path) -> bool:
        return holds(path, SUFFIXES)

    def read(self, path: Path, reading: Reading) -> Labelled:
        found = ClassFolders.find(path, SUFFIXES, "WAV file")
        seconds = reading.seconds or SECONDS
        arrays: list[NDArray[np.float32]] = []
        longest, first_rate = 0.0, 0
        for _, file in found.files:
            samples, rate = read_wav(file)
            first_rate = first_rate or rate
            if rate != first_rate:
                raise FileError(
                    f"{file}: has {rate} samples per second, and {found.files[0][1]} {first_rate}: sounds of a data "
                    "set must have one rate; `ffmpeg -i IN -ar RATE OUT.wav` turns them"
                )
            longest = max(longest, len(samples) / rate)
            arrays.append(_coefficients(file, samples, rate, seconds))
        notes = found.notes
        if reading.seconds is None and longest > SECONDS:
            notes = (
                *notes,
                f"sounds last up to {longest:.2f} s: the first {seconds:g} s count; --seconds says another length",
            )
        labels = [label for label, _ in found.files]
        where = [str(file) for _, file in found.files]
        return Labelled(np.stack(arrays), labels, where, notes=notes, reading={"seconds": seconds})

    def sample(self, path: Path, reading: Reading) -> NDArray[np.float32] | None:
        if path.suffix.lower() not in SUFFIXES:
            return None
        samples, rate = read_wav(path)
        return _coefficients(path, samples, rate, reading.seconds or SECONDS)


def _coefficients(path: Path, samples: NDArray[np.float64], rate: int, seconds: float) -> NDArray[np.float32]:
    if rate < LOWEST_RATE:
        raise FileError(f"{path}: must have at least {LOWEST_RATE} samples per second, not {rate}")
    if frames_of(rate, seconds) < 1:
        raise FileError(f"{path}: {seconds:g} s are shorter than one frame; --seconds says more")
    return mfcc(samples, rate, seconds)


KIND = Sounds()
