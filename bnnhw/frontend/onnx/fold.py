"""Constants computed from constants, by ONNX's own reference implementation, whatever the operator.

An operator that ONNX defines needs no handler where all that it reads is known: it is computed in the types of the
graph, as every runtime computes it. What depends on the number of frames alone (a shape, and arithmetic on it) is
computed for two such numbers, :data:`~bnnhw.frontend.onnx.values.FRAMES`.

A graph is hostile until shown otherwise: before anything is computed ONNX's shape inference says how large the result
will be, and a result larger than all that it is computed from must stay small.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import defs, helper, numpy_helper, shape_inference

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.graph import ONNX_DOMAINS
from bnnhw.frontend.onnx.tensors import is_float, is_whole
from bnnhw.frontend.onnx.values import FRAMES, Constant, Dimensions, Value, Weights

__all__ = ["MAX_GROWN", "fold", "foldable"]

MAX_GROWN = 1 << 20
"""Most values of a result that is larger than all that it is computed from: a Tile, an Expand, a Range."""

MAX_DIMENSIONS = 1 << 10
"""Most values that depend on the number of frames: shapes, and masks of a few of them."""

_RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")

_PLAIN = (
    onnx.AttributeProto.FLOAT,
    onnx.AttributeProto.FLOATS,
    onnx.AttributeProto.INT,
    onnx.AttributeProto.INTS,
    onnx.AttributeProto.STRING,
    onnx.AttributeProto.STRINGS,
    onnx.AttributeProto.TENSOR,
)
"""Attributes of operators without a graph inside."""


def foldable(call: Call) -> bool:
    """Whether a node is one of ONNX's own, and all that it reads is known."""
    known = all(value is None or isinstance(value, Constant | Dimensions | Weights) for value in call.inputs)
    if not known or call.node.domain not in ONNX_DOMAINS or call.node.kind in _RANDOM:
        return False
    return defs.has(call.node.kind, call.opset)


def _type(array: NDArray[Any]) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _line(error: Exception) -> str:
    """The first line of another tool's message, short."""
    text = str(error).strip()
    return text.splitlines()[-1][:120] if text else type(error).__name__


def _version(call: Call) -> int:
    """The graph's version of the operator, or the last before it that has the node's inputs and attributes.

    Tools that rewrite graphs leave the nodes of older versions in them.
    """
    version = call.opset
    names = {attribute.name for attribute in call.node.proto.attribute}
    while defs.has(call.node.kind, version):
        schema = defs.get_schema(call.node.kind, version)
        if schema.min_input <= len(call.inputs) <= schema.max_input and names <= set(schema.attributes):
            return version
        version = schema.since_version - 1
    return call.opset


def _single(call: Call) -> onnx.NodeProto:
    """The node, its tensors named by their places, without a name of its own."""
    proto = onnx.NodeProto()
    proto.CopyFrom(call.node.proto)
    proto.domain, proto.name = "", ""
    proto.input[:] = [f"i{place}" if name else "" for place, name in enumerate(proto.input)]
    proto.output[:] = ["result"]
    return proto


def _check_size(call: Call, proto: onnx.NodeProto, version: int, given: dict[str, NDArray[Any]]) -> None:
    """Refuse what does not fit, or grows beyond bounds, before it is computed."""
    schema = defs.get_schema(call.node.kind, version)
    # Only small inputs say how large an output is: repeats, shapes, limits.
    data = {name: numpy_helper.from_array(array, name) for name, array in given.items() if array.size <= 64}
    opsets = [helper.make_opsetid("", version)]
    try:
        types = shape_inference.infer_node_outputs(
            schema, proto, {name: _type(array) for name, array in given.items()}, data, opset_imports=opsets
        )
    except Exception as error:  # noqa: BLE001  onnx has no one class of errors
        raise call.unsupported(f"its inputs do not fit it: {_line(error)}") from None
    result = types.get("result")
    dims = None if result is None or not result.tensor_type.HasField("shape") else result.tensor_type.shape.dim
    largest = max([MAX_GROWN, *(array.size for array in given.values())])
    if dims is None or any(not dim.HasField("dim_value") for dim in dims):
        raise call.unsupported("the size of its output must be known before it is computed: compute it before export")
    size = math.prod(dim.dim_value for dim in dims)
    if size > largest:
        raise call.unsupported(
            f"a constant that it makes must have at most {largest} values, not {size}: compute it before export"
        )


def _compute(call: Call, arrays: list[NDArray[Any] | None]) -> NDArray[Any]:
    """The node's output, in its own type."""
    from onnx.reference import ReferenceEvaluator

    proto = _single(call)
    if any(attribute.type not in _PLAIN for attribute in proto.attribute):
        raise call.unsupported("graphs inside a node are not read: compute its output before export")
    given = {name: array for name, array in zip(proto.input, arrays, strict=True) if array is not None}
    version = _version(call)
    _check_size(call, proto, version, given)
    graph = helper.make_graph(
        [proto],
        "constant",
        [helper.make_value_info(name, _type(array)) for name, array in given.items()],
        [helper.make_empty_tensor_value_info("result")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            (result,) = ReferenceEvaluator(model).run(["result"], given)
    except Exception as error:  # noqa: BLE001  whatever the Python code of an operator ends in
        raise call.unsupported(f"it can't be computed: {type(error).__name__}: {_line(error)}") from None
    array = np.asarray(result)
    if not (is_float(array) or is_whole(array) or array.dtype == np.bool_):
        raise call.unsupported("its output must be an array of numbers")
    return array


def fold(call: Call) -> Value:
    """The output of a node of which all inputs are known (:func:`foldable`).

    Raises
    ------
    UnsupportedError
        What can't be computed, would grow beyond bounds, or is no array of numbers.
    """
    if any(call.node.outputs[1:]):
        raise call.unsupported("it must have one output")
    floats = [value.array.dtype for value in call.inputs if isinstance(value, Constant) and is_float(value.array)]
    dtype = floats[0] if floats else np.dtype(np.float32)
    values = [
        Constant(value.dequantized().array.astype(dtype)) if isinstance(value, Weights) else value
        for value in call.inputs
    ]
    if not any(isinstance(value, Dimensions) for value in values):
        return Constant(_compute(call, [value.array if isinstance(value, Constant) else None for value in values]))
    results: list[NDArray[Any]] = []
    for number in range(len(FRAMES)):
        arrays: list[NDArray[Any] | None] = []
        for value in values:
            if isinstance(value, Dimensions):
                arrays.append(value.arrays[number])
            else:
                arrays.append(value.array if isinstance(value, Constant) else None)
        results.append(_compute(call, arrays))
    first, second = results
    if first.shape == second.shape and np.array_equal(first, second):
        return Constant(first)
    if max(first.size, second.size) > MAX_DIMENSIONS:
        raise call.unsupported(
            f"it makes {max(first.size, second.size)} values that depend on the number of frames: export the model "
            "with a batch of 1, or compute them before export"
        )
    return Dimensions((first, second))
