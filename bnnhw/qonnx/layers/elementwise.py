"""Layers that treat each element alone: thresholds, and affine layers of integers."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import Affine, Quantize, Thresholds
from bnnhw.qonnx.exporters import EXPORTERS, check_reach, reach
from bnnhw.qonnx.graph import Graph, Tensor, integer_name
from bnnhw.qonnx.maps import as_map, column

__all__: list[str] = []


@EXPORTERS.register(Quantize)
def _quantize(graph: Graph, tensor: Tensor, layer: Quantize) -> Tensor:
    assert isinstance(layer.activation, Thresholds)
    tensor = as_map(graph, tensor, layer.name, layer.input)
    check_reach(layer.name, "elements", reach(layer.input) + 1)
    values = layer.activation.values
    kind = integer_name(min(int(values.min()), -1), int(values.max()))
    return graph.multithreshold(layer.name, tensor, values.astype(np.float32), layer.activation.dtype, kind)


@EXPORTERS.register(Affine)
def _affine(graph: Graph, tensor: Tensor, layer: Affine) -> Tensor:
    tensor = as_map(graph, tensor, layer.name, layer.input)
    between = int(np.abs(layer.multiplier).max()) * reach(layer.input) + int(np.abs(layer.offset).max())
    check_reach(layer.name, "numbers", between)
    if (layer.multiplier != 1).any():
        factor = graph.constant(f"{layer.name}_multiplier", column(tensor, layer.multiplier))
        tensor = graph.node("Mul", f"{layer.name}_mul", tensor, factor)
    if layer.offset.any():
        offset = graph.constant(f"{layer.name}_offset", column(tensor, layer.offset))
        tensor = graph.node("Add", f"{layer.name}_add", tensor, offset)
    return tensor
