"""What lies on the chip: frames in the words of an accelerator, and the class that is due of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bnnhw.dataflow.frame import Frame

__all__ = ["StoredFrames", "frame_words"]


@dataclass(frozen=True, eq=False)
class StoredFrames:
    """Frames and their classes.

    Parameters
    ----------
    words : uint8 array (frames * words per frame, bits) of 0 and 1
        The bits of each word that are kept.
    width : int
        Bits of a word.
    kept : tuple of int
        Which of them those are, ascending; the others are 0.
    due : int64 array (frames,)
        The class that the reference gives each.
    labels : int64 array (frames,), optional
        The class that each is of.
    """

    words: NDArray[np.uint8]
    width: int
    kept: tuple[int, ...]
    due: NDArray[np.int64]
    labels: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if not len(self.due) or len(self.words) % len(self.due):
            raise ValueError(f"{len(self.words)} words must be those of {len(self.due)} frames")
        if self.words.shape[1] != len(self.kept):
            raise ValueError(f"words must have the {len(self.kept)} bits that are kept, not {self.words.shape[1]}")

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.due)

    @property
    def frame_words(self) -> int:
        """Words per frame."""
        return len(self.words) // len(self.due)

    @property
    def class_bits(self) -> int:
        """Bits of a class."""
        labels = 0 if self.labels is None else int(self.labels.max())
        return max(1, int(self.due.max()).bit_length(), labels.bit_length())

    @property
    def classes(self) -> NDArray[np.uint8]:
        """The classes due, a row of bits for each frame: the reference's, and above it the label where there is one."""
        columns = [self.due] if self.labels is None else [self.due, self.labels]
        places = np.arange(self.class_bits)
        return np.concatenate([column[:, None] >> places & 1 for column in columns], axis=1).astype(np.uint8)

    @classmethod
    def of(
        cls,
        frame: Frame,
        codes: NDArray[np.uint8],
        due: NDArray[np.int64],
        labels: NDArray[np.int64] | None = None,
        read: NDArray[np.bool_] | None = None,
    ) -> StoredFrames:
        """Frames of element codes, in the words of an accelerator.

        Parameters
        ----------
        frame : Frame
            What passes at its ends.
        codes : uint8 array (frames, elements)
        due, labels : int64 array (frames,)
        read : bool array (bits of a word,), optional
            Those that anything depends on; all, when not given.
        """
        kept = np.arange(frame.word_bits) if read is None else np.flatnonzero(read)
        words = frame_words(frame, codes)[:, kept]
        return cls(np.ascontiguousarray(words), frame.word_bits, tuple(kept.tolist()), due, labels)


def frame_words(frame: Frame, codes: NDArray[Any]) -> NDArray[np.uint8]:
    """Codes of elements -> the bits of the words of all frames, (frames * words, bits); lanes past the last are 0."""
    planes = np.arange(frame.element_bits)
    bits = (codes[..., None] >> planes & 1).reshape(len(codes), -1).astype(np.uint8)
    spare = frame.words * frame.word_bits - bits.shape[1]
    return np.pad(bits, ((0, 0), (0, spare))).reshape(-1, frame.word_bits)
