"""Truth tables at every position: a window unit, a converter that gathers a window in one word, and the tables."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import LookupConv
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.lowering.lanes import window_lanes
from bnnhw.lowering.slide import pointwise, slide
from bnnhw.units.lookup.model import LookupUnit

__all__ = ["LookupConvRule"]


class LookupConvRule:
    """Lowers :class:`~bnnhw.ir.LookupConv`."""

    def lower(self, build: Builder, layer: LookupConv, name: str, given: Stream) -> Stream:
        tables = layer.tables
        unit = LookupUnit.made(tables, build.technology, layer.vectors)
        if not pointwise(layer.window):
            given = slide(build, layer, layer.window, name, given, self._lanes(build, layer), layer.padding_code)
        given = build.convert(name, layer.name, given, tables.inputs, tables.inputs)
        number = build.add(name, layer.name, unit, given.number)
        return Stream(number, unit.outputs[0], computed=True)

    def input(self, build: Builder, layer: LookupConv, bits: int) -> StreamFormat:
        taken = layer.tables.inputs
        return build.map_input(layer, bits, taken if pointwise(layer.window) else self._lanes(build, layer))

    def _lanes(self, build: Builder, layer: LookupConv) -> int:
        """Lanes of the window unit: as few as give a frame's windows in time."""
        return window_lanes(layer.window, 1, build.bound)


RULES.add(LookupConv, LookupConvRule())
