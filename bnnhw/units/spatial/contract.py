"""What is proved of a spatial matrix unit: what comes out is what the arithmetic says, once for each vector."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Value

from bnnhw.dataflow.word_timing import ElementTiming, StageTiming
from bnnhw.rtl.golden import Capture, lanes_agree, sized
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.mvu.contract import dense
from bnnhw.units.spatial.rtl import Spatial

__all__ = ["SpatialContract"]


class SpatialContract(StreamContract):
    """The contract of :class:`~bnnhw.units.spatial.rtl.Spatial`; a frame is a vector, and a word.

    - ``result``: every lane of every word is :func:`~bnnhw.units.mvu.contract.dense` of its vector.
    - ``count``: never more than ``places`` words are inside.
    - ``accept``: a word is accepted whenever none is offered; where all stages stand with the word at the output, then
      and when that is taken, and else not; where no stage stands, while the queue has a place for its result.
    - ``serve``: with a word inside, one is offered within ``depth`` cycles.
    """

    def __init__(self, unit: Spatial) -> None:
        self._model = unit.model
        super().__init__(unit, 1, 1, unit.model.places, patience=unit.model.timing.depth)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        matrix, bits = self._model.matrix, self._model.lane_bits
        vector = Capture(m, way, traffic.entering["input"], 1).lanes(matrix.input.bits)
        results = dense(matrix, vector)
        if self._model.bare and (coding := self._model.coding) is not None:
            codes = [way.payload.word_select(n, bits) for n in range(matrix.neurons)]
            numbers = [code * coding.step + coding.offset for code in codes]
            return Cat(*(number == due for number, due in zip(numbers, results, strict=True))).all()
        return lanes_agree(way.payload, bits, [sized(value, bits) for value in results])

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        output = traffic.way.output
        if isinstance(self._model.timing, StageTiming):
            return traffic.input.ready == (~output.valid | output.ready)
        if isinstance(self._model.timing, ElementTiming):
            return traffic.input.ready == (traffic.way.watch.inside != self._model.places)
        return traffic.input.ready | output.valid
