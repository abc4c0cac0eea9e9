"""QONNX graphs -> networks: walks a checked graph and asks a handler per node what its output stands for.

QONNX is ONNX with quantizers as nodes (Pappalardo et al., 2022, arXiv:2206.07527): ``Quant`` and
``BipolarQuant`` of the domain ``qonnx.custom_op.general``. What is read is listed in
:mod:`bnnhw.frontend.onnx.nodes`; the graph must be one chain

    raw samples -> quantizer -> [product -> monotone steps -> quantizer] ... -> product -> affine steps -> scores,

a product being a MatMul, a Gemm or a Conv. Pools may stand anywhere between a product and the next one, and branches of
the chain may be added up where they are integers times exact factors (:mod:`bnnhw.frontend.onnx.branches`), or joined
(:mod:`bnnhw.frontend.onnx.joins`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.frontend.onnx.call import Call, Handler
from bnnhw.frontend.onnx.end import network_of
from bnnhw.frontend.onnx.fold import fold, foldable
from bnnhw.frontend.onnx.given import NOTHING, Given, graph_samples, noted
from bnnhw.frontend.onnx.graph import Graph, Node
from bnnhw.frontend.onnx.nodes import HANDLERS
from bnnhw.frontend.onnx.nodes.ends import behind
from bnnhw.frontend.onnx.samples import as_stated
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.unread import not_read
from bnnhw.frontend.onnx.values import Constant, Elements, Product, Ranked, Samples, Value, cost
from bnnhw.ir.input_spec import LAYOUTS
from bnnhw.ir.network import Network

__all__ = ["MAX_NUMBERS", "convert"]

MAX_NUMBERS = 1 << 27
"""Most numbers held, over all nodes: a graph can quantize one initializer any number of times."""


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


def _handler(node: Node, ranked: Ranked | None) -> Handler:
    """What converts a node, which may read what is ranked."""
    if ranked is not None:
        return Handler(partial(behind, ranked=ranked), (node.domain,), outputs=len(node.outputs))
    handler = HANDLERS.get(node.kind)
    if handler is None:
        raise not_read(node, HANDLERS)
    if node.domain not in handler.domains:
        names = ", ".join(repr(domain) for domain in handler.domains)
        raise UnsupportedError(f"{node}: its domain must be one of {names}, not {node.domain!r:.60}")
    return handler


def _check_outputs(call: Call, most: int) -> None:
    outputs = call.node.outputs
    if not any(outputs[:most]) or any(outputs[most:]):
        raise call.unsupported(f"it must have {'one output' if most == 1 else f'one to {most} outputs'}")


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
    handler = HANDLERS.get(node.kind)
    if foldable(call) and not (handler and handler.takes(call)):
        _check_outputs(call, 1)
        return fold(call)
    handler = _handler(node, next((value for value in call.inputs if isinstance(value, Ranked)), None))
    _check_outputs(call, handler.outputs)
    for name in infinite.intersection(node.inputs):
        if not handler.infinite:
            raise UnsupportedError(f"{node}: input {name!r:.60} must be finite")
    try:
        if not handler.samples:
            inputs = tuple(as_stated(call, value) if isinstance(value, Samples) else value for value in call.inputs)
            call = replace(call, inputs=inputs)
        value = handler.convert(call)
        if shared and isinstance(value, Elements):
            return replace(value, pinned=len(value.layers))
        return as_integers(call, value) if isinstance(value, Product) and shared else value
    except NetworkError as error:
        raise NetworkError(f"{node}: {error}") from None


class _Progress:
    """How far a conversion came."""

    nodes = 0


def _orders(graph: Graph) -> list[str]:
    """Which layouts raw samples may have: channels first, and those that a Transpose of the graph turns into that."""
    rank = len(graph.shape)
    found = [LAYOUTS[0]]
    for node in graph.nodes:
        perm = node.attributes.get("perm")
        if node.kind != "Transpose" or not isinstance(perm, tuple) or sorted(perm) != list(range(rank + 1)) or perm[0]:
            continue
        if rank == 3:
            # Axis i of the map is axis perm[1 + i] - 1 of the sample.
            found.append("".join(LAYOUTS[0][perm[1:].index(1 + axis)] for axis in range(rank)))
        elif rank == 2 and perm[1:] == (2, 1):
            # A signal is a map of height 1.
            found.append(LAYOUTS[1])
    return list(dict.fromkeys(found))


def convert(graph: Graph, given: Given = NOTHING) -> tuple[Network, tuple[str, ...]]:
    """The network of a graph, and warnings.

    Parameters
    ----------
    graph : Graph
    given : Given
        What is known of raw samples; otherwise :mod:`bnnhw.frontend.onnx.samples` decides.

    Raises
    ------
    UnsupportedError, NetworkError
        Naming the node, for what can't be converted exactly.
    """
    # A graph does not say which axis of its samples is that of the channels: Keras has them last.
    refused: list[tuple[int, UnsupportedError | NetworkError]] = []
    for order in _orders(graph):
        progress = _Progress()
        try:
            return _convert(graph, given, order, progress)
        except (UnsupportedError, NetworkError) as error:
            refused.append((progress.nodes, error))
    # The first of those that came furthest.
    raise max(refused, key=lambda pair: pair[0])[1]


def _convert(graph: Graph, given: Given, order: str, progress: _Progress) -> tuple[Network, tuple[str, ...]]:
    """The network of a graph whose samples have a layout."""
    values: dict[str, Value] = {name: Constant(array) for name, array in graph.constants.items()}
    values[graph.input] = graph_samples(graph, given, order)
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
            infinite.update(node.outputs)
        if isinstance(value, Samples):
            value = noted(value, graph.annotations.get(node.outputs[0]), str(node))
        values.update((name, value) for name in node.outputs if name)
        held += cost(value)
        if held > MAX_NUMBERS:
            raise call.unsupported(f"a model must hold at most {MAX_NUMBERS} numbers")
        progress.nodes += 1
    unread = tuple(f"{node}: nothing reads its output" for node in graph.nodes if read.isdisjoint(node.outputs))
    maker = next((node for node in graph.nodes if graph.output in node.outputs), graph.nodes[-1])
    network, notes = network_of(graph.output, values.get(graph.output), Call(maker, (), graph.opset))
    return network, (*notes, *unread)
