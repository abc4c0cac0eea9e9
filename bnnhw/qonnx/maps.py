"""What exporters share about maps, (frames, channels, height, width), and lists, (frames, elements)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import DataType, Window
from bnnhw.qonnx.graph import Graph, Tensor, type_name

__all__ = ["as_list", "as_map", "column", "pad", "pad_for", "windowed"]


def _reshape(graph: Graph, tensor: Tensor, name: str, shape: tuple[int, ...], dtype: DataType) -> Tensor:
    target = graph.constant(f"{name}_shape", np.array(shape))
    return graph.node("Reshape", name, tensor, target, shape=shape, dtype=type_name(dtype))


def as_list(graph: Graph, tensor: Tensor, name: str, dtype: DataType) -> Tensor:
    """A map as a list in stream order: positions, channels fastest."""
    if len(tensor.shape) == 2:
        return tensor
    batch, channels, height, width = tensor.shape
    if channels > 1 and height * width > 1:
        shape = (batch, height, width, channels)
        last = f"{name}_channels_last"
        tensor = graph.node("Transpose", last, tensor, shape=shape, dtype=type_name(dtype), perm=[0, 2, 3, 1])
    return _reshape(graph, tensor, f"{name}_flatten", (batch, channels * height * width), dtype)


def as_map(graph: Graph, tensor: Tensor, name: str, dtype: DataType) -> Tensor:
    """A list as a map of one position."""
    if len(tensor.shape) > 2:
        return tensor
    return _reshape(graph, tensor, f"{name}_map", (*tensor.shape, 1, 1), dtype)


def column(tensor: Tensor, values: NDArray[np.number]) -> NDArray[np.float32]:
    """A value per channel, to be broadcast over the positions of a tensor."""
    return values.astype(np.float32).reshape(1, -1, *[1] * (len(tensor.shape) - 2))


def windowed(tensor: Tensor, window: Window, channels: int) -> tuple[int, ...]:
    """The shape of so many channels behind a window."""
    return (tensor.shape[0], channels, window.out_height, window.out_width)


def pad(graph: Graph, tensor: Tensor, name: str, window: Window, fill: int, dtype: str | None) -> Tensor:
    """A number around a map."""
    top, left, bottom, right = window.padding
    sizes = graph.constant(f"{name}_pads", np.array([0, 0, top, left, 0, 0, bottom, right]))
    value = graph.constant(f"{name}_fill", np.array([fill], np.float32))
    shape = (*tensor.shape[:2], window.padded_height, window.padded_width)
    return graph.node("Pad", f"{name}_pad", tensor, sizes, value, shape=shape, dtype=dtype)


def pad_for(
    graph: Graph, tensor: Tensor, name: str, window: Window, code: int, dtype: DataType
) -> tuple[Tensor, list[int]]:
    """A map with its padding around it where that is not the number 0, and what a Conv is left to pad with 0."""
    pads = list(window.padding)
    fill = int(dtype.values(np.array(code)))
    if not any(pads) or not fill:
        return tensor, pads
    return pad(graph, tensor, name, window, fill, type_name(dtype)), [0, 0, 0, 0]
