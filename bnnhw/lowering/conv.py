"""Convolutions: a window unit, and the engine's unit on what it gives."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Conv2d
from bnnhw.lowering.builder import RULES, Builder, Stream
from bnnhw.lowering.columns import column_windows
from bnnhw.lowering.lanes import window_lanes
from bnnhw.lowering.slide import pointwise, slide

__all__ = ["ConvRule"]


class ConvRule:
    """Lowers :class:`~bnnhw.ir.Conv2d`."""

    def lower(self, build: Builder, layer: Conv2d, name: str, given: Stream) -> Stream:
        window, unit = layer.window, build.unit(layer)
        if not pointwise(window):
            given = self._windows(build, layer, name, given)
        elif layer.depthwise:
            given = build.convert(name, layer.name, given, unit.inputs[0].lanes, window.channels)
        if not layer.depthwise:
            taken = unit.inputs[0]
            given = build.convert(name, layer.name, given, taken.lanes, taken.group)
        number = build.add(name, layer.name, unit, given.number)
        behind = unit.outputs[0]
        assert isinstance(behind, StreamFormat), "a matrix layer gives elements"
        return Stream(number, behind, computed=True)

    def _windows(self, build: Builder, layer: Conv2d, name: str, given: Stream) -> Stream:
        """The elements under the window, tap by tap or column by column."""
        code = layer.padding_code
        if build.folding(layer).columns:
            down, across = column_windows(layer.window)
            taken = build.unit(layer).inputs[0].lanes
            given = slide(build, layer, down, name, given, self._lanes(build, layer), code)
            return slide(build, layer, across, f"{name}_across", given, window_lanes(across, taken, build.bound), code)
        order = "channels" if layer.depthwise else "vector"
        return slide(build, layer, layer.window, name, given, self._lanes(build, layer), code, order)

    def input(self, build: Builder, layer: Conv2d, bits: int) -> StreamFormat:
        taken = build.unit(layer).inputs[0].lanes
        as_taken = pointwise(layer.window) or layer.depthwise
        return build.map_input(layer, bits, taken if as_taken else self._lanes(build, layer))

    def _lanes(self, build: Builder, layer: Conv2d) -> int:
        """Lanes of the window unit: in a depthwise convolution the channels side by side."""
        taken = build.unit(layer).inputs[0].lanes
        window = column_windows(layer.window)[0] if build.folding(layer).columns else layer.window
        return taken if layer.depthwise else window_lanes(window, taken, build.bound)


RULES.add(Conv2d, ConvRule())
