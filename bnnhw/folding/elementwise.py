"""The element-wise units: the cycles of their pipelines, and when each word moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnhw.folding.flow import Link, Run, together
from bnnhw.folding.pipeline import accumulator_shape
from bnnhw.folding.word_pipeline import WordPipeline
from bnnhw.ir import Affine, Quantize

__all__ = ["AffinePipeline", "ElementPipeline", "affine_pipeline", "are_shifts", "quantize_pipeline"]


@dataclass(frozen=True)
class ElementPipeline(WordPipeline):
    """Cycles of a pipeline that can't stop, with a queue behind it.

    Parameters
    ----------
    read : int
        From a word accepted to it being in front of the arithmetic, with its channels' constants beside it.
    compute : int
        The arithmetic.
    """

    read: int
    compute: int

    @property
    def depth(self) -> int:
        """L: cycles from a word accepted to its result offered; the queue is 1."""
        return self.read + self.compute + 1

    @property
    def credits(self) -> int:
        """Words the queue holds, ``L + 1``: enough never to slow the unit down."""
        return self.depth + 1

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move: a word is accepted while fewer than ``credits`` are accepted and not taken."""
        accepted: list[int] = []

        def enter() -> Run:
            for word in range(frames * self.words):
                ready = accepted[-1] + 1 if accepted else 0
                if word >= self.credits:
                    ready = max(ready, (yield from sink.taken_at(word - self.credits)) + 1)
                accepted.append((yield from source.take(ready)))

        def leave() -> Run:
            for word in range(frames * self.words):
                while len(accepted) <= word:
                    yield
                arrives = accepted[word] + self.depth
                if word:
                    arrives = max(arrives, (yield from sink.taken_at(word - 1)) + 1)
                sink.offer(arrives)

        yield from together(enter(), leave())


def _words(shape: tuple[int, int, int], lanes: int) -> tuple[int, int]:
    """Words a frame, and from a word accepted to its constants read: they are in a memory if there is a choice."""
    channels, height, width = shape
    folds = -(-channels // lanes)
    return height * width * folds, 1 if folds == 1 else 2


def quantize_pipeline(layer: Quantize, lanes: int) -> ElementPipeline:
    """The pipeline of a quantizer: 1 cycle for one threshold a channel, 2 for more."""
    words, read = _words(layer.shape, lanes)
    return ElementPipeline(words, read, 1 if layer.output.levels == 2 else 2)


@dataclass(frozen=True)
class AffinePipeline(ElementPipeline):
    """Cycles of ``multiplier * x + offset``, and of which kind it is.

    Parameters
    ----------
    shifts : bool
        Every multiplier is 0 or a power of two or minus one: the product is a choice of shifts. A negative one
        complements, and its offset has the 1 that two's complement wants.
    multiply, add : int
        Cycles of the product and of the sum; 0 where all multipliers are 1, all offsets 0.
    """

    shifts: bool
    multiply: int
    add: int


def are_shifts(layer: Affine) -> bool:
    """Whether every multiplier is 0 or, up to its sign, a power of two."""
    size = np.abs(layer.multiplier)
    return not (size & (size - 1)).any()


def affine_pipeline(layer: Affine, lanes: int) -> AffinePipeline:
    """The pipeline of an affine layer.

    A general multiplier of B bits is summed up from B partial products in ``ceil(log2 B)`` cycles.
    """
    words, read = _words(layer.shape, lanes)
    shifts = are_shifts(layer)
    if (layer.multiplier == 1).all():
        multiply = 0
    elif shifts:
        multiply = 1
    else:
        bits = accumulator_shape(int(layer.multiplier.min()), int(layer.multiplier.max()))[0]
        multiply = (bits - 1).bit_length()
    offset = layer.offset + (layer.multiplier < 0) if shifts else layer.offset
    add = int(offset.any())
    return AffinePipeline(words, read, multiply + add, shifts, multiply, add)
