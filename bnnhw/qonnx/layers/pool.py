"""Pools: the greatest or the least under a window, and the sum."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import MaxPool, SumPool
from bnnhw.qonnx.exporters import EXPORTERS, check_reach, reach
from bnnhw.qonnx.graph import Graph, Tensor, type_name
from bnnhw.qonnx.maps import as_map, column, pad, windowed

__all__: list[str] = []


@EXPORTERS.register(MaxPool)
def _max_pool(graph: Graph, tensor: Tensor, layer: MaxPool) -> Tensor:
    """The least of a channel is the greatest of it turned over."""
    window, kind = layer.window, type_name(layer.input)
    tensor = as_map(graph, tensor, layer.name, layer.input)
    check_reach(layer.name, "elements", reach(layer.input))
    turned = bool(layer.minimum.any())
    signs = column(tensor, np.where(layer.minimum, -1, 1))
    if turned:
        tensor = graph.node("Mul", f"{layer.name}_turn", tensor, graph.constant(f"{layer.name}_signs", signs))
    pads = list(window.padding)
    if any(amount >= size for amount, size in zip(pads, window.kernel * 2, strict=True)):
        # Executors know no padding as wide as the kernel: a number that no element falls below does the same.
        tensor = pad(graph, tensor, layer.name, window, -reach(layer.input), None)
        pads = [0, 0, 0, 0]
    tensor = graph.node(
        "MaxPool",
        f"{layer.name}_pool",
        tensor,
        shape=windowed(tensor, window, window.channels),
        dtype=None if turned else kind,
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=pads,
    )
    if not turned:
        return tensor
    back = graph.constant(f"{layer.name}_signs", signs)
    return graph.node("Mul", f"{layer.name}_return", tensor, back, dtype=kind)


@EXPORTERS.register(SumPool)
def _sum_pool(graph: Graph, tensor: Tensor, layer: SumPool) -> Tensor:
    """A depthwise convolution with ones: an average pool would round. Bits are summed as 0 and 1."""
    window, channels = layer.window, layer.window.channels
    tensor = as_map(graph, tensor, layer.name, layer.input)
    check_reach(layer.name, "sums", reach(layer.output))
    if layer.input.kind == "bipolar":
        one = graph.constant(f"{layer.name}_one", np.array([1], np.float32))
        tensor = graph.node("Add", f"{layer.name}_plus", tensor, one)
        half = graph.constant(f"{layer.name}_half", np.array([0.5], np.float32))
        tensor = graph.node("Mul", f"{layer.name}_bits", tensor, half, dtype="BINARY")
    ones = graph.constant(f"{layer.name}_ones", np.ones((channels, 1, *window.kernel), np.float32), "BINARY")
    return graph.node(
        "Conv",
        f"{layer.name}_sum",
        tensor,
        ones,
        shape=windowed(tensor, window, channels),
        dtype=type_name(layer.output),
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=window.padding,
        group=channels,
    )
