"""A model as the graph of what its ``forward`` calls (:mod:`torch.fx`), the modules that have an export as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError

__all__ = ["Recorder", "in_order", "trace"]


class _Tracer(fx.Tracer):
    """Looks into every module but those of PyTorch, and those that are known."""

    def __init__(self, known: Callable[[nn.Module], bool]) -> None:
        super().__init__()
        self.known = known

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return self.known(m) or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module, known: Callable[[nn.Module], bool]) -> fx.GraphModule:
    """Follow the ``forward`` of a model once, with a symbol in the place of the samples.

    Parameters
    ----------
    model : torch.nn.Module
        Its ``forward`` takes samples and gives scores.
    known : callable
        Whether a module is taken as it is instead of being looked into.

    Raises
    ------
    TypeError
        Its ``forward`` does something else for other samples, or takes or gives more than one tensor.
    """
    try:
        graph = _Tracer(known).trace(model)
    except (TraceError, RuntimeError, TypeError, NameError) as error:
        raise TypeError(
            f"forward of {type(model).__name__} must call the same layers for all samples, and can't be followed: "
            f"{error}"
        ) from error
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise TypeError(f"forward of {type(model).__name__} must take samples alone, not {len(inputs)} arguments")
    if not isinstance(_end(graph).args[0], fx.Node):
        raise TypeError(f"forward of {type(model).__name__} must give one tensor of scores")
    return fx.GraphModule(model, graph)


def _end(graph: fx.Graph) -> fx.Node:
    return next(node for node in reversed(graph.nodes) if node.op == "output")


def in_order(graph: fx.Graph) -> Iterator[fx.Node]:
    """What the scores depend on, each node behind its inputs, and of an addition the first branch before the second.

    That is the order of layers in a network that is imported (:func:`bnnhw.ir.network.walk`), in whatever order a
    ``forward`` computes its branches.
    """
    seen: set[fx.Node] = set()
    waiting: list[tuple[fx.Node, bool]] = [(_end(graph), False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            waiting.append((node, True))
            waiting += [(before, False) for before in reversed(node.all_input_nodes)]


class Recorder(fx.Interpreter):
    """Runs a traced model, and keeps what some of its nodes give.

    Parameters
    ----------
    module : torch.fx.GraphModule
    wanted : set of torch.fx.Node
    """

    def __init__(self, module: fx.GraphModule, wanted: set[fx.Node]) -> None:
        super().__init__(module)
        self.wanted = wanted
        self.kept: dict[fx.Node, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if n in self.wanted:
            self.kept[n] = result
        return result
