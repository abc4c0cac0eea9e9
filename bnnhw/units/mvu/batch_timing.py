"""The exact cycles of a matrix-vector unit in which several vectors share a weight word."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from bnnhw.dataflow.flow import Link, Run, output_queue, together
from bnnhw.units.mvu.timing import MvuTiming

__all__ = ["BEHIND", "BatchTiming"]

BEHIND = 4
"""Words that wait behind the queues of all lanes: those read in the cycles that one takes from there to being taken."""


@dataclass(frozen=True)
class BatchTiming(MvuTiming):
    """Cycles of each part, and where they add up to; a round takes a batch of 1 to M vectors.

    The rule of batches: a round begins in the cycle after the last one ended, or as soon as a whole vector is there. It
    takes the vectors of which the last word was accepted in an earlier cycle, M at most, in their order. Vector ``v``
    has lane ``v % M``, whatever batch it is in.

    Parameters
    ----------
    vectors : int
        M.
    """

    vectors: int = 2

    @property
    def round_cycles(self) -> int:
        """Cycles of a round, ``SF * NF`` times the bit-serial planes."""
        return self.fold_cycles * self.neuron_folds

    @property
    def interval(self) -> int:
        """II: cycles per vector where M are always there, rounded up; M vectors take exactly those of a round."""
        return -(-self.round_cycles // self.vectors)

    @property
    def depth(self) -> int:
        """L: cycles from the issue of a neuron fold's last word to its result being offered; the queue is 4."""
        return super().depth + BEHIND - 1

    @property
    def latency(self) -> int:
        """Cycles from the first word of a lone vector accepted to its last one offered: ``SF - 1 + SF * NF + L``."""
        return self.synapse_folds - 1 + self.round_cycles + self.depth

    @property
    def credits(self) -> int:
        """Output words that each lane's queue holds.

        Enough never to slow the unit down: a vector's, and those of the next batch that end while the last lane's wait
        for those of all others to leave.
        """
        waiting = self.depth + (self.vectors - 2) * self.neuron_folds
        return self.neuron_folds - (-waiting // self.fold_cycles) + 1

    @property
    def buffer_words(self) -> int:
        """Input words the replay buffers hold: two vectors in each of M banks."""
        return 2 * self.vectors * self.synapse_folds

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """The cycles in which words move; ``frames`` counts vectors.

        The last word of each neuron fold waits until every lane's queue has a place; a vector's words for the place of
        the one 2 M before, which a batch gives up as a whole when its round ends.
        """
        sf, nf, most = self.synapse_folds, self.neuron_folds, self.vectors
        ended: list[list[int]] = []  # By vector: the cycle in which the last word of each neuron fold was issued.
        freed: list[int] = []  # By vector: the cycle in which the round ended.
        begun = [0] * most  # By lane: results begun.
        moved: list[int] = []  # By word: the cycle in which it left its queue.

        def issue() -> Run:
            cycle, first = 0, 0
            while first < frames:
                # The first cycle of the round.
                cycle = max(cycle, (yield from source.taken_at(first * sf + sf - 1)) + 1)
                count = 1
                while count < min(most, frames - first):
                    if not (yield from source.taken_before((first + count) * sf + sf - 1, cycle)):
                        break
                    count += 1
                batch = range(first, first + count)
                ended.extend([] for _ in batch)
                for _ in range(nf):
                    cycle = max(cycle + self.fold_cycles - 1, (yield from granted()))
                    for vector in batch:
                        ended[vector].append(cycle)
                        begun[vector % most] += 1
                    cycle += 1
                freed.extend([cycle - 1] * count)
                first += count

        def granted() -> Generator[None, None, int]:
            """The first cycle in which the queue of every lane has a place for its next result."""
            cycle = 0
            for lane, results in enumerate(begun):
                # A place is free again in the cycle after its word has left.
                if results >= self.credits:
                    turn, fold = divmod(results - self.credits, nf)
                    cycle = max(cycle, (yield from left((turn * most + lane) * nf + fold)) + 1)
            return cycle

        def left(word: int) -> Generator[None, None, int]:
            """The cycle in which a word leaves its queue: of those before it, three at most still wait to be taken."""
            while len(moved) <= word:
                vector, fold = divmod(len(moved), nf)
                cycle = ended[vector][fold] + self.depth - (BEHIND - 1)
                if moved:
                    cycle = max(cycle, moved[-1] + 1)
                if len(moved) >= BEHIND:
                    cycle = max(cycle, (yield from sink.taken_at(len(moved) - BEHIND)) + 1)
                moved.append(cycle)
            return moved[word]

        def accept() -> Run:
            for vector in range(frames):
                place = vector - 2 * most
                while place >= len(freed):
                    yield
                for _ in range(sf):
                    yield from source.take(0 if place < 0 else freed[place] + 1)

        def give() -> Run:
            """Words in the order of their vectors."""
            order: list[int] = []
            queue = output_queue(sink, order, frames * nf, self.depth)
            waiting = True
            while waiting:
                while len(order) < frames * nf:
                    vector, fold = divmod(len(order), nf)
                    if vector >= len(ended) or fold >= len(ended[vector]):
                        break
                    order.append(ended[vector][fold])
                waiting = next(queue, order) is not order
                if waiting:
                    yield

        return together(issue(), accept(), give())
