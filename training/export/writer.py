"""Which function writes which module, and which call: one registered for each, and the graph they write to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bnnhw.qonnx.graph import Graph, Tensor

__all__ = ["CALLS", "MODULES", "Writer", "array_of", "call_name", "exporter_of", "exports", "exports_call", "map_of"]


class Writer:
    """A graph in the making, and where in the model it is.

    Parameters
    ----------
    graph : Graph

    Members
    -------
    layer : int
        Number of the layer written last: names of nodes begin with it.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layer = -1

    @property
    def prefix(self) -> str:
        """What the names of the layer's nodes begin with."""
        return f"layer{self.layer}"

    def number(self, name: str, value: float) -> str:
        """A constant of one value; the name alone says which."""
        return self.graph.shared(name, np.asarray(value, np.float32))

    def channels(self, name: str, values: torch.Tensor, tensor: Tensor) -> str:
        """A constant of one value per channel, to be broadcast over the positions of a tensor."""
        return self.graph.constant(name, array_of(values).reshape(1, -1, *[1] * (len(tensor.shape) - 2)))

    def sign(self, name: str, tensor: Tensor) -> Tensor:
        """Add a sign: -1 below 0, otherwise +1."""
        return self.graph.node("BipolarQuant", name, tensor, self.number("one", 1.0))


Exporter = Callable[[Writer, Any, Tensor], Tensor]
"""Adds the nodes of a module in evaluation behind a tensor, and gives what the last of them gives."""

MODULES: dict[type[nn.Module], Exporter] = {}
"""By class; a class without one of its own has that of the class it derives from."""

CALLS: dict[Any, Callable[..., Any]] = {}
"""By function, or name of a tensor's method: what is written for a call in a ``forward``, of the call's arguments."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def exports(*kinds: type[nn.Module]) -> Callable[[_Function], _Function]:
    """Register the exporter of some classes of modules."""

    def register(exporter: _Function) -> _Function:
        MODULES.update(dict.fromkeys(kinds, exporter))
        return exporter

    return register


def exports_call(*targets: Any) -> Callable[[_Function], _Function]:
    """Register what is written for some functions, or for methods of a tensor by their names."""

    def register(exporter: _Function) -> _Function:
        CALLS.update(dict.fromkeys(targets, exporter))
        return exporter

    return register


def exporter_of(module: nn.Module) -> Exporter | None:
    """The exporter of a module, or None: a module that is what its ``forward`` calls."""
    return next((MODULES[kind] for kind in type(module).__mro__ if kind in MODULES), None)


def call_name(target: Any) -> str:
    """A function or method, in words."""
    return target if isinstance(target, str) else getattr(target, "__name__", repr(target))


def map_of(tensor: Tensor) -> tuple[int, int, int]:
    """Channels, height, width of a map."""
    if len(tensor.shape) != 4:
        raise TypeError(f"module must come before a Flatten, not behind it, where a sample is {tensor.shape[1:]}")
    _, channels, height, width = tensor.shape
    return channels, height, width


def array_of(tensor: torch.Tensor) -> NDArray[np.float32]:
    """The parameters of a module in float32."""
    array = tensor.detach().cpu().numpy()
    if array.dtype != np.float32:
        raise ValueError(f"parameters must be float32, not {array.dtype}")
    return array
