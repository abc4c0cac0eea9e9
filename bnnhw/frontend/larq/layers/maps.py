"""Keras' and Larq's layers over maps and signals: convolutions and pools."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnhw.frontend.larq.graph import LarqGraph
from bnnhw.frontend.larq.options import KerasLayer, same
from bnnhw.frontend.larq.registry import handles

__all__: list[str] = []


def _rank(graph: LarqGraph, layer: KerasLayer) -> int:
    """The dimensions of the positions, which the class names."""
    rank = 1 if layer.kind.endswith("1D") else 2
    if len(graph.shape) != 1 + rank:
        what = "a signal of (length, channels)" if rank == 1 else "a map of (height, width, channels)"
        flat = ": it must stand before the Flatten" if len(graph.shape) == 1 else ""
        raise layer.unsupported(f"its input must be {what}{flat}")
    return rank


def _window(
    graph: LarqGraph, layer: KerasLayer, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...],
    *modes: str,
) -> tuple[list[int], list[int]]:  # fmt: skip
    """Padding as ONNX has it, all before and then all behind, and the sizes behind the window."""
    sizes = graph.shape[1:]
    mode = layer.require("padding", "valid", "valid", "same", *modes)
    pairs = [(0, 0)] * len(sizes)
    if mode == "same":
        pairs = [same(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True)]
    elif mode == "causal":
        pairs = [((kernel[0] - 1) * dilation[0], 0)]
    found = [
        (size + sum(pads) - (k - 1) * d - 1) // s + 1
        for size, pads, k, s, d in zip(sizes, pairs, kernel, stride, dilation, strict=True)
    ]
    if min(found) < 1:
        raise layer.unsupported(f"its window must fit a map of {' x '.join(map(str, sizes))}")
    return [before for before, _ in pairs] + [behind for _, behind in pairs], found


def _geometry(graph: LarqGraph, layer: KerasLayer) -> tuple[dict[str, Any], list[int]]:
    """The attributes of a convolution, whose padding other than 0 becomes a node before it, and the sizes behind."""
    rank = _rank(graph, layer)
    kernel, stride, dilation = (layer.sizes(option, rank) for option in ("kernel_size", "strides", "dilation_rate"))
    graph.inputs(layer)
    pads, sizes = _window(graph, layer, kernel, stride, dilation, *["causal"] * (layer.kind == "QuantConv1D"))
    fill = layer.get("pad_values", 0.0)
    if not isinstance(fill, int | float) or fill not in (-1, 0, 1):
        raise layer.unsupported(f"pad_values must be -1, 0 or 1, not {fill!r:.60}")
    if any(pads) and fill:
        amounts = graph.constant(f"{layer.name}/pads", np.array([0, 0, *pads[:rank], 0, 0, *pads[rank:]], np.int64))
        fills = graph.constant(f"{layer.name}/fill", np.float32(fill))
        # The convolution behind it says the shape that follows.
        graph.node("Pad", f"{layer.name}/pad", amounts, fills)
        pads = [0] * (2 * rank)
    return {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "pads": pads}, sizes


@handles("QuantConv1D", "QuantConv2D")
def _conv(graph: LarqGraph, layer: KerasLayer) -> None:
    layer.require("groups", 1, 1)
    filters, channels = layer.size("filters"), graph.shape[0]
    geometry, sizes = _geometry(graph, layer)
    kernel = graph.kernel(layer, (*geometry["kernel_shape"], channels, filters))
    # Keras has inputs and outputs last.
    rank = len(sizes)
    weights = kernel.values.transpose(rank + 1, rank, *range(rank))
    graph.product("Conv", layer.name, kernel, weights, (filters, *sizes), **geometry)
    graph.finish_layer(layer)


def _depthwise_product(graph: LarqGraph, layer: KerasLayer) -> None:
    channels, multiplier = graph.shape[0], layer.size("depth_multiplier", 1)
    geometry, sizes = _geometry(graph, layer)
    size = geometry["kernel_shape"]
    kernel = graph.kernel(layer, (*size, channels, multiplier), "depthwise_kernel")
    rank, outputs = len(sizes), channels * multiplier
    weights = kernel.values.transpose(rank, rank + 1, *range(rank)).reshape(outputs, 1, *size)
    name = f"{layer.name}/depthwise"
    graph.product("Conv", name, kernel, weights, (outputs, *sizes), group=channels, **geometry)


@handles("QuantDepthwiseConv2D")
def _depthwise(graph: LarqGraph, layer: KerasLayer) -> None:
    _depthwise_product(graph, layer)
    graph.finish_layer(layer)


@handles("QuantSeparableConv1D", "QuantSeparableConv2D")
def _separable(graph: LarqGraph, layer: KerasLayer) -> None:
    """A depthwise convolution, and a matrix over the channels of its sums; nothing is quantized between."""
    filters = layer.size("filters")
    _depthwise_product(graph, layer)
    channels, *sizes = graph.shape
    ones = (1,) * len(sizes)
    kernel = graph.kernel(layer, (*ones, channels, filters), "pointwise_kernel")
    weights = kernel.values.reshape(channels, filters).T.reshape(filters, channels, *ones)
    graph.product("Conv", f"{layer.name}/pointwise", kernel, weights, (filters, *sizes), kernel_shape=ones)
    graph.finish_layer(layer)


@handles("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D")
def _pool(graph: LarqGraph, layer: KerasLayer) -> None:
    rank = _rank(graph, layer)
    kernel = layer.sizes("pool_size", rank, 2)
    stride = kernel if layer.get("strides") is None else layer.sizes("strides", rank)
    pads, sizes = _window(graph, layer, kernel, stride, (1,) * rank)
    greatest = layer.kind.startswith("Max")
    if not greatest and any(pads):
        raise layer.unsupported("padding must be 'valid' for an average, not 'same'")
    shape = (graph.shape[0], *sizes)
    _pooled(graph, layer, greatest, shape, kernel_shape=kernel, strides=stride, pads=pads)


@handles("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D")
def _global_pool(graph: LarqGraph, layer: KerasLayer) -> None:
    rank, channels = _rank(graph, layer), graph.shape[0]
    _pooled(graph, layer, "Max" in layer.kind, (channels, *[1] * rank))
    if not layer.get("keepdims", False):
        graph.node("Flatten", f"{layer.name}/flat", shape=(channels,), axis=1)


def _pooled(graph: LarqGraph, layer: KerasLayer, greatest: bool, shape: tuple[int, ...], **window: Any) -> None:
    if graph.state == "samples":
        raise layer.unsupported("a quantized layer must stand before a pool")
    operator = f"{'' if window else 'Global'}{'Max' if greatest else 'Average'}Pool"
    graph.node(operator, layer.name, shape=shape, **window)
    if not greatest:
        # An average of signs is none.
        graph.state = "numbers"
