"""What is proved of the queue between branches: words come out once each, in order, as they went in."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.buffer.rtl import StreamBuffer

__all__ = ["BufferContract"]


class BufferContract(StreamContract):
    """The contract of :class:`~bnnhw.units.buffer.rtl.StreamBuffer` with a memory (without one it is a queue of
    registers); a frame is a word.

    - ``count``: never more than ``depth`` words are held.
    - ``accept``: a word is accepted whenever the memory behind the head has room.
    - ``serve``: a word is offered whenever one is held that was accepted two cycles ago or before.
    """

    def __init__(self, unit: StreamBuffer) -> None:
        self._depth = unit.model.depth
        if not unit.model.timing.in_memory:
            raise ValueError(f"depth must be at least 3, not {self._depth}")
        super().__init__(unit, 1, 1, capacity=self._depth, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        return way.payload == Capture(m, way, traffic.entering["input"], 1).words[0]

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        recent = Signal()
        m.d.sync += recent.eq(traffic.enter)
        return way.watch.inside != recent

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        way = traffic.way
        return traffic.input.ready == (way.watch.inside - way.output.valid != self._depth - 1)

    def full(self, m: Module, traffic: Traffic) -> Value:
        return traffic.way.watch.inside == self._depth
