"""What is proved of fork, queue and join around a body: they never wait for ever."""

from __future__ import annotations

from amaranth.hdl import Module, Value

from bnnhw.rtl.contract import FrameWatch, Rules, waits
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from rtl_tests.residual.fork_join import ForkJoin

__all__ = ["ForkJoinContract"]


class ForkJoinContract(StreamContract):
    """The contract of a residual connection (:class:`~rtl_tests.residual.fork_join.ForkJoin`); a frame is a word.

    - ``result``: every sum is of two copies of one word.
    - ``count``: no more words are inside than there are places.
    - ``accept``: while sums are taken, a word is accepted within ``swallowed + 6`` cycles.
    - ``serve``: while words keep coming, or a whole frame is inside, and sums are taken, one is offered within
      ``swallowed + 6`` cycles: body and queue are filled with one word per cycle, and the rest is the depth of the
      units. So it never waits for ever.
    """

    registered = False
    covers = ("followed", "full", "waiting")

    def __init__(self, unit: ForkJoin) -> None:
        self._unit = unit
        # The producer's word, those of the queue, the sum.
        super().__init__(unit, 1, 1, capacity=unit.depth + 2, patience=unit.swallowed + 6)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        return way.payload == 2 * Capture(m, way, traffic.entering["input"], 1).words[0]

    def owed(self, m: Module, traffic: Traffic, way: Way, there: Value) -> Value:
        words = self._unit.words
        m.submodules.frames = frames = FrameWatch(words, words, self._unit.depth + 2)
        m.d.comb += [frames.enter.eq(traffic.enter), frames.leave.eq(way.leave)]
        return (traffic.input.valid | frames.complete) & way.output.ready

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        checker = Module()
        m.submodules.input_checker = checker
        waiting = traffic.input.valid & ~traffic.input.ready & traffic.way.output.ready
        return waits(checker, waiting, self._unit.swallowed + 6)

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        rules.cover("waiting", self._unit.fork_waits)
