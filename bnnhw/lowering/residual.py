"""Residual layers: a fork, two branches with queues at their ends, and a join."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Layer, Residual, walk
from bnnhw.ir.layer import follow
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.units.add.model import AddUnit
from bnnhw.units.fork.model import ForkUnit

__all__ = ["ResidualRule", "swallowed"]


class ResidualRule:
    """Lowers :class:`~bnnhw.ir.Residual`."""

    def lower(self, build: Builder, layer: Residual, name: str, given: Stream) -> Stream:
        second = build.add(f"{name}_fork", layer.name, ForkUnit(given.format), given.number)
        body = build.follow(layer.body, replace(given, number=second - 1))
        shortcut = build.follow(layer.shortcut, replace(given, number=second))
        computed = body.computed or shortcut.computed
        shortcut = build.queue(
            f"{name}_buffer", layer.name, shortcut, swallowed(build, layer, layer.body, shortcut.format)
        )
        if layer.shortcut:
            guess = swallowed(build, layer, layer.shortcut, body.format)
            body = build.queue(f"{name}_body_buffer", layer.name, body, guess)
        form = body.format
        shortcut = build.convert(name, layer.name, shortcut, form.lanes, form.group)
        first, other = (follow(layer.shape_in, layer.input, branch)[1] for branch in layer.branches)
        unit = AddUnit(first, other, form)
        number = build.add(name, layer.name, unit, body.number, shortcut.number)
        return Stream(number, unit.outputs[0], computed)

    def input(self, build: Builder, layer: Residual, bits: int) -> StreamFormat:
        return build.map_input(layer, bits)


def swallowed(build: Builder, layer: Layer, branch: tuple[Layer, ...], beside: StreamFormat) -> int:
    """About how many words pass beside a branch before it gives its first: what its windows span.

    To it come positions that wait for their turn in rows of columns, and with others that share their weight words.
    """
    windows = [part.window for part in walk(branch) if part.window is not None]
    frame = layer.shape_in[1] * layer.shape_in[2]
    spans = sum((w.span[0] - 1 - w.padding[0] + w.span[1] / w.width) / w.height for w in windows)
    foldings = [build.folding(part) for part in walk(branch) if part.matrix is not None]
    waiting = 4 + sum(4 * folding.columns + 2 * (folding.vectors - 1) for folding in foldings)
    return min(round(beside.words * min(max(spans, 0.0), 1.0)) + waiting * beside.words // frame, beside.words)


RULES.add(Residual, ResidualRule())
