"""QONNX graphs -> networks: walks a checked graph and asks a handler per node what its output stands for.

QONNX is ONNX with quantizers as nodes (Pappalardo et al., 2022, arXiv:2206.07527): ``Quant`` and
``BipolarQuant`` of the domain ``qonnx.custom_op.general``. What is read is listed in
:mod:`bnnhw.frontend.handlers`; the graph must be one chain

    raw samples -> quantizer -> [MatMul or Gemm -> BatchNormalization -> BipolarQuant] ... -> scores.
"""

from __future__ import annotations

import numpy as np

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.frontend.handlers import HANDLERS, Call
from bnnhw.frontend.onnx_graph import Graph
from bnnhw.frontend.values import Constant, Normalized, Product, Samples, Value, Weights, kind_of
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.layers import Layer, Output
from bnnhw.ir.network import Network

__all__ = ["MAX_WEIGHTS", "convert"]

MAX_WEIGHTS = 1 << 28
"""Most weight bits held, over all nodes: a graph can quantize one initializer any number of times."""


def convert(graph: Graph) -> tuple[Network, tuple[str, ...]]:
    """The network of a graph, and warnings.

    Raises :class:`~bnnhw.errors.UnsupportedError` or :class:`~bnnhw.errors.NetworkError`, naming the
    node, for what can't be converted exactly.
    """
    if len(graph.shape) not in (1, 3):
        raise UnsupportedError(
            f"graph input {graph.input!r:.60}: a sample must be (features,) or (channels, height, width), "
            f"not {graph.shape}"
        )
    values: dict[str, Value] = {name: Constant(array) for name, array in graph.constants.items()}
    values[graph.input] = Samples(graph.shape, graph.shape)
    read: set[str] = {graph.output}
    held = 0
    for node in graph.nodes:
        handler = HANDLERS.get(node.kind)
        if handler is None or node.domain not in handler.domains:
            domain = f" of domain {node.domain!r:.60}" if node.domain else ""
            raise UnsupportedError(f"{node}{domain} is not supported; supported: {', '.join(sorted(HANDLERS))}")
        read.update(node.inputs)
        call = Call(node, tuple(values[name] if name else None for name in node.inputs))
        if not node.outputs or not node.outputs[0] or any(node.outputs[1:]):
            raise call.unsupported("it must have one output")
        try:
            values[node.outputs[0]] = handler.convert(call)
        except NetworkError as error:
            raise NetworkError(f"{node}: {error}") from None
        held += _weight_bits(values[node.outputs[0]])
        if held > MAX_WEIGHTS:
            raise call.unsupported(f"a model must have at most {MAX_WEIGHTS} weight bits")
    warnings = tuple(f"{node}: nothing reads its output" for node in graph.nodes if node.outputs[0] not in read)
    return _network(graph, values.get(graph.output)), warnings


def _weight_bits(value: Value) -> int:
    planes = value.planes if isinstance(value, Weights) else value.layer.weights if isinstance(value, Product) else ()
    return sum(plane.bits.rows * plane.bits.columns for plane in planes)


def _network(graph: Graph, end: Value | None) -> Network:
    """The network that ends in a value."""
    product = end.product if isinstance(end, Normalized) else end
    if not isinstance(product, Product):
        raise UnsupportedError(
            f"graph output {graph.output!r:.60}: must be {kind_of(Product)} or {kind_of(Normalized)}, "
            f"not {kind_of(end)}"
        )
    output = Output.plain("output", product.layer.neurons)
    if isinstance(end, Normalized):
        output = Output(output.name, output.multiplier, output.offset, (end.norm,))
    elif (affine := dot_affine(product.layer)).scale == 1:
        # Accumulators of bit planes differ from dot products by a constant of each class's own.
        output = Output(output.name, np.ones(output.classes, np.int64), affine.constants)
    layers: tuple[Layer, ...] = (*product.elements.layers, product.layer, output)
    return Network(product.elements.input, layers)
