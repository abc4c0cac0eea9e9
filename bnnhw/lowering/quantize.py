"""``quantize`` layers: one unit, with the lanes of the stream as it comes."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Quantize
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.units.quantize.model import QuantizeUnit

__all__ = ["QuantizeRule"]


class QuantizeRule:
    """Lowers :class:`~bnnhw.ir.Quantize`."""

    def lower(self, build: Builder, layer: Quantize, name: str, given: Stream) -> Stream:
        unit = QuantizeUnit(layer, given.format.lanes)
        number = build.add(name, layer.name, unit, given.number)
        return replace(given, number=number, format=replace(given.format, bits=layer.output.bits))

    def input(self, build: Builder, layer: Quantize, bits: int) -> StreamFormat:
        return build.map_input(layer, bits)


RULES.add(Quantize, QuantizeRule())
