"""The join of two branches: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bnnhw.dataflow.flow import Link, Run
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, sums
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import WordTiming
from bnnhw.ir import DataType

if TYPE_CHECKING:
    from bnnhw.units.add.rtl import Add

__all__ = ["AddTiming", "AddUnit"]


class AddTiming(WordTiming):
    """Cycles of :class:`~bnnhw.units.add.rtl.Add`; a pair counts as a word."""

    @property
    def depth(self) -> int:
        """Cycles from a pair accepted to its sum offered."""
        return 1

    def flow(self, first: Link, second: Link, sink: Link, frames: int) -> Run:
        """When words move: a pair together, once both are offered and the sum before is taken."""
        for word in range(frames * self.words):
            while min(len(first.offered), len(second.offered)) <= word:
                yield
            ready = max(first.offered[word], second.offered[word])
            if word:
                ready = max(ready, (yield from sink.taken_at(word - 1)))
            yield from first.take(ready)
            yield from second.take(ready)
            sink.offer(ready + 1)


@dataclass(frozen=True)
class AddUnit(Unit):
    """Adds two streams element by element.

    Parameters
    ----------
    first, second : DataType
        Of their elements.
    format : StreamFormat
        Of the first; the second has the same lanes and groups.
    """

    kind = "add"
    input_ports = ("first", "second")

    first: DataType
    second: DataType
    format: StreamFormat

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"lanes must be positive, not {self.lanes}")

    @property
    def lanes(self) -> int:
        """Elements per word."""
        return self.format.lanes

    @property
    def dtype(self) -> DataType:
        """Type of the sums: bipolar elements add as -1 and +1."""
        a, b = self.first, self.second
        return DataType.holding(a.minimum + b.minimum, a.maximum + b.maximum)

    @property
    def timing(self) -> AddTiming:
        return AddTiming(self.format.words)

    @property
    def inputs(self) -> tuple[StreamFormat, StreamFormat]:
        return (replace(self.format, bits=self.first.bits), replace(self.format, bits=self.second.bits))

    @property
    def outputs(self) -> tuple[StreamFormat]:
        return (replace(self.format, bits=self.dtype.bits),)

    def inventory(self) -> Inventory:
        bits = self.dtype.bits
        return Inventory({"add": 1, "register": self.lanes * bits}) + sums("add.sum", bits, self.lanes)

    def component(self) -> Add:
        from bnnhw.units.add.rtl import Add

        return Add(self)
