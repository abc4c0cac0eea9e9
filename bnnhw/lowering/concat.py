"""Joined branches: a fork, two branches with queues at their ends, and a unit that takes from them in turn."""

from __future__ import annotations

import math
from dataclasses import replace

from bnnhw.dataflow.divisors import divisors
from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Concat, Layer
from bnnhw.ir.layer import follow
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.lowering.residual import swallowed
from bnnhw.units.fork.model import ForkUnit
from bnnhw.units.join.model import JoinUnit

__all__ = ["ConcatRule"]


class ConcatRule:
    """Lowers :class:`~bnnhw.ir.layers.concat.Concat`."""

    def lower(self, build: Builder, layer: Concat, name: str, given: Stream) -> Stream:
        number = build.add(f"{name}_fork", layer.name, ForkUnit(given.format), given.number)
        ends = [
            build.follow(branch, replace(given, number=number - 1 + place))
            for place, branch in enumerate(layer.branches)
        ]
        formats = [end.format for end in ends]
        for place, other in enumerate(reversed(layer.branches)):
            # What the other branch swallows waits here, and what this one gives while the other has its turn.
            guess = swallowed(build, layer, other, formats[place]) + formats[place].group_words
            ends[place] = build.queue(f"{name}_{layer.branch_names[place]}_buffer", layer.name, ends[place], guess)
        groups = [end.format.frame if layer.flat else end.format.group for end in ends]
        frame = sum(end.format.frame for end in ends)
        lanes = _lanes(math.gcd(*groups), frame, build.bound)
        ends = [
            build.convert(f"{name}_{word}", layer.name, end, lanes, group)
            for word, end, group in zip(layer.branch_names, ends, groups, strict=True)
        ]
        first, second = (follow(layer.shape_in, layer.input, branch)[1] for branch in layer.branches)
        unit = JoinUnit(first, second, ends[0].format, ends[1].format, layer.output)
        number = build.add(name, layer.name, unit, *(end.number for end in ends))
        return Stream(number, unit.outputs[0], any(end.computed for end in ends))

    def input(self, build: Builder, layer: Layer, bits: int) -> StreamFormat:
        return build.map_input(layer, bits)


def _lanes(common: int, frame: int, cycles: int) -> int:
    """The least divisor of both groups with which a frame's words fit ``cycles``, or the greatest."""
    return next((d for d in divisors(common) if frame // d <= cycles), common)


RULES.add(Concat, ConcatRule())
