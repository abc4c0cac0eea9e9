"""The end of a network: the unit that finds the class."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.dataflow import StreamFormat, Unit
from bnnhw.ir import Output
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.best.model import BestUnit, alike

__all__ = ["OutputRule"]


class OutputRule:
    """Lowers :class:`~bnnhw.ir.Output`."""

    def lower(self, build: Builder, layer: Output, name: str, given: Stream) -> Stream:
        last = build.network.chain[-1]
        emitted = last.emitted
        if last.output.kind == "bipolar":
            # The unit counts: a bit b stands for 2b - 1.
            layer, emitted = (
                replace(layer, multiplier=2 * layer.multiplier, offset=layer.offset - layer.multiplier),
                (0, 1),
            )
        if (coding := given.coding) is not None:
            offset = layer.offset + layer.multiplier * coding.offset
            layer = replace(layer, multiplier=layer.multiplier * coding.step, offset=offset)
            emitted = coding.low, coding.high
        every_cycle = build.bound == 1 and given.format.lanes >= layer.classes
        unit: Unit = ArgmaxUnit(layer, emitted, given.format.lanes, build.scores, every_cycle)
        if every_cycle and not build.scores and alike(layer):
            unit = BestUnit(layer, emitted, given.format.lanes, build.technology)
        return Stream(build.add(name, layer.name, unit, given.number), given.format)

    def input(self, build: Builder, layer: Output, bits: int) -> StreamFormat:
        raise ValueError(f"layer {layer.name}: a network must not begin with its output")


RULES.add(Output, OutputRule())
