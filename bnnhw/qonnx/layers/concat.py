"""Branches of one stream, joined."""

from __future__ import annotations

from bnnhw.ir import Concat, follow
from bnnhw.qonnx.exporters import EXPORTERS, add_layers
from bnnhw.qonnx.graph import Graph, Tensor, type_name
from bnnhw.qonnx.maps import as_list, as_map

__all__: list[str] = []


@EXPORTERS.register(Concat)
def _concat(graph: Graph, tensor: Tensor, layer: Concat) -> Tensor:
    tensor = as_map(graph, tensor, layer.name, layer.input)
    ends: list[Tensor] = []
    for name, branch in zip(layer.branch_names, layer.branches, strict=True):
        _, dtype = follow(layer.shape_in, layer.input, branch)
        end = add_layers(graph, tensor, branch)
        ends.append((as_list if layer.flat else as_map)(graph, end, f"{layer.name}_{name}", dtype))
    shape = (ends[0].shape[0], ends[0].shape[1] + ends[1].shape[1], *ends[0].shape[2:])
    dtype = type_name(layer.output)
    return graph.node("Concat", f"{layer.name}_concat", *ends, shape=shape, dtype=dtype, axis=1)
