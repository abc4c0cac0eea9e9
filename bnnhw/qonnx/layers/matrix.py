"""Layers with a weight matrix: MatMul and Conv, whose dot products go through thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Conv2d, Dense, Thresholds, dot_affine
from bnnhw.ir.arithmetic import weight_values
from bnnhw.qonnx.exporters import EXPORTERS, check_reach, reach
from bnnhw.qonnx.graph import Graph, Tensor, integer_name, type_name
from bnnhw.qonnx.maps import as_list, as_map, column, pad_for, windowed

__all__ = ["dot_product"]


def _weights(graph: Graph, dense: Dense, values: NDArray[np.int64], array: NDArray[np.int64]) -> str:
    low, high = int(values.min()), int(values.max())
    kind = "BIPOLAR" if np.isin(values, (-1, 1)).all() else "TERNARY" if (low, high) == (-1, 1) else None
    kind = kind or integer_name(min(low, -1), high)
    return graph.constant(f"{dense.name}_weights", array.astype(np.float32), kind)


def _activate(graph: Graph, tensor: Tensor, dense: Dense, most: int) -> Tensor:
    """From dot products of at most ``most`` to what the layer emits."""
    affine = dot_affine(dense)
    if isinstance(dense.activation, Thresholds):
        dots = affine.scale * dense.activation.values + affine.constants[:, None]
        # Planes can be counted that no dot product reaches: beyond the reach a threshold means never, or always.
        dots = dots.clip(-most, most + 1)
        kind = integer_name(min(int(dots.min()), -1), int(dots.max()))
        return graph.multithreshold(dense.name, tensor, dots.astype(np.float32), dense.activation.dtype, kind)
    constants = affine.constants
    check_reach(dense.name, "accumulators", max(reach(dense.output), most + int(np.abs(constants).max())))
    if constants.any():
        shift = graph.constant(f"{dense.name}_constants", column(tensor, -constants))
        tensor = graph.node("Add", f"{dense.name}_shift", tensor, shift)
    if affine.scale != 1:
        factor = graph.constant(f"{dense.name}_half", np.array([1 / affine.scale], np.float32))
        tensor = graph.node("Mul", f"{dense.name}_scale", tensor, factor, dtype=type_name(dense.output))
    return tensor


def _most(dense: Dense, values: NDArray[np.int64]) -> int:
    """The greatest dot product; refused, with the thresholds around it, if float32 can't hold it."""
    most = int(np.abs(values).sum(axis=1).max()) * reach(dense.input)
    # A threshold lies at most one step of 2 beyond the dot products.
    check_reach(dense.name, "dot products", most + 2)
    return most


def dot_product(graph: Graph, tensor: Tensor, layer: Dense) -> tuple[Tensor, int]:
    """The dot products of a fully connected layer, and the greatest that there can be."""
    tensor = as_list(graph, tensor, layer.name, layer.input)
    values = weight_values(layer)
    most = _most(layer, values)
    weights = _weights(graph, layer, values, values.T)
    shape, dtype = (tensor.shape[0], layer.neurons), integer_name(-most, most)
    return graph.node("MatMul", f"{layer.name}_matmul", tensor, weights, shape=shape, dtype=dtype), most


@EXPORTERS.register(Dense)
def _dense(graph: Graph, tensor: Tensor, layer: Dense) -> Tensor:
    tensor, most = dot_product(graph, tensor, layer)
    return _activate(graph, tensor, layer, most)


@EXPORTERS.register(Conv2d)
def _conv(graph: Graph, tensor: Tensor, layer: Conv2d) -> Tensor:
    window, dense = layer.window, layer.dense
    tensor = as_map(graph, tensor, layer.name, layer.input)
    values = weight_values(dense)
    most = _most(dense, values)
    inputs = 1 if layer.depthwise else window.channels
    array = values.reshape(dense.neurons, *window.kernel, inputs).transpose(0, 3, 1, 2)
    tensor, pads = pad_for(graph, tensor, layer.name, window, layer.padding_code, layer.input)
    tensor = graph.node(
        "Conv",
        f"{layer.name}_conv",
        tensor,
        _weights(graph, dense, values, array),
        shape=windowed(tensor, window, dense.neurons),
        dtype=integer_name(-most, most),
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=pads,
        group=window.channels if layer.depthwise else 1,
    )
    return _activate(graph, tensor, dense, most)
