"""Layers -> nodes: every tensor holds the values of a stream, maps as (frames, channels, height, width)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.export.graph import Graph, check_reach, integer_name, type_name
from bnnhw.ir import (
    Affine,
    Conv2d,
    DataType,
    Dense,
    Layer,
    MaxPool,
    Quantize,
    Residual,
    SumPool,
    Thresholds,
    Window,
    dot_affine,
    follow,
)
from bnnhw.ir.arithmetic import weight_values

__all__ = ["add_layers"]


def _reach(dtype: DataType) -> int:
    return max(abs(dtype.minimum), abs(dtype.maximum))


def _flatten(graph: Graph, name: str, dtype: DataType) -> None:
    """A map as a list in stream order: positions, channels fastest."""
    if len(graph.shape) == 2:
        return
    batch, channels, height, width = graph.shape
    if channels > 1 and height * width > 1:
        shape = (batch, height, width, channels)
        graph.node("Transpose", f"{name}_channels_last", shape=shape, dtype=type_name(dtype), perm=[0, 2, 3, 1])
    _reshape(graph, f"{name}_flatten", (batch, channels * height * width), dtype)


def _reshape(graph: Graph, name: str, shape: tuple[int, ...], dtype: DataType) -> None:
    graph.node("Reshape", name, graph.constant(f"{name}_shape", np.array(shape)), shape=shape, dtype=type_name(dtype))


def _as_map(graph: Graph, name: str, dtype: DataType) -> None:
    """A list as a map of one position."""
    if len(graph.shape) == 2:
        _reshape(graph, f"{name}_map", (*graph.shape, 1, 1), dtype)


def _column(graph: Graph, values: NDArray[np.number]) -> NDArray[np.float32]:
    """A value a channel, to be broadcast over positions."""
    return values.astype(np.float32).reshape(1, -1, *[1] * (len(graph.shape) - 2))


def _weights(graph: Graph, dense: Dense, values: NDArray[np.int64], array: NDArray[np.int64]) -> str:
    low, high = int(values.min()), int(values.max())
    kind = "BIPOLAR" if np.isin(values, (-1, 1)).all() else "TERNARY" if (low, high) == (-1, 1) else None
    kind = kind or integer_name(min(low, -1), high)
    return graph.constant(f"{dense.name}_weights", array.astype(np.float32), kind)


def _activate(graph: Graph, dense: Dense, reach: int) -> None:
    """From dot products of at most ``reach`` to what the layer emits."""
    affine = dot_affine(dense)
    if isinstance(dense.activation, Thresholds):
        dots = affine.scale * dense.activation.values + affine.constants[:, None]
        # Planes can be counted that no dot product reaches: beyond the reach a threshold means never, or always.
        dots = dots.clip(-reach, reach + 1)
        kind = integer_name(min(int(dots.min()), -1), int(dots.max()))
        graph.multithreshold(dense.name, dots.astype(np.float32), dense.activation.dtype, kind)
        return
    constants = affine.constants
    check_reach(dense.name, "accumulators", max(_reach(dense.output), reach + int(np.abs(constants).max())))
    if constants.any():
        shift = graph.constant(f"{dense.name}_constants", _column(graph, -constants))
        graph.node("Add", f"{dense.name}_shift", shift)
    if affine.scale != 1:
        factor = graph.constant(f"{dense.name}_half", np.array(1 / affine.scale, np.float32))
        graph.node("Mul", f"{dense.name}_scale", factor, dtype=type_name(dense.output))


def _dot_reach(dense: Dense, values: NDArray[np.int64]) -> int:
    """The greatest dot product; refused, with the thresholds around it, if float32 can't hold it."""
    reach = int(np.abs(values).sum(axis=1).max()) * _reach(dense.input)
    # A threshold lies at most one step of 2 beyond the dot products.
    check_reach(dense.name, "dot products", reach + 2)
    return reach


def _dense(graph: Graph, layer: Dense, last: bool) -> None:
    _flatten(graph, layer.name, layer.input)
    values = weight_values(layer)
    reach = _dot_reach(layer, values)
    weights = _weights(graph, layer, values, values.T)
    shape = (graph.shape[0], layer.neurons)
    graph.node("MatMul", f"{layer.name}_matmul", weights, shape=shape, dtype=integer_name(-reach, reach))
    if not last:
        _activate(graph, layer, reach)


def _shape(graph: Graph, window: Window, channels: int) -> tuple[int, ...]:
    return (graph.shape[0], channels, window.out_height, window.out_width)


def _pad(graph: Graph, name: str, window: Window, fill: int, dtype: str | None) -> None:
    """A number around a map."""
    top, left, bottom, right = window.padding
    sizes = graph.constant(f"{name}_pads", np.array([0, 0, top, left, 0, 0, bottom, right]))
    value = graph.constant(f"{name}_fill", np.array(fill, np.float32))
    shape = (*graph.shape[:2], window.padded_height, window.padded_width)
    graph.node("Pad", f"{name}_pad", sizes, value, shape=shape, dtype=dtype)


def _conv(graph: Graph, layer: Conv2d) -> None:
    window, dense = layer.window, layer.dense
    _as_map(graph, layer.name, layer.input)
    values = weight_values(dense)
    reach = _dot_reach(dense, values)
    inputs = 1 if layer.depthwise else window.channels
    array = values.reshape(dense.neurons, *window.kernel, inputs).transpose(0, 3, 1, 2)
    pads = list(window.padding)
    fill = int(layer.input.values(np.array(layer.padding_code)))
    if any(pads) and fill:
        _pad(graph, layer.name, window, fill, type_name(layer.input))
        pads = [0, 0, 0, 0]
    graph.node(
        "Conv",
        f"{layer.name}_conv",
        _weights(graph, dense, values, array),
        shape=_shape(graph, window, dense.neurons),
        dtype=integer_name(-reach, reach),
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=pads,
        group=window.channels if layer.depthwise else 1,
    )
    _activate(graph, dense, reach)


def _max_pool(graph: Graph, layer: MaxPool) -> None:
    """The least of a channel is the greatest of it turned over."""
    window, kind = layer.window, type_name(layer.input)
    _as_map(graph, layer.name, layer.input)
    check_reach(layer.name, "elements", _reach(layer.input))
    signs = _column(graph, np.where(layer.minimum, -1, 1))
    if layer.minimum.any():
        graph.node("Mul", f"{layer.name}_turn", graph.constant(f"{layer.name}_signs", signs))
    pads = list(window.padding)
    if any(pad >= size for pad, size in zip(pads, window.kernel * 2, strict=True)):
        # Executors know no padding as wide as the kernel: a number that no element falls below does the same.
        _pad(graph, layer.name, window, -_reach(layer.input), None)
        pads = [0, 0, 0, 0]
    graph.node(
        "MaxPool",
        f"{layer.name}_pool",
        shape=_shape(graph, window, window.channels),
        dtype=None if layer.minimum.any() else kind,
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=pads,
    )
    if layer.minimum.any():
        graph.node("Mul", f"{layer.name}_return", graph.constant(f"{layer.name}_signs", signs), dtype=kind)


def _sum_pool(graph: Graph, layer: SumPool) -> None:
    """A depthwise convolution with ones: an average pool would round. Bits are summed as 0 and 1."""
    window, channels = layer.window, layer.window.channels
    _as_map(graph, layer.name, layer.input)
    check_reach(layer.name, "sums", _reach(layer.output))
    if layer.input.kind == "bipolar":
        graph.node("Add", f"{layer.name}_plus", graph.constant(f"{layer.name}_one", np.array(1, np.float32)))
        half = graph.constant(f"{layer.name}_half", np.array(0.5, np.float32))
        graph.node("Mul", f"{layer.name}_bits", half, dtype="BINARY")
    ones = graph.constant(f"{layer.name}_ones", np.ones((channels, 1, *window.kernel), np.float32), "BINARY")
    graph.node(
        "Conv",
        f"{layer.name}_sum",
        ones,
        shape=_shape(graph, window, channels),
        dtype=type_name(layer.output),
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=window.padding,
        group=channels,
    )


def _quantize(graph: Graph, layer: Quantize) -> None:
    assert isinstance(layer.activation, Thresholds)
    _as_map(graph, layer.name, layer.input)
    check_reach(layer.name, "elements", _reach(layer.input) + 1)
    values = layer.activation.values
    kind = integer_name(min(int(values.min()), -1), int(values.max()))
    graph.multithreshold(layer.name, values.astype(np.float32), layer.activation.dtype, kind)


def _affine(graph: Graph, layer: Affine) -> None:
    _as_map(graph, layer.name, layer.input)
    between = int(np.abs(layer.multiplier).max()) * _reach(layer.input) + int(np.abs(layer.offset).max())
    check_reach(layer.name, "numbers", between)
    if (layer.multiplier != 1).any():
        factor = graph.constant(f"{layer.name}_multiplier", _column(graph, layer.multiplier))
        graph.node("Mul", f"{layer.name}_mul", factor)
    if layer.offset.any():
        offset = graph.constant(f"{layer.name}_offset", _column(graph, layer.offset))
        graph.node("Add", f"{layer.name}_add", offset)


def _residual(graph: Graph, layer: Residual) -> None:
    _as_map(graph, layer.name, layer.input)
    check_reach(layer.name, "sums", _reach(layer.output))
    tensor, shape = graph.tensor, graph.shape
    ends = []
    for branch in (layer.body, layer.shortcut):
        graph.tensor, graph.shape = tensor, shape
        add_layers(graph, branch)
        _as_map(graph, f"{layer.name}_branch", follow(layer.shape, layer.input, branch)[1])
        ends.append(graph.tensor)
    graph.tensor = ends[0]
    graph.node("Add", f"{layer.name}_add", ends[1], dtype=type_name(layer.output))


def add_layers(graph: Graph, layers: tuple[Layer, ...], last: Dense | None = None) -> None:
    """Nodes of a chain of streamlined layers.

    Parameters
    ----------
    graph : Graph
    layers : tuple of Layer
        Without a network's output.
    last : Dense, optional
        A layer whose dot products are left as they are.

    Raises
    ------
    UnsupportedError
        Numbers that float32 can't hold; names the layer.
    """
    for layer in layers:
        match layer:
            case Dense():
                _dense(graph, layer, layer is last)
            case Conv2d():
                _conv(graph, layer)
            case MaxPool():
                _max_pool(graph, layer)
            case SumPool():
                _sum_pool(graph, layer)
            case Quantize():
                _quantize(graph, layer)
            case Affine():
                _affine(graph, layer)
            case Residual():
                _residual(graph, layer)
            case _:
                raise TypeError(f"layer must be a stream layer, not {type(layer).__name__}")
