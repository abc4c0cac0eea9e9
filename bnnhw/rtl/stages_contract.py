"""What is proved of pipelines that hold their words in place: every word out is made of the word that it came from."""

from __future__ import annotations

from abc import abstractmethod

from amaranth.hdl import Module, Value
from amaranth.lib import wiring

from bnnhw.dataflow.word_timing import StageTiming
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way

__all__ = ["StagesContract"]


class StagesContract(StreamContract):
    """The contract of units on :class:`~bnnhw.rtl.stages.Stages`; a frame is a word.

    - ``result``: every word is what the layer makes of the one that it came from.
    - ``count``: never more than ``stages`` words are inside.
    - ``accept``: a word is accepted unless one is offered and not taken.
    - ``serve``: with a word inside, one is offered within ``stages - 1`` cycles.

    Parameters
    ----------
    unit : wiring.Component
    timing : StageTiming
    """

    def __init__(self, unit: wiring.Component, timing: StageTiming) -> None:
        super().__init__(unit, 1, 1, timing.stages, patience=timing.stages - 1)

    @abstractmethod
    def agrees(self, m: Module, word: Value, payload: Value) -> Value:
        """Whether a word out is what a word in must become."""

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        (word,) = Capture(m, way, traffic.entering["input"], 1).words
        return self.agrees(m, word, way.payload)

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        output = traffic.way.output
        return traffic.input.ready == (~output.valid | output.ready)
