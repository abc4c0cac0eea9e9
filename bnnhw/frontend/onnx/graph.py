"""An ONNX file as a checked graph: nodes in an order that can be run, constants as arrays.

The file is hostile until shown otherwise: sizes are compared with the bytes that are there before
anything is allocated, data in other files is refused, and so are cycles, dangling inputs and tensors
with two origins. What a node means is not decided here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from bnnhw.errors import FileError, UnsupportedError
from bnnhw.frontend.onnx.tensors import read_tensor, type_word

__all__ = ["ONNX_DOMAINS", "Graph", "Node", "parse"]

ONNX_DOMAINS = ("", "ai.onnx")

MAX_NODES = 10_000
"""Most nodes read: networks that fit a chip have hundreds."""

MAX_ELEMENTS = 1 << 22
"""Most elements of a sample: 27 times an image of 224 x 224 pixels."""


INPUT_TYPES: Mapping[int, str | None] = {
    onnx.TensorProto.FLOAT: None,
    onnx.TensorProto.DOUBLE: None,
    onnx.TensorProto.BOOL: "uint1",
    onnx.TensorProto.UINT4: "uint4",
    onnx.TensorProto.INT4: "int4",
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.INT8: "int8",
    **dict.fromkeys((onnx.TensorProto.INT16, onnx.TensorProto.UINT16, onnx.TensorProto.INT32), None),
    onnx.TensorProto.INT64: None,
}
"""Types that a graph's input may have; our name of those that a network's elements may have."""


@dataclass(frozen=True, eq=False)
class Node:
    """One node.

    Parameters
    ----------
    kind, domain, name : str
    position, total : int
        1-based, in the order of the file.
    inputs, outputs : tuple of str
        Tensor names; an omitted optional one is empty.
    attributes : mapping of str to int, float, str, array, or tuple of int or float
    proto : onnx.NodeProto
        As it stands in the file.
    """

    kind: str
    domain: str
    name: str
    position: int
    total: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    proto: onnx.NodeProto = field(default_factory=onnx.NodeProto, repr=False)

    def __str__(self) -> str:
        # A type or a name may hold anything, a line break included.
        kind = self.kind if self.kind.isidentifier() else repr(self.kind)[:60]
        return f"node {self.position} of {self.total}: {kind} {self.name!r:.60}"


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph with one input and one output.

    Parameters
    ----------
    nodes : tuple of Node
        Each after those that it reads from.
    constants : mapping of str to array
        Initializers, without NaN; infinities are for their readers to refuse.
    input, output : str
        Tensor names.
    shape : tuple of int
        Of one sample: the input's without its first dimension, the batch.
    metadata : mapping of str to str
    opset : int
        Version of ONNX's own operators.
    element : int
        Type of the input's numbers (ONNX's TensorProto).
    annotations : mapping of str to str
        QONNX's names of the types of tensors (``finn_datatype``).
    producer : str
        What wrote the file.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    input: str
    output: str
    shape: tuple[int, ...]
    metadata: Mapping[str, str]
    opset: int
    element: int = onnx.TensorProto.FLOAT
    annotations: Mapping[str, str] = field(default_factory=dict)
    producer: str = ""


def _text(value: str | bytes) -> str:
    """A string of a protobuf, which comes as bytes if it is not UTF-8."""
    if isinstance(value, bytes):
        raise FileError("not an ONNX model: a name is not UTF-8")
    return value


def _attributes(proto: onnx.NodeProto, where: str) -> dict[str, Any]:
    """Scalars, strings, tensors and lists of numbers; others are left out, and no handler asks for them."""
    kinds = onnx.AttributeProto
    attributes: dict[str, Any] = {}
    for attribute in proto.attribute:
        if attribute.type == kinds.INT:
            attributes[_text(attribute.name)] = int(attribute.i)
        elif attribute.type == kinds.FLOAT:
            attributes[_text(attribute.name)] = float(attribute.f)
        elif attribute.type == kinds.STRING:
            attributes[_text(attribute.name)] = attribute.s.decode("utf-8", "replace")
        elif attribute.type == kinds.INTS:
            attributes[_text(attribute.name)] = tuple(int(i) for i in attribute.ints)
        elif attribute.type == kinds.FLOATS:
            attributes[_text(attribute.name)] = tuple(float(f) for f in attribute.floats)
        elif attribute.type == kinds.TENSOR:
            attributes[_text(attribute.name)] = read_tensor(attribute.t, f"{where}: attribute {attribute.name!r:.60}")
    return attributes


def _sorted(nodes: Iterable[Node], known: set[str]) -> tuple[Node, ...]:
    """Nodes, each after those that it reads from (Kahn's algorithm); ``known`` are the tensors given."""
    nodes = tuple(nodes)
    makers: dict[str, Node] = {}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in known or name in makers:
                raise FileError(f"{node}: output {name!r:.60} has another origin already")
            makers[name] = node
    waiting: dict[int, int] = {}
    readers: dict[int, list[Node]] = {node.position: [] for node in nodes}
    for node in nodes:
        sources = set()
        for name in filter(None, node.inputs):
            if name in makers:
                sources.add(makers[name].position)
            elif name not in known:
                raise FileError(f"{node}: input {name!r:.60} comes from nowhere")
        waiting[node.position] = len(sources)
        for source in sources:
            readers[source].append(node)
    ready = [node for node in reversed(nodes) if not waiting[node.position]]
    order: list[Node] = []
    while ready:
        node = ready.pop()
        order.append(node)
        for reader in readers[node.position]:
            waiting[reader.position] -= 1
            if not waiting[reader.position]:
                ready.append(reader)
    if len(order) < len(nodes):
        stuck = next(node for node in nodes if waiting[node.position])
        raise FileError(f"{stuck}: its input depends on its own output")
    return tuple(order)


def _input_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    where = f"graph input {_text(value.name)!r:.60}"
    tensor = value.type.tensor_type
    if tensor.elem_type not in INPUT_TYPES:
        word = type_word(tensor.elem_type)
        raise UnsupportedError(f"{where}: must be float, double or integers, not {word}: export the model in float32")
    dims = tensor.shape.dim
    if len(dims) < 2:
        raise UnsupportedError(f"{where}: must have a batch dimension and those of a sample, not {len(dims)}")
    # Past the batch, a dimension without a value reads as 0.
    shape = tuple(int(dim.dim_value) for dim in dims[1:])
    if any(size < 1 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise UnsupportedError(
            f"{where}: a sample must have a fixed shape of at most {MAX_ELEMENTS} elements, not {shape}"
        )
    return shape


def _opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators; the newest that is known where none is stated or a newer one."""
    newest = onnx.defs.onnx_opset_version()
    stated = [int(entry.version) for entry in model.opset_import if _text(entry.domain) in ONNX_DOMAINS]
    return min(max([version for version in stated if version > 0], default=newest), newest)


def _annotations(graph: onnx.GraphProto) -> dict[str, str]:
    """QONNX's types of tensors, by the tensor's name."""
    return {
        _text(note.tensor_name): _text(entry.value)
        for note in graph.quantization_annotation
        for entry in note.quant_parameter_tensor_names
        if entry.key == "finn_datatype"
    }


def _parse(model: onnx.ModelProto) -> Graph:
    graph = model.graph
    if model.ir_version < 1 or not graph.node:
        raise FileError("not an ONNX model: it has no nodes")
    for what, present in (
        ("functions", model.functions),
        ("training information", model.training_info),
        ("sparse initializers", graph.sparse_initializer),
    ):
        if present:
            raise UnsupportedError(f"a model with {what} is not supported")
    if len(graph.node) > MAX_NODES:
        raise UnsupportedError(f"a model must have at most {MAX_NODES} nodes, not {len(graph.node)}")
    constants: dict[str, NDArray[Any]] = {}
    for tensor in graph.initializer:
        name = _text(tensor.name)
        if name in constants:
            raise FileError(f"initializer {name!r:.60} is there twice")
        constants[name] = read_tensor(tensor, f"initializer {name!r:.60}")
    # Before IR version 4 initializers had to be listed as inputs too.
    inputs = [value for value in graph.input if _text(value.name) not in constants]
    for what, values in (("input", inputs), ("output", graph.output)):
        if len(values) != 1:
            raise UnsupportedError(f"a model must have one {what}, not {len(values)}")
    total = len(graph.node)
    nodes = []
    for position, proto in enumerate(graph.node, 1):
        sources, results = tuple(map(_text, proto.input)), tuple(map(_text, proto.output))
        words = (_text(proto.op_type), _text(proto.domain), _text(proto.name))
        bare = Node(*words, position, total, sources, results)
        attributes = _attributes(proto, str(bare))
        nodes.append(Node(*words, position, total, sources, results, attributes, proto))
    return Graph(
        _sorted(nodes, {inputs[0].name, *constants}),
        constants,
        inputs[0].name,
        _text(graph.output[0].name),
        _input_shape(inputs[0]),
        {_text(entry.key): _text(entry.value) for entry in model.metadata_props},
        _opset(model),
        inputs[0].type.tensor_type.elem_type,
        _annotations(graph),
        _text(model.producer_name),
    )


def parse(data: bytes) -> Graph:
    """Read an ONNX file's bytes.

    Raises
    ------
    FileError
        Truncated, foreign, or not well formed.
    UnsupportedError
        Well formed, but with parts that are not read.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise FileError("not an ONNX model, or a truncated one") from None
    return _parse(model)
