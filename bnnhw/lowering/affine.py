"""``affine`` layers: one unit, with the lanes of the stream as it comes."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Affine
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.units.affine.model import AffineUnit

__all__ = ["AffineRule"]


class AffineRule:
    """Lowers :class:`~bnnhw.ir.Affine`."""

    def lower(self, build: Builder, layer: Affine, name: str, given: Stream) -> Stream:
        unit = AffineUnit(layer, given.format.lanes)
        number = build.add(name, layer.name, unit, given.number)
        return replace(given, number=number, format=replace(given.format, bits=layer.output.bits))

    def input(self, build: Builder, layer: Affine, bits: int) -> StreamFormat:
        return build.map_input(layer, bits)


RULES.add(Affine, AffineRule())
