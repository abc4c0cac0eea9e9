"""What passes at the ends of an accelerator."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.dataflow.format import ResultFormat
from bnnhw.dataflow.graph import Graph

__all__ = ["Frame"]


@dataclass(frozen=True)
class Frame:
    """A frame in the words of an accelerator's streams.

    Parameters
    ----------
    elements, element_bits : int
        Of a frame; its elements come without gaps.
    word_bits, words : int
        Of the input stream: bits per word, words per frame.
    index_bits, score_bits : int
        Of the result, one word per frame; the index has the least significant bits.
    score_signed : bool
    scores : int
        Scores of all classes above that: how many.
    """

    elements: int
    element_bits: int
    word_bits: int
    words: int
    index_bits: int
    score_bits: int
    score_signed: bool
    scores: int = 0

    @classmethod
    def of(cls, graph: Graph) -> Frame:
        """That of a graph."""
        form, result = graph.input, graph.result
        return cls(
            form.frame,
            form.bits,
            form.width,
            form.words,
            result.index_bits,
            result.score_bits,
            result.score_signed,
            result.scores,
        )

    @property
    def bits(self) -> int:
        """Bits of a frame."""
        return self.elements * self.element_bits

    @property
    def result(self) -> ResultFormat:
        """The word of a result."""
        return ResultFormat(self.index_bits, self.score_bits, self.score_signed, self.scores)
