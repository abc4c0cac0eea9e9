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

__all__ = ["check_tables", "factors", "read_tables", "starts"]


def _by_level(layer: Lookup) -> NDArray[np.uint8]:
    """The tables with the levels of their sources for an address, in place of the codes."""
    bits = layer.input.bits
    address = np.arange(1 << layer.address_bits)
    codes = np.zeros_like(address)
    for place in range(layer.fan_in):
        level = address >> (place * bits) & (layer.input.levels - 1)
        codes |= layer.input.codes(level).astype(np.int64) << (place * bits)
    return layer.tables[:, codes]


def check_tables(layer: Lookup) -> None:
    """Refuse tables whose places float32 can't tell apart."""
    check_reach(layer.name, "entries of all tables", 2 * layer.neurons << layer.address_bits)


def factors(layer: Lookup) -> NDArray[np.float64]:
    """What each element that a neuron reads is multiplied with for its part of the address: (fan-in,)."""
    step = 2 if layer.input.kind == "bipolar" else 1
    return layer.input.levels ** np.arange(layer.fan_in) / step


def starts(layer: Lookup) -> NDArray[np.float64]:
    """What is added to a neuron's sum, so that it is a place in all tables one after another: (neurons,)."""
    return (np.arange(layer.neurons) << layer.address_bits) - layer.input.minimum * factors(layer).sum()


def read_tables(graph: Graph, place: Tensor, layer: Lookup, element: int) -> Tensor:
    """What stands at a place in all tables."""
    address = graph.node(
        "Cast", f"{layer.name}_address", place, element=TensorProto.INT64, attributes={"to": TensorProto.INT64}
    )
    values = layer.output.values(_by_level(layer)).ravel().astype(np.float32)
    dtype = type_name(layer.output)
    table = graph.constant(f"{layer.name}_tables", values, dtype)
    return graph.node("Gather", f"{layer.name}_look_up", table, address, element=element, dtype=dtype, axis=0)


@EXPORTERS.register(Lookup)
def _lookup(graph: Graph, tensor: Tensor, layer: Lookup) -> Tensor:
    tensor = as_list(graph, tensor, layer.name, layer.input)
    check_tables(layer)
    sources = graph.constant(f"{layer.name}_sources", layer.sources.astype(np.int64))
    shape = (tensor.shape[0], layer.neurons, layer.fan_in)
    read = graph.node("Gather", f"{layer.name}_read", tensor, sources, shape=shape, axis=1)
    factor = graph.constant(f"{layer.name}_factors", factors(layer).astype(np.float32))
    place = graph.node("MatMul", f"{layer.name}_sum", read, factor, shape=shape[:2])
    start = graph.constant(f"{layer.name}_starts", starts(layer).astype(np.float32))
    return read_tables(graph, graph.node("Add", f"{layer.name}_add", place, start), layer, tensor.element)
