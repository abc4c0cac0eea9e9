"""What is proved of the output unit: the lowest index of the highest score, once for each frame."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value

from bnnhw.ir.types import narrowest
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.argmax.rtl import Argmax

__all__ = ["ArgmaxContract"]


class ArgmaxContract(StreamContract):
    """The contract of :class:`~bnnhw.units.argmax.rtl.Argmax`.

    - ``result``: every frame's word is the lowest index of the highest score, and that score; of one score whether it
      is not negative, and the score.
    - ``count``: no result is offered before its whole frame has been accepted.
    - ``accept``: a word waits only if it is its frame's last and the queue has no room for another result.
    - ``serve``: with a whole frame inside, its result is offered within the depth of the pipeline.
    """

    def __init__(self, unit: Argmax) -> None:
        self._model = unit.model
        t = unit.model.timing
        # Frames whose results have room, and the one that enters.
        super().__init__(unit, t.words, 1, capacity=t.credits + 1, patience=t.depth)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        model, output = self._model, self._model.output
        bits, signed = narrowest(*model.accumulator_range)
        capture = Capture(m, way, traffic.entering["input"], model.timing.words)
        accumulators = capture.lanes(bits, signed)[: output.classes]
        scores = [a * int(g) + int(b) for a, g, b in zip(accumulators, output.multiplier, output.offset, strict=True)]
        best = scores[0]
        index: Value = best >= 0 if output.classes == 1 else Const(0)
        for n, score in enumerate(scores[1:], start=1):
            higher = Signal(name=f"higher_{n}")
            m.d.comb += higher.eq(score > best)
            best, index = Mux(higher, score, best), Mux(higher, n, index)
        return (way.output.payload.index == index) & (way.output.payload.score == best)

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        last = traffic.way.watch.in_index == self._model.timing.words - 1
        return traffic.input.ready == ~(last & self.full(m, traffic))

    def full(self, m: Module, traffic: Traffic) -> Value:
        watch = traffic.way.watch
        return watch.inside - (watch.in_index != 0) == self._model.timing.credits
