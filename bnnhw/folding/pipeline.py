"""The pipelines of the units: how many cycles each part takes. Hardware and cycle model both read it here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from bnnhw.devices import Technology
from bnnhw.folding.counter import plan
from bnnhw.folding.flow import Link, Run, together
from bnnhw.folding.folded import LayerFolding
from bnnhw.ir import Dense, Output, narrowest

__all__ = ["ArgmaxPipeline", "MvuPipeline", "accumulator_shape", "argmax_pipeline", "mvu_pipeline"]


def accumulator_shape(low: int, high: int) -> tuple[int, bool]:
    """Width and signedness of the narrowest integer that holds ``low..high``."""
    return narrowest(low, high)


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
        Weighted sum of the popcounts of planes taken side by side.
    accumulate : int
        1, or 0 at SF = 1.
    threshold : int
        1 for the comparison, 2 with more than one threshold a neuron, 0 without an activation.
    multiplier : int
        Neurons a channel of a depthwise unit; 0 where every neuron sees every input.
    channel_folds : int
        Of a depthwise unit, the neuron folds of one channel, which share the channel's words: more than 1 where PE is
        less than ``multiplier``, otherwise each neuron fold has ``synapse_folds`` words of its own.
    serial : int
        Input planes taken one after another; 1 where they are taken side by side.
    """

    synapse_folds: int
    neuron_folds: int
    read: int
    count: int
    combine: int
    accumulate: int
    threshold: int
    multiplier: int = 0
    channel_folds: int = 1
    serial: int = 1

    @property
    def vector_folds(self) -> int:
        """Neuron folds that share the words of an input vector: NF, of a depthwise unit those of one channel."""
        return self.channel_folds if self.multiplier else self.neuron_folds

    @property
    def passes(self) -> int:
        """How often an input word is used: once for each serial plane of each neuron fold that shares it."""
        return self.vector_folds * self.serial

    @property
    def fold_cycles(self) -> int:
        """Cycles a neuron fold: SF times the serial planes."""
        return self.synapse_folds * self.serial

    @property
    def interval(self) -> int:
        """II: cycles a vector, ``SF * NF`` times the serial planes."""
        return self.fold_cycles * self.neuron_folds

    @property
    def weight_words(self) -> int:
        """Depth of the weights' memory, ``SF * NF``."""
        return self.synapse_folds * self.neuron_folds

    @property
    def shift_add(self) -> int:
        """1 for the sum over serial planes, 0 where there are none."""
        return int(self.serial > 1)

    @property
    def depth(self) -> int:
        """L: cycles from the issue of a neuron fold's last word to its result being offered; the queue is 1."""
        return self.read + self.count + self.combine + self.accumulate + self.shift_add + self.threshold + 1

    @property
    def latency(self) -> int:
        """Cycles from the first input word accepted to the last output word offered, never waiting: ``II + L``."""
        return self.interval + self.depth

    @property
    def credits(self) -> int:
        """Output words the queue holds, ``(L + 1) / fold_cycles`` rounded up: enough never to slow the unit down."""
        return -(-(self.depth + 1) // self.fold_cycles)

    @property
    def buffer_words(self) -> int:
        """Input words the replay buffer holds: two vectors, or two words where nothing is replayed."""
        return 2 if self.passes == 1 else 2 * self.synapse_folds

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """The cycles in which words move; ``frames`` counts vectors (of a depthwise unit: all channels of a position).

        A word is issued in the cycle after it was accepted or later, one a cycle, in order. The last word of a neuron
        fold waits for a place in the queue, and a word that is accepted for one in the buffer: either is known to be
        free in the cycle after it was given up.
        """
        sf, passes, serial = self.synapse_folds, self.passes, self.serial
        vectors = frames * self.neuron_folds // self.vector_folds
        ended: list[int] = []  # Cycle in which the last word of each neuron fold was issued.
        freed: list[int] = []  # Cycle in which each input word was issued for the last time.

        def issue() -> Run:
            cycle = -1
            for vector in range(vectors):
                for word in range(sf):
                    cycle = max((yield from source.taken_at(vector * sf + word)), cycle) + 1
                    if word == sf - 1 and serial == 1:
                        cycle = max(cycle, (yield from granted()))
                        ended.append(cycle)
                    if passes == 1:
                        freed.append(cycle)
                for number in range(1, passes):
                    first, cycle = cycle + 1, cycle + sf
                    if number % serial == serial - 1:
                        cycle = max(cycle, (yield from granted()))
                        ended.append(cycle)
                    if number == passes - 1:
                        # Nothing waits within a fold but its last word.
                        freed.extend(range(first, first + sf - 1))
                        freed.append(cycle)

        def granted() -> Generator[None, None, int]:
            """The first cycle in which the queue has a place for the next result."""
            word = len(ended) - self.credits
            return 0 if word < 0 else (yield from sink.taken_at(word)) + 1

        def accept() -> Run:
            for word in range(vectors * sf):
                place = word - self.buffer_words
                while place >= len(freed):
                    yield
                yield from source.take(0 if place < 0 else freed[place] + 1)

        # Issuing goes first: what it frees and ends, the others see in the same step.
        return together(issue(), accept(), _queue(sink, ended, frames * self.neuron_folds, self.depth))


def _queue(sink: Link, begun: list[int], words: int, depth: int) -> Run:
    """A pipeline's output queue: a word is offered ``depth`` cycles after it was begun, once those before are taken."""
    after = 0
    for word in range(words):
        while len(begun) <= word:
            yield
        sink.offer(max(begun[word] + depth, after))
        after = (yield from sink.taken_at(word)) + 1


def mvu_pipeline(layer: Dense, folding: LayerFolding, tech: Technology, multiplier: int = 0) -> MvuPipeline:
    """The pipeline of one layer's matrix-vector unit, depthwise with so many neurons a channel, or with 0 not."""
    serial = folding.serial_planes(layer)
    planes = len(layer.planes) // serial
    levels = 0 if layer.activation is None else layer.output.levels - 1
    sf = folding.synapse_folds(layer)
    # Serial planes are chosen between two registers, behind the buffer and in front of the popcounts.
    read = 3 if serial > 1 else 2 if folding.memory == "lut" or tech.block_register else 1
    return MvuPipeline(
        synapse_folds=sf,
        neuron_folds=folding.neuron_folds(layer),
        read=read,
        count=plan(folding.simd, tech).latency,
        combine=(planes - 1).bit_length() + (planes == 1 and layer.weights[0].coefficient != 1),
        accumulate=int(sf > 1),
        threshold=0 if levels == 0 else 1 if levels == 1 else 2,
        multiplier=multiplier,
        channel_folds=max(multiplier // folding.pe, 1),
        serial=serial,
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

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """The cycles in which words move: a frame's last word waits for a place in the queue, no other word does."""
        ended: list[int] = []

        def accept() -> Run:
            for frame in range(frames):
                for _ in range(self.words - 1):
                    yield from source.take(0)
                before = frame - self.credits
                ready = 0 if before < 0 else (yield from sink.taken_at(before)) + 1
                ended.append((yield from source.take(ready)))

        return together(accept(), _queue(sink, ended, frames, self.depth))


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
