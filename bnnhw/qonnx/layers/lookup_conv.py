"""Truth tables at every position: a Conv gives the addresses, whose weights are the places in them, Gather the rest.

Standard operators, which any runtime executes. Addresses count levels, 0 for the least value of an element's type.
"""

from __future__ import annotations

import numpy as np

from bnnhw.ir import LookupConv
from bnnhw.qonnx.exporters import EXPORTERS
from bnnhw.qonnx.graph import Graph, Tensor
from bnnhw.qonnx.layers.lookup import check_tables, factors, read_tables, starts
from bnnhw.qonnx.maps import as_map, column, pad_for, windowed

__all__: list[str] = []


@EXPORTERS.register(LookupConv)
def _lookup_conv(graph: Graph, tensor: Tensor, layer: LookupConv) -> Tensor:
    window, tables = layer.window, layer.tables
    tensor = as_map(graph, tensor, layer.name, layer.input)
    check_tables(tables)
    weights = np.zeros((tables.neurons, tables.inputs))
    # A neuron may read an element at two places of its address.
    for place, factor in enumerate(factors(tables)):
        weights[np.arange(tables.neurons), tables.sources[:, place]] += factor
    weights = weights.reshape(tables.neurons, *window.kernel, window.channels).transpose(0, 3, 1, 2)
    tensor, pads = pad_for(graph, tensor, layer.name, window, layer.padding_code, layer.input)
    place = graph.node(
        "Conv",
        f"{layer.name}_sum",
        tensor,
        graph.constant(f"{layer.name}_factors", weights.astype(np.float32)),
        shape=windowed(tensor, window, tables.neurons),
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=pads,
    )
    start = graph.constant(f"{layer.name}_starts", column(place, starts(tables)))
    return read_tables(graph, graph.node("Add", f"{layer.name}_add", place, start), tables, tensor.element)
