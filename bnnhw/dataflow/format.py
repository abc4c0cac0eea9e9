"""How what passes on a stream lies in its words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Coding", "ResultFormat", "StreamFormat"]


@dataclass(frozen=True)
class Coding:
    """How numbers stand for others: ``number = step * code + offset``.

    Parameters
    ----------
    step : int
        Above 0.
    offset : int
    low, high : int
        The least and the greatest code, not negative.
    """

    step: int
    offset: int
    low: int
    high: int

    @property
    def bits(self) -> int:
        """Of a code, unsigned."""
        return max(self.high.bit_length(), 1)


@dataclass(frozen=True)
class StreamFormat:
    """The layout of a stream of elements: groups of them, each in whole words.

    A group takes ``ceil(group / lanes)`` words; lane ``l`` of word ``w`` is its element ``w * lanes + l``, in bits
    ``[l * bits, (l + 1) * bits)``. Lanes past the group are undefined.

    Parameters
    ----------
    lanes, bits : int
        Elements per word, bits per element.
    group : int
        Elements: the channels of a position, or a vector.
    frame : int
        Elements per frame.
    """

    lanes: int
    bits: int
    group: int
    frame: int

    @property
    def width(self) -> int:
        """Bits per word."""
        return self.lanes * self.bits

    @property
    def groups(self) -> int:
        """Groups per frame."""
        return self.frame // self.group

    @property
    def group_words(self) -> int:
        """Words per group."""
        return -(-self.group // self.lanes)

    @property
    def words(self) -> int:
        """Words per frame."""
        return self.groups * self.group_words

    @property
    def gapless(self) -> bool:
        """Whether no group ends within a word, so that groups may be joined to larger ones."""
        return self.group % self.lanes == 0

    @classmethod
    def whole_words(cls, lanes: int, bits: int, words: int) -> StreamFormat:
        """A stream of so many words per frame, undefined lanes counted as elements."""
        return cls(lanes, bits, lanes, words * lanes)


@dataclass(frozen=True)
class ResultFormat:
    """The layout of a network's results, one word per frame: the class, above it its score, and all scores if wanted.

    Parameters
    ----------
    index_bits : int
        Of the class, unsigned.
    score_bits : int
    score_signed : bool
        Whether scores are two's complement.
    scores : int
        How many more there are above it, one for each class: 0, or as many as classes.
    """

    index_bits: int
    score_bits: int
    score_signed: bool
    scores: int = 0

    @property
    def fields(self) -> tuple[tuple[str, int, bool], ...]:
        """Name, bits and signedness of each number in a word, the least significant first."""
        names = ("score", *(f"score_{number}" for number in range(self.scores)))
        return ("index", self.index_bits, False), *((name, self.score_bits, self.score_signed) for name in names)

    @property
    def width(self) -> int:
        """Bits per word."""
        return sum(bits for _, bits, _ in self.fields)

    @property
    def words(self) -> int:
        """Words per frame."""
        return 1
