"""Data sets in one NumPy archive that we made of the published files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bnnhw.datasets.files import FileDataset, read_npz
from bnnhw.errors import FileError

__all__ = ["NpzDataset"]


@dataclass(frozen=True)
class NpzDataset(FileDataset):
    """A data set in one NumPy archive.

    Parameters
    ----------
    file : str
    digest : str
        SHA-256.
    samples : int
        In both splits together.
    """

    file: str = ""
    digest: str = ""
    samples: int = 0

    @property
    def digests(self) -> dict[str, str | None]:
        return {self.file: self.digest}

    def needed(self, split: str) -> tuple[str, ...]:
        del split
        return (self.file,)

    def fields(self, folder: Path, fields: dict[str, tuple[str, tuple[int, ...]]]) -> dict[str, NDArray[Any]]:
        """Arrays of the archive, each of the type and shape that it must have."""
        data = self.read(folder, self.file)
        try:
            return read_npz(data, fields)
        except ValueError as error:
            raise FileError(f"{folder / self.file}: {error}") from None
