"""The pipelines of the units: how many cycles each part takes. Hardware and cycle model both read it here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnhw.folding.counter import Technology, plan
from bnnhw.folding.folded import LayerFolding
from bnnhw.ir import Dense, Output

__all__ = ["ArgmaxPipeline", "MvuPipeline", "accumulator_shape", "argmax_pipeline", "mvu_pipeline"]


def accumulator_shape(low: int, high: int) -> tuple[int, bool]:
    """Width and signedness of the narrowest integer that holds ``low..high``."""
    if low < 0:
        return max((-low - 1).bit_length(), high.bit_length()) + 1, True
    return max(high.bit_length(), 1), False


@dataclass(frozen=True)
class MvuPipeline:
    """Cycles of each part, and where they add up to.

    Parameters
    ----------
    synapse_folds, neuron_folds : int
        SF and NF.
    read : int
        From the address of weights and inputs to both being in front of the popcount.
    count : int
        Popcount.
    combine : int
        Weighted sum of the planes' popcounts.
    accumulate : int
        1, or 0 at SF = 1.
    threshold : int
        1 for the comparison, 2 with more than one threshold a neuron, 0 without an activation.
    """

    synapse_folds: int
    neuron_folds: int
    read: int
    count: int
    combine: int
    accumulate: int
    threshold: int

    @property
    def interval(self) -> int:
        """II: cycles a vector, ``SF * NF``."""
        return self.synapse_folds * self.neuron_folds

    @property
    def depth(self) -> int:
        """L: cycles from the issue of a neuron fold's last word to its result being offered; the queue is 1."""
        return self.read + self.count + self.combine + self.accumulate + self.threshold + 1

    @property
    def latency(self) -> int:
        """Cycles from the first input word accepted to the last output word offered, never waiting: ``SF * NF + L``."""
        return self.interval + self.depth

    @property
    def credits(self) -> int:
        """Output words the queue holds, ``ceil((L + 1) / SF)``: enough never to slow the unit down."""
        return -(-(self.depth + 1) // self.synapse_folds)

    @property
    def buffer_words(self) -> int:
        """Input words the replay buffer holds: two vectors, or two words where nothing is replayed (NF = 1)."""
        return 2 if self.neuron_folds == 1 else 2 * self.synapse_folds


def mvu_pipeline(layer: Dense, folding: LayerFolding, tech: Technology) -> MvuPipeline:
    """The pipeline of one layer's matrix-vector unit."""
    planes = len(layer.planes)
    levels = 0 if layer.output is None else layer.output.levels - 1
    sf = folding.synapse_folds(layer)
    return MvuPipeline(
        synapse_folds=sf,
        neuron_folds=folding.neuron_folds(layer),
        read=2 if folding.memory == "lut" or tech.block_register else 1,
        count=plan(folding.simd, tech).latency,
        combine=(planes - 1).bit_length() + (planes == 1 and layer.planes[0][0] != 1),
        accumulate=int(sf > 1),
        threshold=0 if levels == 0 else 1 if levels == 1 else 2,
    )


@dataclass(frozen=True)
class ArgmaxPipeline:
    """Cycles of the output stage: scores of ``lanes`` classes a word, ``words`` words a frame.

    Parameters
    ----------
    lanes, words : int
    multiply, add : int
        1 where the output has multipliers other than 1, offsets other than 0.
    score_range : tuple of int
        Least and greatest score of any class.
    """

    lanes: int
    words: int
    multiply: int
    add: int
    score_range: tuple[int, int]

    @property
    def depth(self) -> int:
        """Cycles from the last word accepted to the result offered: capture, affine, tree, running best, queue."""
        return 1 + self.multiply + self.add + (self.lanes - 1).bit_length() + 1 + 1

    @property
    def interval(self) -> int:
        """II: cycles a frame."""
        return self.words

    @property
    def latency(self) -> int:
        """Cycles from the first word accepted to the result offered, never waiting."""
        return self.words - 1 + self.depth

    @property
    def credits(self) -> int:
        """Results the queue holds."""
        return -(-(self.depth + 1) // self.words)


def argmax_pipeline(output: Output, layer: Dense, folding: LayerFolding) -> ArgmaxPipeline:
    """The pipeline of a network's output; ``layer`` and its folding are the matrix layer before it."""
    low, high = layer.accumulator_range
    ends = np.concatenate([output.multiplier * low + output.offset, output.multiplier * high + output.offset])
    return ArgmaxPipeline(
        lanes=folding.pe,
        words=folding.neuron_folds(layer),
        multiply=int((output.multiplier != 1).any()),
        add=int((output.offset != 0).any()),
        score_range=(int(ends.min()), int(ends.max())),
    )
