"""Branches of one stream, added."""

from __future__ import annotations

from bnnhw.ir import Residual, follow
from bnnhw.qonnx.exporters import EXPORTERS, add_layers, check_reach, reach
from bnnhw.qonnx.graph import Graph, Tensor, type_name
from bnnhw.qonnx.maps import as_map

__all__: list[str] = []


@EXPORTERS.register(Residual)
def _residual(graph: Graph, tensor: Tensor, layer: Residual) -> Tensor:
    tensor = as_map(graph, tensor, layer.name, layer.input)
    check_reach(layer.name, "sums", reach(layer.output))
    ends = []
    for branch in layer.branches:
        _, dtype = follow(layer.shape_in, layer.input, branch)
        ends.append(as_map(graph, add_layers(graph, tensor, branch), f"{layer.name}_branch", dtype))
    return graph.node("Add", f"{layer.name}_add", *ends, dtype=type_name(layer.output))
