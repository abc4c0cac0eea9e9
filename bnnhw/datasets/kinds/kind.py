"""What every kind of data brings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from bnnhw.datasets.labelled import Labelled
from bnnhw.datasets.reading import Reading

__all__ = ["Kind"]


class Kind(ABC):
    """A way in which people keep samples and their classes."""

    name: ClassVar[str]
    """One word: ``"images"``."""

    noun: ClassVar[str]
    """What a path of the kind is, with its article: ``"a folder of images by class"``."""

    options: ClassVar[tuple[str, ...]] = ()
    """The fields of :class:`~bnnhw.datasets.reading.Reading` that it takes, besides those of the split."""

    rank: ClassVar[int] = 0
    """Kinds are asked in the order of their ranks: those that tell by less come later."""

    @abstractmethod
    def matches(self, path: Path) -> bool:
        """Whether a path, which exists, is meant to be of this kind; a glance at names and first lines."""

    @abstractmethod
    def read(self, path: Path, reading: Reading) -> Labelled:
        """All samples and their classes.

        Raises
        ------
        FileError
            Something in it is not as it must be; names the file, and the line in a text.
        """

    def suggest(self, path: Path, reading: Reading) -> tuple[Reading, tuple[str, ...]]:
        """How samples of a path are best read for a new network where ``reading`` leaves it open, and notes on that."""
        del path
        return reading, ()

    def sample(self, path: Path, reading: Reading) -> NDArray[Any] | None:
        """The one sample that a file is, as :meth:`read` gives it, or None where files of the kind are no samples."""
        del path, reading
        return None
