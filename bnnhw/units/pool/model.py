"""The pooling unit: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.dataflow.flow import Link, Run
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, counter, mask_inventory, sums
from bnnhw.dataflow.unit import Unit
from bnnhw.ir import MaxPool, SumPool

if TYPE_CHECKING:
    from bnnhw.units.pool.rtl import PoolReduce

__all__ = ["PoolTiming", "PoolUnit"]


@dataclass(frozen=True)
class PoolTiming:
    """Cycles of :class:`~bnnhw.units.pool.rtl.PoolReduce`.

    Parameters
    ----------
    area : int
        Words in that make a word out.
    words_out : int
        Words out per frame.
    """

    area: int
    words_out: int

    @property
    def words_in(self) -> int:
        """Words in per frame."""
        return self.area * self.words_out

    @property
    def interval(self) -> int:
        """II: cycles per frame, one for each word in."""
        return self.words_in

    @property
    def depth(self) -> int:
        """Cycles from the last of a word's taps accepted to the word offered."""
        return 1

    @property
    def latency(self) -> int:
        """Cycles from a frame's first word accepted to its last word offered, never waiting."""
        return self.words_in - 1 + self.depth

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move. All taps but a word's last are always accepted.

        A word's last tap waits until the word before has left the output register; with a single tap it may follow in
        the cycle in which that is taken, with more of them there is time to wait for the register to be empty.
        """
        cycle = -1
        for word in range(frames * self.words_out):
            for _ in range(self.area - 1):
                cycle = yield from source.take(cycle + 1)
            ready = cycle + 1
            if word:
                ready = max(ready, (yield from sink.taken_at(word - 1)) + (self.area > 1))
            cycle = yield from source.take(ready)
            sink.offer(cycle + 1)


@dataclass(frozen=True)
class PoolUnit(Unit):
    """Reduces the taps of a window, which a window unit gives channel word by channel word.

    Parameters
    ----------
    layer : MaxPool or SumPool
    lanes : int
        Elements per word.
    """

    kind = "pool"

    layer: MaxPool | SumPool
    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"lanes must be positive, not {self.lanes}")

    @property
    def sums(self) -> bool:
        """Whether taps are added up; otherwise the greatest counts."""
        return isinstance(self.layer, SumPool)

    @property
    def padding_code(self) -> int:
        """The code that the window unit in front must pad with.

        For a maximum the least code, which never wins, because no window lies wholly in the padding; channels that
        take the minimum are complemented in front of the window unit, where theirs are maxima too. For a sum, 0.
        """
        return 0 if self.sums else int(self.layer.input.codes(np.array(0)))

    @cached_property
    def timing(self) -> PoolTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        window = self.layer.window
        return PoolTiming(window.area, window.positions * -(-window.channels // self.lanes))

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (StreamFormat.whole_words(self.lanes, self.layer.input.bits, self.timing.words_in),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        window = self.layer.window
        channels = window.channels
        return (StreamFormat(self.lanes, self.layer.output.bits, channels, window.positions * channels),)

    def inventory(self) -> Inventory:
        layer, lanes, bits = self.layer, self.lanes, self.layer.output.bits
        kind = "pool.sum" if self.sums else "pool.or" if bits == 1 else "pool.max"
        if self.timing.area == 1:
            kind = "pool.single"
        found = Inventory({"pool": 1, "pool.register": lanes * bits})
        found += sums(kind, bits, lanes) if kind in ("pool.sum", "pool.max") else Inventory({kind: lanes * bits})
        if isinstance(layer, MaxPool):
            found += mask_inventory(layer.minimum, lanes)
        return found + counter("pool.tap", self.timing.area)

    def component(self) -> PoolReduce:
        from bnnhw.units.pool.rtl import PoolReduce

        return PoolReduce(self)
