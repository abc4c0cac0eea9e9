"""From a model to the nodes of a graph, call after call of its ``forward``."""

from __future__ import annotations

from typing import Any

from torch import fx, nn
from torch.fx.node import map_arg

from bnnhw.qonnx.graph import Graph, Tensor
from bnnhw.training.export.writer import CALLS, Writer, call_name, exporter_of
from bnnhw.training.tracing import trace

__all__ = ["followed", "write"]


def followed(model: nn.Module) -> fx.GraphModule:
    """A model traced, modules that have an export taken as they are. Raises as :func:`bnnhw.training.tracing.trace`."""
    return trace(model, lambda module: exporter_of(module) is not None)


def _module(writer: Writer, module: nn.Module, values: tuple[Any, ...]) -> Tensor:
    exporter = exporter_of(module)
    if exporter is None:
        raise TypeError(f"module must be a layer that can be exported, not {type(module).__name__}")
    if len(values) != 1 or not isinstance(values[0], Tensor):
        raise TypeError(f"module must be called with one tensor to be exported: {type(module).__name__}")
    return exporter(writer, module, values[0])


def _call(writer: Writer, target: Any, values: tuple[Any, ...], named: dict[str, Any]) -> Any:
    if target not in CALLS:
        known = ", ".join(sorted({call_name(key) for key in CALLS if isinstance(key, str)}))
        raise TypeError(
            f"call must be one that can be exported, not {call_name(target)}: use a module of bnnhw.training, +, -, or "
            f"one of {known}"
        )
    try:
        return CALLS[target](writer, *values, **named)
    except IndexError as error:
        raise TypeError(f"call of {call_name(target)} can't be exported: {error}") from None


def write(model: nn.Module, graph: Graph) -> Tensor:
    """Add the nodes of a model behind a graph's input, and give what the last of them gives.

    Raises
    ------
    TypeError
        A module or a call has no export.
    """
    writer = Writer(graph)
    root = followed(model)
    values: dict[fx.Node, Any] = {}
    for node in root.graph.nodes:
        arguments = map_arg(node.args, values.__getitem__)
        named = map_arg(node.kwargs, values.__getitem__)
        match node.op:
            case "placeholder":
                values[node] = graph.input
            case "call_module":
                values[node] = _module(writer, root.get_submodule(str(node.target)), (*arguments, *named.values()))
            case "call_function" | "call_method":
                values[node] = _call(writer, node.target, arguments, named)
            case "output":
                return arguments[0]
            case _:
                raise TypeError(f"parameter must be one of a module to be exported, not {node.target} itself")
    raise AssertionError("a traced model has an output")
