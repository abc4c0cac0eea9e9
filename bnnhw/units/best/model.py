"""The output unit of networks that take a frame per cycle: its cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.dataflow.format import ResultFormat, StreamFormat
from bnnhw.dataflow.inventory import Inventory, queue
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming, StageTiming
from bnnhw.devices import Technology
from bnnhw.ir import Output
from bnnhw.ir.types import narrowest

if TYPE_CHECKING:
    from amaranth.hdl import Module, Signal, Value

    from bnnhw.units.best.rtl import Best

__all__ = ["BestUnit", "alike"]


def alike(output: Output) -> bool:
    """Whether the order of scores is that of the numbers they are made of: one multiplier above 0, one offset."""
    multiplier, offset = output.multiplier, output.offset
    return bool(np.all(multiplier == multiplier[0]) and np.all(offset == offset[0])) and int(multiplier[0]) > 0


def _index_bits(classes: int) -> int:
    """Bits of an index in which so many classes differ; a contender's classes begin at a multiple of a power of two."""
    return (classes - 1).bit_length()


@dataclass(frozen=True)
class BestUnit(Unit):
    """Finds the class whose number is the highest, and makes its score of it; of a single number by the score's sign.

    Parameters
    ----------
    output : Output
        Streamlined, with one multiplier above 0 and one offset for all classes.
    number_range : (int, int)
        The least and the greatest number that comes in.
    lanes : int
        Numbers per word, at least one for each class; the others are ignored.
    technology : Technology

    Raises
    ------
    ValueError
        The output is another one, or a frame is more than a word.
    """

    kind = "best"

    output: Output
    number_range: tuple[int, int]
    lanes: int
    technology: Technology

    def __post_init__(self) -> None:
        if self.output.steps or not alike(self.output):
            raise ValueError(
                f"layer {self.output.name} must be streamlined, with one multiplier above 0 and one offset"
            )
        if self.lanes < self.output.classes:
            raise ValueError(f"lanes must be all {self.output.classes} numbers of a frame, not {self.lanes}")

    @property
    def multiplier(self) -> int:
        """Of all scores."""
        return int(self.output.multiplier[0])

    @property
    def offset(self) -> int:
        """Of all scores."""
        return int(self.output.offset[0])

    @property
    def number_bits(self) -> int:
        """Width of a number."""
        return narrowest(*self.number_range)[0]

    @property
    def score_range(self) -> tuple[int, int]:
        """The least and the greatest score."""
        low, high = self.number_range
        return self.multiplier * low + self.offset, self.multiplier * high + self.offset

    @property
    def inputs(self) -> tuple[StreamFormat]:
        classes = self.output.classes
        return (StreamFormat(self.lanes, self.number_bits, classes, classes),)

    @property
    def outputs(self) -> tuple[ResultFormat]:
        return (ResultFormat((self.output.labels - 1).bit_length(), *narrowest(*self.score_range)),)

    @property
    def rounds(self) -> int:
        """Comparisons one behind the other."""
        return (self.output.classes - 1).bit_length()

    @property
    def split(self) -> bool:
        """Whether a round is two stages: which of a pair is higher, then the choice."""
        return self.technology.quick_levels == 1

    @property
    def stages(self) -> int:
        """Registers from a word accepted to its result: the numbers, each round, the score where it differs."""
        return 1 + self.rounds * (1 + self.split) + ((self.multiplier, self.offset) != (1, 0))

    @property
    def timing(self) -> StageTiming | ElementTiming:
        """It stands still as a whole where enables have global nets, and else runs free into a queue."""
        if self.technology.enable_reach is None:
            return StageTiming(1, self.stages)
        return ElementTiming(1, 0, self.stages)

    def datapath_inventory(self) -> Inventory:
        bits, result = self.number_bits, self.outputs[0].width
        # How many classes each contender may be of.
        sizes = [1] * self.output.classes
        compared = choices = waiting = 0
        for _ in range(self.rounds):
            pairs, known = len(sizes) // 2, sum(_index_bits(size) for size in sizes)
            sizes = [sum(sizes[first : first + 2]) for first in range(0, len(sizes), 2)]
            # A comparison and a choice of numbers for each pair; who has no partner waits.
            chosen = [_index_bits(size) for size in sizes]
            compared += pairs
            choices += pairs * bits + sum(chosen[:pairs])
            waiting += (len(sizes) - pairs) * bits + sum(chosen[pairs:])
            if self.split:
                waiting += (2 * pairs + (len(sizes) - pairs)) * bits + known + pairs
        found = Inventory(
            {
                "best.pair": compared,
                "best.pair.bit": compared * bits,
                "best.choice": choices,
                "register": choices,
                "alone": waiting + self.output.classes * bits,
            }
        )
        if (self.multiplier, self.offset) != (1, 0):
            found += Inventory(
                {
                    "best.score": self.outputs[0].score_bits,
                    "register": self.outputs[0].score_bits,
                    "alone": result - self.outputs[0].score_bits,
                }
            )
        return found

    def inventory(self) -> Inventory:
        own = self.datapath_inventory() + Inventory({"handshake": 1, "register": self.stages})
        timing = self.timing
        if isinstance(timing, ElementTiming):
            return own + queue(timing.credits, self.outputs[0].width, unary=self.technology.unary_control)
        return own

    @property
    def straight(self) -> int:
        return self.stages

    def datapath(self, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
        from bnnhw.units.best.rtl import datapath

        return datapath(self, m, platform, word)

    def component(self) -> Best:
        from bnnhw.units.best.rtl import Best

        return Best(self)
