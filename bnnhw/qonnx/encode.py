"""How raw samples become elements, as nodes: a layout turned to channels first, and a MultiThreshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import InputSpec
from bnnhw.ir.input_spec import LAYOUTS
from bnnhw.qonnx.graph import Graph, Tensor, type_name

__all__ = ["add_input"]


def _float32(thresholds: NDArray[np.float64], strict: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The least float32 values that are no less than the thresholds, or greater than them."""
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
        following = np.nextafter(nearest, np.float32(np.inf))
    exact = nearest.astype(np.float64)
    short = (exact < thresholds) | (strict & (exact == thresholds))
    return np.where(short, following, nearest)


def _by_element(rows: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    """Rows of elements in stream order, channels first."""
    channels, height, width = spec.map
    return rows.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(rows.shape)


def add_input(graph: Graph, spec: InputSpec) -> Tensor:
    """Add the nodes that turn the graph's input, raw samples, into a map or a list of elements.

    The thresholds of a row that falls are those of the sample turned over: fewer than ``t`` is more than ``-t``.
    """
    tensor, elements = graph.input, None if spec.thresholds is not None else type_name(spec.dtype)
    if elements is not None:
        graph.annotate(tensor.name, elements)
    if spec.layout != LAYOUTS[0]:
        shape = (tensor.shape[0], *spec.shape)
        perm = [0, *(1 + spec.layout.index(axis) for axis in LAYOUTS[0])]
        tensor = graph.node("Transpose", "channels_first", tensor, shape=shape, dtype=elements, perm=perm)
    if elements is not None:
        return tensor
    table = spec.table
    falling = np.array(spec.falling or (False,) * len(table))
    table = np.where(falling[:, None], -table[:, ::-1], table)
    batch, per_element = tensor.shape[0], spec.per == "element"
    if per_element:
        # A MultiThreshold has a row per channel at most.
        shape = graph.constant("encode_list", np.array([batch, spec.elements]))
        tensor = graph.node("Reshape", "encode_flat", tensor, shape, shape=(batch, spec.elements))
        table, falling = _by_element(table, spec), _by_element(falling[:, None], spec)[:, 0]
    if falling.any():
        signs = np.where(falling, -1, 1).astype(np.float32).reshape(1, -1, *[1] * (len(tensor.shape) - 2))
        tensor = graph.node("Mul", "encode_signs", tensor, graph.constant("encode_sign", signs))
    rows = _float32(table, np.broadcast_to(falling[:, None], table.shape))
    tensor = graph.multithreshold("encode", tensor, rows, spec.dtype, "FLOAT32")
    if per_element:
        shape = graph.constant("encode_map", np.array([batch, *spec.shape]))
        name = type_name(spec.dtype)
        tensor = graph.node("Reshape", "encode_shaped", tensor, shape, shape=(batch, *spec.shape), dtype=name)
    return tensor
