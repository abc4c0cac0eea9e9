"""From the layers of a folded network to units: lanes, converters, windows, forks and joins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bnnhw.devices import Technology
from bnnhw.folding.elementwise import affine_pipeline, quantize_pipeline
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.lanes import Format, converters, input_lanes, pool_lanes, window_lanes
from bnnhw.folding.pipeline import argmax_pipeline, mvu_pipeline
from bnnhw.folding.pool import inverter_pipeline, pool_padding_code, pool_pipeline
from bnnhw.folding.residual import AddPipeline, BufferPipeline, ForkPipeline
from bnnhw.folding.stages import Chain, Stage
from bnnhw.folding.units import (
    AddUnit,
    AffineUnit,
    ArgmaxUnit,
    BufferUnit,
    ForkUnit,
    InverterUnit,
    MvuUnit,
    PoolUnit,
    QuantizeUnit,
    Unit,
    WidthUnit,
    WindowUnit,
)
from bnnhw.folding.window import WindowPipeline
from bnnhw.ir import Affine, Conv2d, DataType, Dense, Layer, MaxPool, Quantize, Residual, SumPool, Window, walk

__all__ = ["input_format", "lower"]

UNLIMITED = 1 << 40
"""Depth of a queue that is never full."""


def lower(folded: FoldedNetwork, tech: Technology, depths: Mapping[str, int] | None) -> Chain:
    """The units of a folded network.

    Parameters
    ----------
    depths : mapping of str to int, or None
        Of the queues in residual layers, by stage name; those not named are never full. None: guessed from the
        windows beside them, for an estimate of their cost.
    """
    return _Builder(folded, tech, depths).chain()


def input_format(folded: FoldedNetwork) -> Format:
    """The format in which frames come: what the first layer's first unit takes.

    Frames come without gaps; a unit whose lanes do not divide the channels gets a converter in front.
    """
    spec, layer = folded.network.input, folded.network.chain[0]
    folding = folded.pairs[0][1]
    if isinstance(layer, Dense):
        return Format(folding.simd, spec.dtype.bits, layer.synapses, spec.elements)
    channels, least = spec.shape[0], 1
    if isinstance(layer, Conv2d):
        if layer.depthwise:
            least = folding.channels(layer.multiplier)
        else:
            least = folding.simd if _pointwise(layer.window) else window_lanes(layer.window, folding.simd, folded.bound)
    lanes = input_lanes(channels, spec.elements // channels, least, folded.bound)
    return Format(lanes, spec.dtype.bits, channels, spec.elements)


class _Builder:
    """Adds stage after stage; a stream is known by its number and its format."""

    def __init__(self, folded: FoldedNetwork, tech: Technology, depths: Mapping[str, int] | None) -> None:
        self.folded = folded
        self.tech = tech
        self.depths = depths
        self.foldings = {layer.name: folding for layer, folding in folded.pairs}
        self.stages: list[Stage] = []
        self.streams = 1
        self.layers = 0
        # Whether words come from a matrix-vector unit, with nothing but element-wise units and converters between.
        self.computed = False

    def chain(self) -> Chain:
        network = self.folded.network
        given = input_format(self.folded)
        stream, _ = self._follow(network.chain, 0, given)
        layer, folding = self.folded.pairs[-1]
        pipeline = argmax_pipeline(network.output, layer, folding)
        output = self._stage(
            "output", network.output.name, ArgmaxUnit(network.output, layer, folding, pipeline), stream
        )
        return Chain(tuple(self.stages), given, output)

    def _stage(self, name: str, layer: str, unit: Unit, *sources: int) -> int:
        """Append a unit; the number of its stream, the last of them where there are several."""
        sinks = tuple(range(self.streams, self.streams + (2 if isinstance(unit, ForkUnit) else 1)))
        self.streams = sinks[-1] + 1
        self.stages.append(Stage(name, layer, unit, sources, sinks))
        return sinks[-1]

    def _follow(self, layers: tuple[Layer, ...], stream: int, given: Format) -> tuple[int, Format]:
        for layer in layers:
            name = f"layer{self.layers}_{re.sub(r'[^A-Za-z0-9]+', '_', layer.name).strip('_')}"
            self.layers += 1
            if isinstance(layer, Dense):
                stream, given = self._dense(layer, name, stream, given)
            elif isinstance(layer, Conv2d):
                stream, given = self._convolution(layer, name, stream, given)
            elif isinstance(layer, MaxPool | SumPool):
                stream, given = self._pool(layer, name, stream, given)
            elif isinstance(layer, Quantize | Affine):
                stream, given = self._elementwise(layer, name, stream, given)
            elif isinstance(layer, Residual):
                stream, given = self._residual(layer, name, stream, given)
        return stream, given

    def _convert(self, name: str, layer: str, stream: int, given: Format, lanes: int, group: int) -> tuple[int, Format]:
        """Width converters, where they are needed."""
        for number, (gearbox, behind) in enumerate(converters(given, lanes, group)):
            suffix = "width" if number == 0 else f"width{number + 1}"
            # Groups of the smaller size before they are joined.
            groups = given.frame * given.bits // gearbox.frame_bits
            stream = self._stage(f"{name}_{suffix}", layer, WidthUnit(gearbox, groups), stream)
            given = behind
        return stream, replace(given, group=group)

    def _dense(
        self, layer: Dense, name: str, stream: int, given: Format, vectors: int = 1, multiplier: int = 0
    ) -> tuple[int, Format]:
        """A matrix-vector unit; a depthwise one takes its words as they come."""
        folding = self.foldings[layer.name]
        if not multiplier:
            stream, _ = self._convert(name, layer.name, stream, given, folding.simd, layer.synapses)
        pipeline = mvu_pipeline(layer, folding, self.tech, multiplier)
        self.computed = True
        stream = self._stage(name, layer.name, MvuUnit(layer, folding, pipeline, vectors), stream)
        return stream, Format(folding.pe, layer.output.bits, layer.neurons, vectors * layer.neurons)

    def _convolution(self, layer: Conv2d, name: str, stream: int, given: Format) -> tuple[int, Format]:
        window, folding = layer.window, self.foldings[layer.name]
        if layer.depthwise:
            order, lanes = "channels", folding.channels(layer.multiplier)
        else:
            order, lanes = "vector", window_lanes(window, folding.simd, self.folded.bound)
        if not _pointwise(window):
            spare = _spare(window) * -(-window.channels // lanes) if self.computed else 0
            stream, given = self._convert(f"{name}_window", layer.name, stream, given, lanes, window.channels)
            stream, given = self._window(window, name, layer.name, stream, given, layer.padding_code, order, spare)
        elif layer.depthwise:
            stream, given = self._convert(name, layer.name, stream, given, lanes, window.channels)
        return self._dense(layer.dense, name, stream, given, window.positions, layer.multiplier)

    def _window(
        self,
        window: Window,
        name: str,
        layer: str,
        stream: int,
        given: Format,
        padding_code: int,
        order: str,
        spare: int = 0,
    ) -> tuple[int, Format]:
        pipeline = WindowPipeline(window, given.lanes, order, spare)
        unit = WindowUnit(window, given.bits, given.lanes, padding_code, order, pipeline)
        stream = self._stage(f"{name}_window", layer, unit, stream)
        group = window.area * (window.channels if order == "vector" else given.lanes)
        return stream, replace(given, group=group, frame=window.positions * window.area * window.channels)

    def _pool(self, layer: MaxPool | SumPool, name: str, stream: int, given: Format) -> tuple[int, Format]:
        window = layer.window
        lanes = pool_lanes(window, given.lanes, self.folded.bound)
        stream, given = self._convert(f"{name}_window", layer.name, stream, given, lanes, window.channels)
        if isinstance(layer, MaxPool) and layer.minimum.any():
            inverter = InverterUnit(layer, lanes, inverter_pipeline(layer, lanes))
            stream = self._stage(f"{name}_invert", layer.name, inverter, stream)
        stream, _ = self._window(window, name, layer.name, stream, given, pool_padding_code(layer), "channels")
        stream = self._stage(name, layer.name, PoolUnit(layer, lanes, pool_pipeline(layer, lanes)), stream)
        # A matrix-vector unit in front may run ahead into the pool's own line buffer.
        self.computed = False
        return stream, Format(lanes, layer.output.bits, window.channels, window.positions * window.channels)

    def _elementwise(self, layer: Quantize | Affine, name: str, stream: int, given: Format) -> tuple[int, Format]:
        unit: QuantizeUnit | AffineUnit
        if isinstance(layer, Quantize):
            unit = QuantizeUnit(layer, given.lanes, quantize_pipeline(layer, given.lanes))
        else:
            unit = AffineUnit(layer, given.lanes, affine_pipeline(layer, given.lanes))
        return self._stage(name, layer.name, unit, stream), replace(given, bits=layer.output.bits)

    def _residual(self, layer: Residual, name: str, stream: int, given: Format) -> tuple[int, Format]:
        second = self._stage(f"{name}_fork", layer.name, ForkUnit(given.width, ForkPipeline(given.words)), stream)
        computed = self.computed
        body, behind = self._follow(layer.body, second - 1, given)
        computed, self.computed = self.computed, computed
        shortcut, beside = self._follow(layer.shortcut, second, given)
        self.computed = self.computed or computed
        shortcut = self._buffer(f"{name}_buffer", layer, shortcut, beside, layer.body)
        if layer.shortcut:
            body = self._buffer(f"{name}_body_buffer", layer, body, behind, layer.shortcut)
        shortcut, beside = self._convert(name, layer.name, shortcut, beside, behind.lanes, behind.group)
        ends = [_emitted(branch[-1]) if branch else layer.input for branch in (layer.body, layer.shortcut)]
        unit = AddUnit(ends[0], ends[1], layer.output, behind.lanes, AddPipeline(behind.words))
        return self._stage(name, layer.name, unit, body, shortcut), replace(behind, bits=layer.output.bits)

    def _buffer(self, name: str, layer: Residual, stream: int, given: Format, beside: tuple[Layer, ...]) -> int:
        """The queue at the end of a branch; ``beside`` are the other branch's layers."""
        depth = _swallowed(layer, beside, given) if self.depths is None else self.depths.get(name, UNLIMITED)
        return self._stage(name, layer.name, BufferUnit(BufferPipeline(given.words, given.width, depth)), stream)


def _swallowed(layer: Residual, branch: tuple[Layer, ...], beside: Format) -> int:
    """About how many words pass beside a branch before it gives its first: what its windows span."""
    windows = [part.window for part in walk(branch) if isinstance(part, Conv2d | MaxPool | SumPool)]
    frame = layer.shape[1] * layer.shape[2]
    spans = sum((w.span[0] - 1 - w.padding[0] + w.span[1] / w.width) / w.height for w in windows)
    return min(round(beside.words * min(max(spans, 0.0), 1.0)) + 4 * beside.words // frame, beside.words)


def _pointwise(window: Window) -> bool:
    """Whether the window is one position after another, as they come."""
    return window.area == 1 and window.stride == (1, 1) and not any(window.padding)


def _emitted(layer: Layer) -> DataType:
    """Type of the elements that a layer gives."""
    return layer.output


def _spare(window: Window) -> int:
    """Positions that the line buffer between two matrix-vector units holds beyond what the window unit alone needs.

    As many as a window moves down by, or of a signal those that it spans. That unit takes rows as fast as they come,
    but between two frames it wants several at once, which a matrix-vector unit in front has then had to make before.
    Without them CNV takes 14,786 cycles a frame instead of its slowest unit's 14,400, and 12 of 50 random pairs of
    convolutions are slower than their slower one by up to 9 %; with them, none is.
    """
    return window.stride[0] * window.width if window.out_height > 1 else window.span[1]
