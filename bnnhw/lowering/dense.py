"""Fully connected layers: the engine's unit, behind a width converter where it takes other lanes."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Dense
from bnnhw.lowering.builder import RULES, Builder, Stream

__all__ = ["DenseRule"]


class DenseRule:
    """Lowers :class:`~bnnhw.ir.Dense`."""

    def lower(self, build: Builder, layer: Dense, name: str, given: Stream) -> Stream:
        unit = build.unit(layer)
        taken = unit.inputs[0]
        given = build.convert(name, layer.name, given, taken.lanes, taken.group)
        coding = None
        if build.ends_in(layer) and (bared := unit.bared()) is not None:
            unit, coding = bared
        number = build.add(name, layer.name, unit, given.number)
        return Stream(number, _elements(unit.outputs[0]), computed=True, coding=coding)

    def input(self, build: Builder, layer: Dense, bits: int) -> StreamFormat:
        return build.unit(layer).inputs[0]


def _elements(form: object) -> StreamFormat:
    assert isinstance(form, StreamFormat), "a matrix layer gives elements"
    return form


RULES.add(Dense, DenseRule())
