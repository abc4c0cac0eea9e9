"""Convolutions: a window unit, and the engine's unit on what it gives."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Conv2d, Window
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.lowering.lanes import window_lanes
from bnnhw.units.window.model import WindowUnit

__all__ = ["ConvRule"]


class ConvRule:
    """Lowers :class:`~bnnhw.ir.Conv2d`."""

    def lower(self, build: Builder, layer: Conv2d, name: str, given: Stream) -> Stream:
        window, unit = layer.window, build.unit(layer)
        channels = window.channels
        if not _pointwise(window):
            lanes = self._lanes(build, layer)
            spare = _spare(window) * -(-channels // lanes) if given.computed else 0
            given = build.convert(f"{name}_window", layer.name, given, lanes, channels)
            order = "channels" if layer.depthwise else "vector"
            bits = given.format.bits
            slide = WindowUnit(window, bits, lanes, layer.padding_code, order, build.technology, spare)
            given = Stream(build.add(f"{name}_window", layer.name, slide, given.number), slide.outputs[0])
        elif layer.depthwise:
            given = build.convert(name, layer.name, given, unit.inputs[0].lanes, channels)
        if not layer.depthwise:
            taken = unit.inputs[0]
            given = build.convert(name, layer.name, given, taken.lanes, taken.group)
        number = build.add(name, layer.name, unit, given.number)
        behind = unit.outputs[0]
        assert isinstance(behind, StreamFormat), "a matrix layer gives elements"
        return Stream(number, behind, computed=True)

    def input(self, build: Builder, layer: Conv2d, bits: int) -> StreamFormat:
        taken = build.unit(layer).inputs[0].lanes
        pointwise = _pointwise(layer.window) or layer.depthwise
        return build.map_input(layer, bits, taken if pointwise else self._lanes(build, layer))

    def _lanes(self, build: Builder, layer: Conv2d) -> int:
        """Lanes of the window unit: in a depthwise convolution the channels side by side."""
        taken = build.unit(layer).inputs[0].lanes
        return taken if layer.depthwise else window_lanes(layer.window, taken, build.bound)


def _pointwise(window: Window) -> bool:
    """Whether the window is one position after another, as they come."""
    return window.area == 1 and window.stride == (1, 1) and not any(window.padding)


def _spare(window: Window) -> int:
    """Positions that the line buffer between two matrix layers' units holds beyond what the window unit alone needs.

    As many as a window moves down by, or of a signal those that it spans. That unit takes rows as fast as they come,
    but between two frames it wants several at once, which a matrix-vector unit in front has then had to make before.
    Without them CNV takes 14,786 cycles per frame instead of its slowest unit's 14,400, and 12 of 50 random pairs of
    convolutions are slower than their slower one by up to 9 %; with them, none is.
    """
    return window.stride[0] * window.width if window.out_height > 1 else window.span[1]


RULES.add(Conv2d, ConvRule())
