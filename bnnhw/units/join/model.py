"""The unit that joins two branches: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bnnhw.dataflow.flow import Link, Run
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, counter
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import WordTiming
from bnnhw.ir import DataType

if TYPE_CHECKING:
    from bnnhw.units.join.rtl import Join

__all__ = ["JoinTiming", "JoinUnit"]


@dataclass(frozen=True)
class JoinTiming(WordTiming):
    """Cycles of :class:`~bnnhw.units.join.rtl.Join`.

    Parameters
    ----------
    words : int
        Words per frame, of both streams.
    first, second : int
        Words that are taken of a stream before it is the other's turn.
    """

    first: int
    second: int

    @property
    def depth(self) -> int:
        """Cycles from a word accepted to it being offered."""
        return 1

    def flow(self, first: Link, second: Link, sink: Link, frames: int) -> Run:
        """When words move: those of each stream in its turn, once the word before is taken."""
        turn = self.first + self.second
        for word in range(frames * self.words):
            ready = (yield from sink.taken_at(word - 1)) if word else 0
            cycle = yield from (first if word % turn < self.first else second).take(ready)
            sink.offer(cycle + 1)


@dataclass(frozen=True)
class JoinUnit(Unit):
    """Joins two streams: a group of the first, then a group of the second.

    Parameters
    ----------
    first, second : DataType
        Of their elements.
    one, two : StreamFormat
        Of as many lanes, without gaps, and with as many groups.
    dtype : DataType
        Of the elements that it gives: holds the numbers of both.
    """

    kind = "join"
    input_ports = ("first", "second")

    first: DataType
    second: DataType
    one: StreamFormat
    two: StreamFormat
    dtype: DataType

    def __post_init__(self) -> None:
        if self.one.lanes != self.two.lanes:
            raise ValueError(f"streams must have the same lanes, not {self.one.lanes} and {self.two.lanes}")
        if self.one.groups != self.two.groups:
            raise ValueError(f"streams must have the same groups, not {self.one.groups} and {self.two.groups}")
        if not (self.one.gapless and self.two.gapless):
            raise ValueError(f"groups of {self.one.group} and {self.two.group} must be multiples of {self.lanes} lanes")

    @property
    def lanes(self) -> int:
        """Elements per word."""
        return self.one.lanes

    @property
    def timing(self) -> JoinTiming:
        return JoinTiming(self.one.words + self.two.words, self.one.group_words, self.two.group_words)

    @property
    def inputs(self) -> tuple[StreamFormat, StreamFormat]:
        return (replace(self.one, bits=self.first.bits), replace(self.two, bits=self.second.bits))

    @property
    def outputs(self) -> tuple[StreamFormat]:
        group, frame = self.one.group + self.two.group, self.one.frame + self.two.frame
        return (StreamFormat(self.lanes, self.dtype.bits, group, frame),)

    def inventory(self) -> Inventory:
        # A choice per bit where the second has one, and what a bipolar element takes to be a number.
        bits, size = self.lanes * self.dtype.bits, self.timing.first + self.timing.second
        return Inventory({"join": 1, "join.bit": bits}) + counter("join.count", size)

    def component(self) -> Join:
        from bnnhw.units.join.rtl import Join

        return Join(self)
