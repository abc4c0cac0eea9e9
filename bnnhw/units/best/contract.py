"""What is proved of the output unit of a frame per cycle: the lowest index of the highest number, and its score."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value

from bnnhw.dataflow.word_timing import ElementTiming, StageTiming
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.shapes import integer_shape
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.best.rtl import Best

__all__ = ["BestContract"]


class BestContract(StreamContract):
    """The contract of :class:`~bnnhw.units.best.rtl.Best`; a frame is a word.

    - ``result``: every word is the lowest index of its frame's highest number, and the score made of that; of one
      number whether its score is not negative, and the score.
    - ``count``: never more words are inside than there are stages, or places in the queue.
    - ``accept``: where it stands as a whole a word is accepted unless one is offered and not taken, elsewhere while the
      queue has a place for it.
    - ``serve``: with a word inside, one is offered within its depth.
    """

    def __init__(self, unit: Best) -> None:
        self._model = unit.model
        timing = unit.model.timing
        self._capacity = timing.stages if isinstance(timing, StageTiming) else timing.credits
        super().__init__(unit, 1, 1, self._capacity, patience=timing.depth - 1)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        model = self._model
        shape = integer_shape(*model.number_range)
        lanes = Capture(m, way, traffic.entering["input"], 1).lanes(shape.width, shape.signed)
        scores = [lane * model.multiplier + model.offset for lane in lanes[: model.output.classes]]
        best = scores[0]
        index: Value = best >= 0 if len(scores) == 1 else Const(0)
        for n, score in enumerate(scores[1:], start=1):
            higher = Signal(name=f"higher_{n}")
            m.d.comb += higher.eq(score > best)
            best, index = Mux(higher, score, best), Mux(higher, n, index)
        return (way.output.payload.index == index) & (way.output.payload.score == best)

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        way = traffic.way
        if isinstance(self._model.timing, ElementTiming):
            return traffic.input.ready == (way.watch.inside != self._capacity)
        return traffic.input.ready == (~way.output.valid | way.output.ready)

    def full(self, m: Module, traffic: Traffic) -> Value:
        return traffic.way.watch.inside == self._capacity
