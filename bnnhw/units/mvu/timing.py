"""The exact cycles of the matrix-vector unit."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from bnnhw.dataflow.flow import Link, Run, output_queue, together

__all__ = ["MvuTiming"]


@dataclass(frozen=True)
class MvuTiming:
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
        1 for the comparison, 2 with more than one threshold per neuron, 0 without an activation.
    multiplier : int
        Neurons per channel of a depthwise unit; 0 where every neuron sees every input.
    channel_folds : int
        In a depthwise unit, the neuron folds of one channel, which share the channel's words: more than 1 where PE is
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
        """Neuron folds that share the words of an input vector: NF, in a depthwise unit those of one channel."""
        return self.channel_folds if self.multiplier else self.neuron_folds

    @property
    def passes(self) -> int:
        """How often an input word is used: once for each serial plane of each neuron fold that shares it."""
        return self.vector_folds * self.serial

    @property
    def fold_cycles(self) -> int:
        """Cycles per neuron fold: SF times the bit-serial planes."""
        return self.synapse_folds * self.serial

    @property
    def interval(self) -> int:
        """II: cycles per vector, ``SF * NF`` times the bit-serial planes."""
        return self.fold_cycles * self.neuron_folds

    @property
    def weight_words(self) -> int:
        """Depth of the weights' memory, ``SF * NF``."""
        return self.synapse_folds * self.neuron_folds

    @property
    def sums(self) -> bool:
        """Whether processing elements hold a sum from word to word, of words or of bit-serial planes."""
        return bool(self.accumulate) or self.serial > 1

    @property
    def shift_add(self) -> int:
        """1 for the sum over bit-serial planes, 0 where there are none."""
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
        """The cycles in which words move; ``frames`` counts vectors (in a depthwise unit: all channels of a position).

        A word is issued in the cycle after it was accepted or later, one per cycle, in order. The last word of a neuron
        fold waits for a place in the queue, and a word that is accepted for one in the buffer: either is known to be
        free in the cycle after it was given up.
        """
        sf, passes, serial, most = self.synapse_folds, self.passes, self.serial, self.credits
        given, accepted, left = source.given, source.taken, sink.taken
        vectors = frames * self.neuron_folds // self.vector_folds
        ended: list[int] = []  # Cycle in which the last word of each neuron fold was issued.
        freed: list[int] = []  # Cycle in which each input word was issued for the last time.

        def issue() -> Run:
            cycle = -1
            for vector in range(vectors):
                for word in range(sf):
                    while len(accepted) <= vector * sf + word:
                        yield
                    cycle = max(accepted[vector * sf + word], cycle) + 1
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
            word = len(ended) - most
            while word >= len(left):
                yield
            return 0 if word < 0 else left[word] + 1

        def accept() -> Run:
            size = self.buffer_words
            for word in range(vectors * sf):
                place = word - size
                while place >= len(freed) or len(given) <= word:
                    yield
                source.accept(0 if place < 0 else freed[place] + 1)

        # Issuing goes first: what it frees and ends, the others see in the same step.
        return together(issue(), accept(), output_queue(sink, ended, frames * self.neuron_folds, self.depth))
