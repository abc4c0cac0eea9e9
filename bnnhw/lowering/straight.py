"""The end of a network of a frame per cycle as one pipeline: one handshake for all of its units."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.dataflow import Graph, Node
from bnnhw.units.best.model import BestUnit
from bnnhw.units.straight.model import StraightUnit

__all__ = ["straightened"]


def straightened(graph: Graph) -> Graph:
    """A graph with all units from the first that leads them in one, where these end in a class per cycle.

    That is a layer of tables, or a large matrix of constants (:attr:`~bnnhw.dataflow.unit.Unit.leads`). Their words are
    as wide as layers, so that no queue between them pays, and an enable that waits for the next unit's is the slowest
    wire of all.
    """
    nodes = graph.nodes
    if not isinstance(nodes[-1].unit, BestUnit):
        return graph
    begin = len(nodes)
    while (
        begin
        and nodes[begin - 1].unit.straight is not None
        and nodes[begin - 1].sinks == (nodes[begin - 1].sources[0] + 1,)
    ):
        begin -= 1
    while begin < len(nodes) and not nodes[begin].unit.leads:
        begin += 1
    joined = nodes[begin:]
    if len(joined) < 2:
        return graph
    names = tuple(node.name for node in joined)
    units = (joined[0].unit.leading(graph.technology), *(node.unit for node in joined[1:]))
    unit = StraightUnit(names, units, graph.technology)
    name, source = "straight", joined[0].sources[0]
    whole = Node(name, joined[-1].layer, unit, (source,), (source + 1,))
    probes = tuple(
        replace(probe, node=f"{name}.{probe.node}") if probe.node in names else probe for probe in graph.probes
    )
    return replace(graph, nodes=(*nodes[:begin], whole), output=source + 1, probes=probes)
