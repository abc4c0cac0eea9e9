"""QONNX graphs -> networks: walks a checked graph and asks a handler per node what its output stands for.

QONNX is ONNX with quantizers as nodes (Pappalardo et al., 2022, arXiv:2206.07527): ``Quant`` and
``BipolarQuant`` of the domain ``qonnx.custom_op.general``. What is read is listed in
:mod:`bnnhw.frontend.onnx.nodes`; the graph must be one chain

    raw samples -> quantizer -> [product -> monotone steps -> quantizer] ... -> product -> affine steps -> scores,

a product being a MatMul, a Gemm or a Conv. Pools may stand anywhere between a product and the next one, and branches of
the chain may be added up where they are integers times exact factors (:mod:`bnnhw.frontend.onnx.branches`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count

import numpy as np

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.frontend.onnx.call import Call, Handler
from bnnhw.frontend.onnx.fold import fold, foldable
from bnnhw.frontend.onnx.graph import Graph, Node
from bnnhw.frontend.onnx.nodes import HANDLERS
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.values import Constant, Elements, Product, Samples, Value, cost, kind_of, layout
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.bends import bend
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Dense, Output
from bnnhw.ir.network import Network

__all__ = ["MAX_NUMBERS", "convert"]

MAX_NUMBERS = 1 << 27
"""Most numbers held, over all nodes: a graph can quantize one initializer any number of times."""


def _samples(graph: Graph, input_scale: Fraction | None) -> Samples:
    """What the graph's input stands for."""
    if len(graph.shape) not in (1, 2, 3):
        raise UnsupportedError(
            f"graph input {graph.input!r:.60}: a sample must be (features,), (channels, length) or (channels, height, "
            f"width), not {graph.shape}"
        )
    frame = graph.shape
    index = np.arange(np.prod(frame), dtype=np.int32)
    if len(frame) > 1:
        # A signal is a map of height 1.
        frame = (frame[0], *(1,) * (3 - len(frame)), *frame[1:])
        index = layout((frame[0], frame[1], frame[2])).reshape(graph.shape)
    # Our own trainer's models take raw samples as they are.
    if input_scale is None and "bnnhw" in graph.metadata:
        input_scale = Fraction(1)
    return Samples(frame, index, input_scale=input_scale)


def _shared(graph: Graph) -> set[str]:
    """Tensors that several nodes compute with, among those that the graph's output depends on."""
    live = {graph.output}
    readers: Counter[str] = Counter()
    for node in reversed(graph.nodes):
        if not live.isdisjoint(node.outputs):
            live.update(node.inputs)
            # A shape is no number of the tensor.
            readers.update(set(node.inputs) if node.kind not in ("Shape", "Size") else ())
    return {name for name, count in readers.items() if count > 1}


def _handler(node: Node) -> Handler:
    """What converts a node."""
    handler = HANDLERS.get(node.kind)
    if handler is None:
        raise UnsupportedError(
            f"{node} is not read: train with operators that are ({', '.join(sorted(HANDLERS))}), and compute constants "
            "with any of ONNX's own"
        )
    if node.domain not in handler.domains:
        names = ", ".join(repr(domain) for domain in handler.domains)
        raise UnsupportedError(f"{node}: its domain must be one of {names}, not {node.domain!r:.60}")
    return handler


def _value(call: Call, infinite: set[str], shared: bool) -> Value:
    """What a node's output stands for.

    Parameters
    ----------
    call : Call
    infinite : set of str
        Constants with infinities.
    shared : bool
        Whether several nodes read the output.
    """
    node = call.node
    if not node.outputs or not node.outputs[0] or any(node.outputs[1:]):
        raise call.unsupported("it must have one output")
    handler = HANDLERS.get(node.kind)
    if foldable(call) and not (handler and handler.takes(call)):
        return fold(call)
    handler = _handler(node)
    for name in infinite.intersection(node.inputs):
        if not handler.infinite:
            raise UnsupportedError(f"{node}: input {name!r:.60} must be finite")
    try:
        value = handler.convert(call)
        if shared and isinstance(value, Elements):
            return replace(value, pinned=len(value.layers))
        return as_integers(call, value) if isinstance(value, Product) and shared else value
    except NetworkError as error:
        raise NetworkError(f"{node}: {error}") from None


def convert(graph: Graph, input_scale: Fraction | None = None) -> tuple[Network, tuple[str, ...]]:
    """The network of a graph, and warnings.

    Parameters
    ----------
    graph : Graph
    input_scale : Fraction, optional
        What the graph takes is a raw sample times this; otherwise :mod:`bnnhw.frontend.onnx.samples` decides.

    Raises
    ------
    UnsupportedError, NetworkError
        Naming the node, for what can't be converted exactly.
    """
    values: dict[str, Value] = {name: Constant(array) for name, array in graph.constants.items()}
    values[graph.input] = _samples(graph, input_scale)
    read: set[str] = {graph.output}
    # Thresholds that are never or always met, and constants on the way, are the uses of infinities.
    infinite = {name for name, array in graph.constants.items() if not np.isfinite(array).all()}
    shared = _shared(graph)
    held = 0
    for node in graph.nodes:
        read.update(node.inputs)
        call = Call(node, tuple(values[name] if name else None for name in node.inputs), graph.opset)
        value = _value(call, infinite, any(name in shared for name in node.outputs))
        if isinstance(value, Constant) and not np.isfinite(value.array).all():
            infinite.add(node.outputs[0])
        values[node.outputs[0]] = value
        held += cost(value)
        if held > MAX_NUMBERS:
            raise call.unsupported(f"a model must hold at most {MAX_NUMBERS} numbers")
    unread = tuple(f"{node}: nothing reads its output" for node in graph.nodes if node.outputs[0] not in read)
    network, notes = _network(graph, values.get(graph.output))
    return network, (*notes, *unread)


def _last(where: str, product: Product) -> Dense:
    """The matrix that ends a network: fully connected, or a convolution over the whole map."""
    window, dense = product.layer.window, product.dense
    if window is None:
        return dense
    whole = window.kernel == (window.height, window.width) and window.positions == 1 and not window.padded
    # A neuron of a depthwise convolution sees one channel.
    if not whole or dense.synapses != math.prod(product.layer.shape_in):
        raise UnsupportedError(f"{where}: must be a matrix product or a convolution over the whole map")
    return dense


def _named(layers: tuple[Layer, ...], numbers: Iterator[int]) -> tuple[Layer, ...]:
    """Layers named by the word for their kind and their number in the order of :func:`~bnnhw.ir.layer.walk`."""
    found: list[Layer] = []
    for layer in layers:
        layer = layer.with_branches(tuple(_named(branch, numbers) for branch in layer.branches))
        found.append(layer.renamed(f"{layer.stem}{next(numbers)}"))
    return tuple(found)


def _network(graph: Graph, end: Value | None) -> tuple[Network, tuple[str, ...]]:
    """The network that ends in a value, and what was assumed on the way."""
    where = f"graph output {graph.output!r:.60}"
    if not isinstance(end, Product):
        raise UnsupportedError(f"{where}: must be {kind_of(Product)}, not {kind_of(end)}")
    if bent := bend(end.steps):
        raise UnsupportedError(f"{where}: must be affine in a matrix product, without a {bent}")
    last = _last(where, end)
    if not np.array_equal(end.index.ravel(), np.arange(last.neurons)):
        raise UnsupportedError(f"{where}: must have its classes in the order of its matrix product")
    output = Output.plain("output", last.neurons)
    if end.steps:
        output = Output(output.name, output.multiplier, output.offset, end.steps)
    elif (affine := dot_affine(last)).scale == 1:
        # Accumulators of bit planes differ from dot products by a constant of each class's own.
        output = Output(output.name, np.ones(output.classes, np.int64), affine.constants)
    layers = _named((*end.elements.layers, last), count())
    return Network(end.elements.input, (*layers, output)), end.elements.notes
