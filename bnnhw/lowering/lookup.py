"""Truth tables: their unit, behind a width converter where elements come in narrower words."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Lookup
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.units.lookup.model import LookupUnit

__all__ = ["LookupRule"]


class LookupRule:
    """Lowers :class:`~bnnhw.ir.Lookup`."""

    def lower(self, build: Builder, layer: Lookup, name: str, given: Stream) -> Stream:
        unit = LookupUnit.made(layer, build.technology)
        given = build.convert(name, layer.name, given, layer.inputs, layer.inputs)
        number = build.add(name, layer.name, unit, given.number)
        return Stream(number, unit.outputs[0], computed=True)

    def input(self, build: Builder, layer: Lookup, bits: int) -> StreamFormat:
        return LookupUnit(layer).inputs[0]


RULES.add(Lookup, LookupRule())
