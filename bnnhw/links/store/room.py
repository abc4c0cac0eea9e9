"""How many frames a device has room for."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from bnnhw.devices import blocks_needed

if TYPE_CHECKING:
    from bnnhw.devices import Technology

__all__ = ["frames_that_fit", "store_blocks"]


def store_blocks(frames: int, frame_words: int, word_bits: int, class_bits: int, technology: Technology) -> int:
    """Block RAMs of so many frames.

    Parameters
    ----------
    frames : int
    frame_words, word_bits : int
        Words per frame, and bits of each that are kept.
    class_bits : int
        Kept of each frame: the class that is due, and the label.
    technology : Technology
    """
    words = blocks_needed(frames * frame_words, word_bits, technology) if word_bits else 0
    return words + blocks_needed(frames, class_bits, technology)


def frames_that_fit(
    blocks: int, most: int, frame_words: int, word_bits: int, class_bits: int, technology: Technology
) -> int:
    """The most frames, up to ``most``, that so many block RAMs hold; parameters as :func:`store_blocks`."""
    return bisect_right(
        range(1, most + 1),
        blocks,
        key=lambda frames: store_blocks(frames, frame_words, word_bits, class_bits, technology),
    )
