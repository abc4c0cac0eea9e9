"""Pools: a window unit that gives channel by channel, and the unit that reduces what it gives."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import MaxPool, SumPool
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.lowering.lanes import pool_lanes
from bnnhw.units.invert.model import InvertUnit
from bnnhw.units.pool.model import PoolUnit
from bnnhw.units.window.model import WindowUnit

__all__ = ["PoolRule"]


class PoolRule:
    """Lowers :class:`~bnnhw.ir.MaxPool` and :class:`~bnnhw.ir.SumPool`."""

    def lower(self, build: Builder, layer: MaxPool | SumPool, name: str, given: Stream) -> Stream:
        window = layer.window
        lanes = pool_lanes(window, given.format.lanes, build.bound)
        given = build.convert(f"{name}_window", layer.name, given, lanes, window.channels)
        number = given.number
        if isinstance(layer, MaxPool) and layer.minimum.any():
            number = build.add(f"{name}_invert", layer.name, InvertUnit(layer, lanes), number)
        pool = PoolUnit(layer, lanes)
        slide = WindowUnit(window, given.format.bits, lanes, pool.padding_code, "channels", build.technology)
        number = build.add(f"{name}_window", layer.name, slide, number)
        # A matrix-vector unit in front may run ahead into the pool's own line buffer.
        return Stream(build.add(name, layer.name, pool, number), pool.outputs[0])

    def input(self, build: Builder, layer: MaxPool | SumPool, bits: int) -> StreamFormat:
        return build.map_input(layer, bits)


RULES.add(MaxPool, PoolRule())
RULES.add(SumPool, PoolRule())
