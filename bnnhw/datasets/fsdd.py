"""The free spoken digit dataset (Z. Jackson and others, CC BY-SA 4.0), as cepstral coefficients."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset
from bnnhw.datasets.mfcc import mfcc
from bnnhw.datasets.npz_set import NpzDataset
from bnnhw.datasets.wav import read_wav
from bnnhw.errors import FileError

__all__ = ["FSDD", "FSDD_WAV", "Fsdd", "FsddWav", "git_tree"]

SHAPE = (10, 1, 49)

TESTED = 5
"""Recordings of each digit by each speaker that are for testing: those of the lowest numbers."""

NAME = re.compile(r"([0-9])_[a-z]+_([0-9]+)\.wav")
"""Digit, speaker, number."""

RECORDINGS = "recordings"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
EACH = 50


@dataclass(frozen=True)
class Fsdd(NpzDataset):
    """Spoken digits of six speakers: 49 frames of 10 mel-frequency cepstral coefficients.

    The split is the data set's own: the first five recordings of each digit by each speaker are for testing. Speakers
    are the same in both. The coefficients are channels and time is the width: a kernel then sees all coefficients of
    a few frames, as neighbouring coefficients have nothing in common that a kernel sliding over them could use.
    """

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples float32, the float16 of the file widened."""
        coefficients, _, frames = self.shape
        found = self.fields(
            folder,
            {
                "mfcc": ("float16", (self.samples, frames, coefficients)),
                "label": ("uint8", (self.samples,)),
                "is_test": ("bool", (self.samples,)),
            },
        )
        part = found["is_test"] if split == "test" else ~found["is_test"]
        maps = found["mfcc"][part].astype(np.float32).transpose(0, 2, 1)[:, :, None, :]
        return np.ascontiguousarray(maps), found["label"][part].astype(np.int64)


EXECUTABLE = ("nicolas", "theo")
"""Speakers whose recordings have the executable bit in the repository, which its checksum covers too."""


def git_tree(files: dict[str, bytes]) -> str:
    """What git calls the folder of recordings: the SHA-1 of its tree object, which covers every byte of them."""
    entries = b""
    for name, data in sorted(files.items()):
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()
        mode = b"100755 " if name.split("_")[1] in EXECUTABLE else b"100644 "
        entries += mode + name.encode() + b"\0" + blob
    return hashlib.sha1(b"tree %d\0" % len(entries) + entries, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class FsddWav(FileDataset):
    """The WAV files of the repository; the same coefficients, computed (:mod:`bnnhw.datasets.mfcc`), the same split.

    Parameters
    ----------
    tree : str
        What git calls the folder of recordings.
    names : tuple of str
        Of the recordings.
    """

    tree: str = ""
    recordings: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str | None]:
        return dict.fromkeys(f"{RECORDINGS}/{name}" for name in self.recordings)

    def needed(self, split: str) -> tuple[str, ...]:
        # The folder is checked as a whole.
        del split
        return tuple(self.digests)

    def instructions(self, folder: Path) -> str:
        return (
            f"put the folder {RECORDINGS} of github.com/Jakobovski/free-spoken-digit-dataset into {folder}: "
            f"{len(self.recordings)} WAV files (git tree {self.tree})"
        )

    def arrays(self, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        content = {name: self.read(folder, f"{RECORDINGS}/{name}") for name in self.recordings}
        actual = git_tree(content)
        if actual != self.tree:
            raise FileError(
                f"{folder / RECORDINGS}: the recordings must be those of git tree {self.tree}, not {actual}"
            )
        x, y = list[NDArray[np.float32]](), list[int]()
        for name in self.recordings:
            match = NAME.fullmatch(name)
            assert match is not None
            if (int(match[2]) < TESTED) == (split == "test"):
                samples, rate = read_wav(folder / RECORDINGS / name)
                x.append(mfcc(samples, rate))
                y.append(int(match[1]))
        return np.stack(x), np.array(y, np.int64)


FSDD = Fsdd(
    "fsdd",
    SHAPE,
    10,
    file="fsdd_mfcc.npz",
    digest="e75781a1ce3d35ef43937bc9e83ef58bfaf4da95b9542edb8fdb7ab158670b7b",
    samples=3000,
)
"""Our archive of coefficients."""

FSDD_WAV = FsddWav(
    "fsdd",
    SHAPE,
    10,
    folders=("", "free-spoken-digit-dataset", "free-spoken-digit-dataset-master"),
    tree="d04322e322a9f937f6f4f7c8546693755184df5b",
    recordings=tuple(
        f"{digit}_{speaker}_{number}.wav" for digit in range(10) for speaker in SPEAKERS for number in range(EACH)
    ),
)
"""The recordings as of commit 26eb9aaf76e81b692f806f9140c2d2777410d7a1."""
