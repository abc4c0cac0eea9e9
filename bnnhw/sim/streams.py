"""The streams of an accelerator, whose words a journal notes."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.dataflow import Graph
from bnnhw.sim.core import Core

__all__ = ["Stream", "streams_of"]


@dataclass(frozen=True)
class Stream:
    """A stream of an accelerator.

    Parameters
    ----------
    unit, kind, port : str
        The unit whose output it is, the kind of that unit, and which of its outputs; ``"input"`` three times for that
        of the accelerator.
    layer : str
        Whose unit it is.
    words : int
        Per frame.
    width : int
        Bits of a word.
    probe : int, optional
        The number of the probe that it is: of a layer's output.
    """

    unit: str
    kind: str
    port: str
    layer: str
    words: int
    width: int
    probe: int | None = None

    @property
    def end(self) -> str:
        """Where it is in the accelerator's Verilog."""
        return f"{self.unit}.{self.port}"


def streams_of(graph: Graph, core: Core, text: str) -> tuple[Stream, ...]:
    """All streams of a graph, in the order in which words pass them: the input, what every unit gives, the result last.

    Parameters
    ----------
    graph : Graph
    core : Core
        What is known of its Verilog.
    text : str
        That Verilog; units that are not in it, since it was edited, are left out.
    """
    probes = {(probe.node, probe.port): number for number, probe in enumerate(core.probes)}
    streams = [Stream("input", "input", "input", "input", graph.input.words, graph.input.width)]
    *inner, last = graph.nodes
    for node in inner:
        if node.name not in text:
            continue
        for port, form in zip(node.unit.output_ports, node.unit.outputs, strict=True):
            number = probes.get((node.name, port))
            streams.append(Stream(node.name, node.unit.kind, port, node.layer, form.words, form.width, number))
    return (*streams, Stream(last.name, last.unit.kind, last.unit.output_ports[0], last.layer, 1, graph.result.width))
