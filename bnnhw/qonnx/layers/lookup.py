"""Truth tables: Gather of what each neuron reads, MatMul and Add to an address, Gather of what stands there.

Standard operators, which any runtime executes. Addresses count levels, 0 for the least value of an element's type.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from bnnhw.ir import Lookup
from bnnhw.qonnx.exporters import EXPORTERS, check_reach
from bnnhw.qonnx.graph import Graph, Tensor, type_name
from bnnhw.qonnx.maps import as_list

__all__: list[str] = []


def _by_level(layer: Lookup) -> NDArray[np.uint8]:
    """The tables with the levels of their sources for an address, in place of the codes."""
    bits = layer.input.bits
    address = np.arange(1 << layer.address_bits)
    codes = np.zeros_like(address)
    for place in range(layer.fan_in):
        level = address >> (place * bits) & (layer.input.levels - 1)
        codes |= layer.input.codes(level).astype(np.int64) << (place * bits)
    return layer.tables[:, codes]


@EXPORTERS.register(Lookup)
def _lookup(graph: Graph, tensor: Tensor, layer: Lookup) -> Tensor:
    tensor = as_list(graph, tensor, layer.name, layer.input)
    batch, entries = tensor.shape[0], 1 << layer.address_bits
    check_reach(layer.name, "entries of all tables", 2 * layer.neurons * entries)
    step = 2 if layer.input.kind == "bipolar" else 1
    factors = layer.input.levels ** np.arange(layer.fan_in) / step
    starts = np.arange(layer.neurons) * entries - layer.input.minimum * factors.sum()
    sources = graph.constant(f"{layer.name}_sources", layer.sources.astype(np.int64))
    shape = (batch, layer.neurons, layer.fan_in)
    read = graph.node("Gather", f"{layer.name}_read", tensor, sources, shape=shape, axis=1)
    factor = graph.constant(f"{layer.name}_factors", factors.astype(np.float32))
    shape = shape[:2]
    place = graph.node("MatMul", f"{layer.name}_sum", read, factor, shape=shape)
    start = graph.constant(f"{layer.name}_starts", starts.astype(np.float32))
    place = graph.node("Add", f"{layer.name}_add", place, start)
    address = graph.node(
        "Cast", f"{layer.name}_address", place, element=TensorProto.INT64, attributes={"to": TensorProto.INT64}
    )
    values = layer.output.values(_by_level(layer)).ravel().astype(np.float32)
    table = graph.constant(f"{layer.name}_tables", values, type_name(layer.output))
    dtype = type_name(layer.output)
    return graph.node("Gather", f"{layer.name}_look_up", table, address, element=tensor.element, dtype=dtype, axis=0)
