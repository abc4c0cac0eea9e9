"""Which function writes which kind of layer: one registered for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bnnhw.errors import UnsupportedError
from bnnhw.ir import DataType, Layer
from bnnhw.qonnx.graph import Graph, Tensor
from bnnhw.registry import Registry

__all__ = ["EXPORTERS", "FLOAT32", "add_layers", "check_reach", "reach"]

FLOAT32 = 1 << 24
"""float32 holds every integer up to this, and every half of one up to half of this."""

Exporter = Callable[[Graph, Tensor, Any], Tensor]
"""Adds the nodes of a layer behind a tensor, and gives what the last of them gives."""

EXPORTERS: Registry[Exporter] = Registry("an export", "bnnhw/qonnx/layers/{kind}.py")
"""By kind of layer; filled by the files of :mod:`bnnhw.qonnx.layers`. Every tensor holds the values of a stream, maps
channels first."""


def add_layers(graph: Graph, tensor: Tensor, layers: Iterable[Layer]) -> Tensor:
    """Add the nodes of a chain of streamlined layers.

    Parameters
    ----------
    graph : Graph
    tensor : Tensor
        What the first layer reads.
    layers : iterable of Layer
        Without a network's output.

    Raises
    ------
    UnsupportedError
        Numbers that float32 can't hold; names the layer.
    MissingError
        A kind of layer that has no export.
    """
    for layer in layers:
        tensor = EXPORTERS.of(layer)(graph, tensor, layer)
    return tensor


def check_reach(name: str, what: str, most: int) -> None:
    """Refuse numbers of a layer that float32 can't hold."""
    if most > FLOAT32:
        raise UnsupportedError(f"layer {name}: {what} must be below {FLOAT32} to be exact in float32, not up to {most}")


def reach(dtype: DataType) -> int:
    """The greatest magnitude of a type's numbers."""
    return max(abs(dtype.minimum), abs(dtype.maximum))
