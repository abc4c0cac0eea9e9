"""What is proved of truth tables: every neuron gives what its table holds."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Value

from bnnhw.rtl.golden import lanes_agree
from bnnhw.rtl.stages_contract import StagesContract
from bnnhw.units.lookup.rtl import Tables

__all__ = ["LookupContract"]


class LookupContract(StagesContract):
    """The contract of :class:`~bnnhw.units.lookup.rtl.Tables`; a frame is a word."""

    def __init__(self, unit: Tables) -> None:
        self._layer = unit.model.layer
        super().__init__(unit, unit.model.timing)

    def agrees(self, m: Module, word: Value, payload: Value) -> Value:
        layer, bits = self._layer, self._layer.output.bits
        due: list[Value] = []
        for sources, codes in zip(layer.sources.tolist(), layer.tables.tolist(), strict=True):
            address = Cat(*(word.word_select(source, layer.input.bits) for source in sources))
            table = sum(code << (place * bits) for place, code in enumerate(codes))
            due.append(Const(table, bits * len(codes)).word_select(address, bits))
        return lanes_agree(payload, bits, due)
