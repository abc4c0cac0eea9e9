"""The output unit: scores, and the class with the highest; its cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.dataflow.flow import Link, Run, output_queue, together
from bnnhw.dataflow.format import ResultFormat, StreamFormat
from bnnhw.dataflow.inventory import Inventory, counter, queue, rom, sums
from bnnhw.dataflow.unit import Unit
from bnnhw.ir import Output
from bnnhw.ir.types import narrowest

if TYPE_CHECKING:
    from bnnhw.units.argmax.rtl import Argmax

__all__ = ["ArgmaxTiming", "ArgmaxUnit"]


@dataclass(frozen=True)
class ArgmaxTiming:
    """Cycles of the output unit: scores of ``lanes`` classes per word, ``words`` words per frame.

    Parameters
    ----------
    lanes, words : int
    multiply, add : int
        1 where the output has multipliers other than 1, offsets other than 0.
    """

    lanes: int
    words: int
    multiply: int
    add: int

    @property
    def depth(self) -> int:
        """Cycles from the last word accepted to the result offered: capture, affine, tree, running best, queue."""
        return 1 + self.multiply + self.add + (self.lanes - 1).bit_length() + 1 + 1

    @property
    def interval(self) -> int:
        """II: cycles per frame."""
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

        return together(accept(), output_queue(sink, ended, frames, self.depth))


@dataclass(frozen=True)
class ArgmaxUnit(Unit):
    """Turns accumulators into scores, and finds the class with the highest; of a single score by its sign.

    Parameters
    ----------
    output : Output
        Streamlined.
    accumulator_range : (int, int)
        The least and the greatest number that the layer before it emits.
    lanes : int
        Classes per word.
    scores : bool
        Whether results have the scores of all classes too.
    every_cycle : bool
        Whether a frame is one word and may come in every cycle: no word is compared with an earlier one.

    Raises
    ------
    ValueError
        The output must be streamlined, and a frame one word if it is to come in every cycle.
    """

    kind = "argmax"

    output: Output
    accumulator_range: tuple[int, int]
    lanes: int
    scores: bool = False
    every_cycle: bool = False

    def __post_init__(self) -> None:
        if self.output.steps:
            raise ValueError(f"layer {self.output.name} must be streamlined")
        if self.every_cycle and self.lanes < self.output.classes:
            raise ValueError(f"lanes must be all {self.output.classes} scores for a frame per cycle, not {self.lanes}")

    @property
    def inputs(self) -> tuple[StreamFormat]:
        classes = self.output.classes
        return (StreamFormat(self.lanes, self.accumulator_bits, classes, classes),)

    @property
    def outputs(self) -> tuple[ResultFormat]:
        bits, signed = narrowest(*self.score_range)
        index = (self.output.labels - 1).bit_length()
        return (ResultFormat(index, bits, signed, self.output.classes if self.scores else 0),)

    @property
    def accumulator_bits(self) -> int:
        """Width of an accumulator."""
        return narrowest(*self.accumulator_range)[0]

    @cached_property
    def score_range(self) -> tuple[int, int]:
        """The least and the greatest score of any class."""
        low, high = self.accumulator_range
        multiplier, offset = self.output.multiplier, self.output.offset
        ends = np.concatenate([multiplier * low + offset, multiplier * high + offset])
        return int(ends.min()), int(ends.max())

    @cached_property
    def timing(self) -> ArgmaxTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        return ArgmaxTiming(
            lanes=self.lanes,
            words=-(-self.output.classes // self.lanes),
            multiply=int((self.output.multiplier != 1).any()),
            add=int((self.output.offset != 0).any()),
        )

    def inventory(self) -> Inventory:
        t, output = self.timing, self.output
        width, score = self.accumulator_bits, self.outputs[0].score_bits
        lanes, index = t.lanes, self.outputs[0].index_bits
        pairs, base = lanes - 1, (t.words * lanes - 1).bit_length()
        steps = 1 + t.multiply + t.add + pairs.bit_length()
        # Lanes that wait for the next round of the tree, none of an even number.
        odd, left = 0, lanes
        while left > 1:
            odd, left = odd + left % 2, -(-left // 2)
        found = Inventory(
            {
                "argmax": 1,
                "alone": lanes * width + odd * score,
                "argmax.step": steps,
                "argmax.step.bit": steps * base,
                "argmax.choice": pairs * score,
                "argmax.index": pairs * max(lanes - 1, 1).bit_length(),
                "argmax.best": (t.words > 1) * score,
                "argmax.single": score * (t.words == 1),
                "argmax.best.index": index,
            }
        )
        found += sums("argmax.pair", score, pairs) + sums("argmax.last", score, 1)
        found += counter("argmax.word", t.words) + queue(
            t.credits, self.outputs[0].width - output.classes * score * self.scores
        )
        if t.multiply:
            most = int(np.abs(output.multiplier).max()).bit_length()
            kind = "argmax.product" if t.words > 1 else "argmax.product.constant"
            found += Inventory({kind: lanes * width * most, "argmax.multiplied": lanes * score})
            found += rom("table", t.words, lanes * most)
        if t.add:
            kind = "argmax.sum" if t.words > 1 else "argmax.sum.constant"
            found += (
                sums(kind, score, lanes) + Inventory({"register": lanes * score}) + rom("table", t.words, lanes * score)
            )
        if self.scores:
            found += queue(t.credits, score * output.classes, credited=False)
            found += Inventory({"argmax.earlier": (t.words - 1) * lanes * score})
        return found

    def component(self) -> Argmax:
        from bnnhw.units.argmax.rtl import Argmax

        return Argmax(self)
