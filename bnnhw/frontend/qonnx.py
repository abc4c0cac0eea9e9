"""QONNX graphs -> networks: walks a checked graph and asks a handler per node what its output stands for.

QONNX is ONNX with quantizers as nodes (Pappalardo et al., 2022, arXiv:2206.07527): ``Quant`` and
``BipolarQuant`` of the domain ``qonnx.custom_op.general``. What is read is listed in
:mod:`bnnhw.frontend.handlers`; the graph must be one chain

    raw samples -> quantizer -> [MatMul or Gemm -> monotone steps -> quantizer] ... -> affine steps -> scores.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.frontend.call import Call
from bnnhw.frontend.handlers import HANDLERS
from bnnhw.frontend.onnx_graph import Graph
from bnnhw.frontend.values import Constant, Product, Samples, Value, cost, kind_of
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.layers import Output
from bnnhw.ir.network import Layer, Network
from bnnhw.ir.steps import Relu

__all__ = ["MAX_NUMBERS", "convert"]

MAX_NUMBERS = 1 << 27
"""Most numbers held, over all nodes: a graph can quantize one initializer any number of times."""


def _samples(graph: Graph, input_scale: Fraction | None) -> Samples:
    """What the graph's input stands for."""
    if len(graph.shape) not in (1, 3):
        raise UnsupportedError(
            f"graph input {graph.input!r:.60}: a sample must be (features,) or (channels, height, width), "
            f"not {graph.shape}"
        )
    index = np.arange(np.prod(graph.shape), dtype=np.int32)
    if len(graph.shape) == 3:
        channels, height, width = graph.shape
        index = index.reshape(height, width, channels).transpose(2, 0, 1)
    # Our own trainer's models take raw samples as they are.
    if input_scale is None and "bnnhw" in graph.metadata:
        input_scale = Fraction(1)
    return Samples(graph.shape, index, input_scale=input_scale)


def convert(graph: Graph, input_scale: Fraction | None = None) -> tuple[Network, tuple[str, ...]]:
    """The network of a graph, and warnings.

    Parameters
    ----------
    graph : Graph
    input_scale : Fraction, optional
        What the graph takes is a raw sample times this; otherwise :mod:`bnnhw.frontend.samples` decides.

    Raises
    ------
    UnsupportedError, NetworkError
        Naming the node, for what can't be converted exactly.
    """
    values: dict[str, Value] = {name: Constant(array) for name, array in graph.constants.items()}
    values[graph.input] = _samples(graph, input_scale)
    read: set[str] = {graph.output}
    # Thresholds that are never or always met are the one use of infinities.
    infinite = {name for name, array in graph.constants.items() if not np.isfinite(array).all()}
    held = 0
    for node in graph.nodes:
        handler = HANDLERS.get(node.kind)
        if handler is None or node.domain not in handler.domains:
            domain = f" of domain {node.domain!r:.60}" if node.domain else ""
            raise UnsupportedError(f"{node}{domain} is not supported; supported: {', '.join(sorted(HANDLERS))}")
        read.update(node.inputs)
        for name in infinite.intersection(node.inputs):
            if node.kind != "MultiThreshold":
                raise UnsupportedError(f"{node}: input {name!r:.60} must be finite")
        call = Call(node, tuple(values[name] if name else None for name in node.inputs))
        if not node.outputs or not node.outputs[0] or any(node.outputs[1:]):
            raise call.unsupported("it must have one output")
        try:
            value = handler.convert(call)
        except NetworkError as error:
            raise NetworkError(f"{node}: {error}") from None
        values[node.outputs[0]] = value
        held += cost(value)
        if held > MAX_NUMBERS:
            raise call.unsupported(f"a model must hold at most {MAX_NUMBERS} numbers")
    unread = tuple(f"{node}: nothing reads its output" for node in graph.nodes if node.outputs[0] not in read)
    network, notes = _network(graph, values.get(graph.output))
    return network, (*notes, *unread)


def _network(graph: Graph, end: Value | None) -> tuple[Network, tuple[str, ...]]:
    """The network that ends in a value, and what was assumed on the way."""
    where = f"graph output {graph.output!r:.60}"
    if not isinstance(end, Product):
        raise UnsupportedError(f"{where}: must be {kind_of(Product)}, not {kind_of(end)}")
    if any(isinstance(step, Relu) for step in end.steps):
        raise UnsupportedError(f"{where}: must be affine in a matrix product, without a Relu")
    output = Output.plain("output", end.layer.neurons)
    if end.steps:
        output = Output(output.name, output.multiplier, output.offset, end.steps)
    elif (affine := dot_affine(end.layer)).scale == 1:
        # Accumulators of bit planes differ from dot products by a constant of each class's own.
        output = Output(output.name, np.ones(output.classes, np.int64), affine.constants)
    layers: tuple[Layer, ...] = (*end.elements.layers, end.layer, output)
    return Network(end.elements.input, layers), end.elements.notes
