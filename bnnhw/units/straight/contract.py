"""What is proved of several units as one pipeline: what comes out is what their definitions say, one by one."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.shapes import integer_shape
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.best.model import BestUnit
from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.mvu.contract import dense
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.straight.rtl import Straight

__all__ = ["StraightContract"]


class StraightContract(StreamContract):
    """The contract of :class:`~bnnhw.units.straight.rtl.Straight`; a frame is a word.

    - ``result``: every word is what the parts make of the one that it came from.
    - ``count``: never more words are inside than there are places.
    - ``accept``: where it stands as a whole a word is accepted whenever none is offered, elsewhere while the queue has
      a place for its result.
    - ``serve``: with a word inside, one is offered within its depth.
    """

    def __init__(self, unit: Straight) -> None:
        self._model = unit.model
        timing = unit.model.timing
        self._places = timing.credits if isinstance(timing, ElementTiming) else timing.places
        super().__init__(unit, 1, 1, self._places, patience=timing.depth)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        (word,) = Capture(m, way, traffic.entering["input"], 1).words
        value: Value = word
        for number, part in enumerate(self._model.parts):
            made = Signal(part.outputs[0].width, name=f"due_{number}")
            m.d.comb += made.eq(_meaning(m, part, value))
            value = made
        return way.payload == value

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        way = traffic.way
        if isinstance(self._model.timing, ElementTiming):
            return traffic.input.ready == (way.watch.inside != self._places)
        return traffic.input.ready | way.output.valid

    def full(self, m: Module, traffic: Traffic) -> Value:
        return traffic.way.watch.inside == self._places


def _tables(_: Module, unit: LookupUnit, word: Value) -> Value:
    layer, bits = unit.layer, unit.layer.output.bits
    due: list[Value] = []
    for sources, codes in zip(layer.sources.tolist(), layer.tables.tolist(), strict=True):
        address = Cat(*(word.word_select(source, layer.input.bits) for source in sources))
        table = sum(code << (place * bits) for place, code in enumerate(codes))
        due.append(Const(table, bits * len(codes)).word_select(address, bits))
    return Cat(*due)


def _sums(m: Module, unit: SpatialUnit, word: Value) -> Value:
    matrix = unit.matrix
    elements = [word.word_select(k, matrix.input.bits) for k in range(matrix.synapses)]
    lanes: list[Value] = []
    for n, value in enumerate(dense(matrix, elements)):
        number: Value = value
        if unit.bare and (coding := unit.coding) is not None:
            number = (value - coding.offset) >> (coding.step.bit_length() - 1)
        lane = Signal(unit.lane_bits, name=f"lane_{n}")
        m.d.comb += lane.eq(number)
        lanes.append(lane)
    return Cat(*lanes)


def _best(m: Module, unit: BestUnit, word: Value) -> Value:
    shape = integer_shape(*unit.number_range)
    index: Value = Const(0)
    best: Value = word[: shape.width].as_signed() if shape.signed else word[: shape.width]
    for n in range(1, unit.output.classes):
        lane = word.word_select(n, shape.width)
        number: Value = lane.as_signed() if shape.signed else lane
        higher = Signal(name=f"higher_{n}")
        m.d.comb += higher.eq(number > best)
        best, index = Mux(higher, number, best), Mux(higher, n, index)
    score = best * unit.multiplier + unit.offset
    found = Signal(unit.outputs[0].index_bits, name="index_due")
    m.d.comb += found.eq(index if unit.output.classes > 1 else score >= 0)
    whole = Signal(integer_shape(*unit.score_range), name="score_due")
    m.d.comb += whole.eq(score)
    return Cat(found, whole)


_MEANINGS: dict[type[Unit], Callable[[Module, object, Value], Value]] = {
    LookupUnit: _tables,
    SpatialUnit: _sums,
    BestUnit: _best,
}  # pyright: ignore[reportAssignmentType]


def _meaning(m: Module, part: Unit, word: Value) -> Value:
    return _MEANINGS[type(part)](m, part, word)
