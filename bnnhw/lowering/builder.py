"""What lowering rules build with: units appended one after another, streams known by number and format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bnnhw.dataflow import Coding, Graph, Node, Probe, StreamFormat, Unit
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.dataflow.queues import UNLIMITED
from bnnhw.devices import Technology
from bnnhw.ir import DataType, Layer, Network, walk
from bnnhw.lowering.columns import in_columns
from bnnhw.lowering.lanes import input_lanes, width_converters
from bnnhw.lowering.straight import straightened
from bnnhw.registry import Registry
from bnnhw.units.buffer.model import BufferUnit

__all__ = ["RULES", "Builder", "Rule", "Stream"]


@dataclass(frozen=True)
class Stream:
    """A stream on its way through the rules.

    Parameters
    ----------
    number : int
    format : StreamFormat
    computed : bool
        Whether words come from a matrix layer's unit, with nothing but element-wise units and converters between.
    coding : Coding, optional
        What its elements stand for, where they are not the layer's numbers themselves.
    """

    number: int
    format: StreamFormat
    computed: bool = False
    coding: Coding | None = None


class Rule(Protocol):
    """How layers of one kind become units."""

    def lower(self, build: Builder, layer: Any, name: str, given: Stream) -> Stream:
        """Append the units of a layer; ``name`` begins their names. Returns the stream that the layer gives."""
        ...

    def input(self, build: Builder, layer: Any, bits: int) -> StreamFormat:
        """The format in which frames of elements of ``bits`` bits come, if this is a network's first layer."""
        ...


RULES: Registry[Rule] = Registry("a lowering rule", "bnnhw/lowering/{kind}.py")
"""The rule for each kind of layer."""


class Builder:
    """The graph of a network, unit after unit.

    Parameters
    ----------
    network : Network
        Streamlined.
    foldings : mapping of str to LayerFolding
        Of each layer that has a weight matrix, by name.
    technology : Technology
    depths : mapping of str to int, or None
        Of the queues in residual layers, by node name; those not named are never full. None: guessed from the windows
        beside them, for an estimate of their cost.
    scores : bool
        Whether results have the scores of all classes.

    Attributes
    ----------
    bound : int
        Cycles per frame of the slowest matrix layer: no frame takes less.
    queues : list of Node
        The queues in residual layers.
    """

    def __init__(
        self,
        network: Network,
        foldings: Mapping[str, LayerFolding],
        technology: Technology,
        depths: Mapping[str, int] | None,
        scores: bool = False,
    ) -> None:
        self.network = network
        self.scores = scores
        self.technology = technology
        self.depths = depths
        self._foldings = foldings
        self._units: dict[str, Unit] = {}
        for layer in walk(network.chain):
            if layer.matrix is not None:
                folding = foldings[layer.name]
                if folding.columns and layer.window is not None:
                    layer = layer.with_matrix(in_columns(layer.matrix, layer.window))
                self._units[layer.name] = ENGINES.named(folding.engine).unit(layer, folding, technology)
        self.bound = max(unit.interval for unit in self._units.values())
        self._nodes: list[Node] = []
        self._probes: list[Probe] = []
        self.queues: list[Node] = []
        self._streams = 1
        self._layers = 0

    def graph(self) -> Graph:
        """Lower the whole network."""
        layers, output = self.network.chain, self.network.output
        first = layers[0]
        given = RULES.of(first).input(self, first, self.network.input.dtype.bits)
        end = self.follow(layers, Stream(0, given))
        result = RULES.of(output).lower(self, output, "output", end)
        graph = Graph(self.technology, tuple(self._nodes), given, result.number, tuple(self._probes))
        return straightened(graph)

    def ends_in(self, layer: Layer) -> bool:
        """Whether what a layer gives decides the class, in every cycle and with nothing else to be seen of it."""
        return layer is self.network.chain[-1] and self.bound == 1 and not self.scores

    def unit(self, layer: Layer) -> Unit:
        """The unit that the engine of a layer's folding makes for its matrix."""
        return self._units[layer.name]

    def folding(self, layer: Layer) -> LayerFolding:
        """That of a layer with a matrix."""
        return self._foldings[layer.name]

    def follow(self, layers: tuple[Layer, ...], given: Stream) -> Stream:
        """Lower a chain of layers."""
        for layer in layers:
            name = f"layer{self._layers}_{re.sub(r'[^A-Za-z0-9]+', '_', layer.name).strip('_')}"
            self._layers += 1
            given = RULES.of(layer).lower(self, layer, name, given)
            node = self._nodes[-1]
            if node.layer != layer.name or node.sinks[-1] != given.number:
                raise ValueError(f"layer {layer.name}: its rule must end in a unit of its own")
            port, form = node.unit.output_ports[-1], node.unit.outputs[-1]
            assert isinstance(form, StreamFormat), "only a network's output gives results"
            coding = given.coding
            dtype = layer.output if coding is None else DataType("uint", coding.bits)
            self._probes.append(Probe(layer.name, node.name, port, layer.shape_out, dtype, form, coding))
        return given

    def add(self, name: str, layer: str, unit: Unit, *sources: int) -> int:
        """Append a unit; the number of its stream, the last of them where there are several."""
        sinks = tuple(range(self._streams, self._streams + len(unit.outputs)))
        self._streams = sinks[-1] + 1
        self._nodes.append(Node(name, layer, unit, sources, sinks))
        return sinks[-1]

    def queue(self, name: str, layer: str, given: Stream, guess: int) -> Stream:
        """Append a queue that lets one branch run ahead of another; ``guess`` is its depth where none is derived."""
        depth = guess if self.depths is None else self.depths.get(name, UNLIMITED)
        number = self.add(name, layer, BufferUnit(given.format, depth, self.technology), given.number)
        self.queues.append(self._nodes[-1])
        return replace(given, number=number)

    def convert(self, name: str, layer: str, given: Stream, lanes: int, group: int) -> Stream:
        """Append width converters, where they are needed."""
        number, form = given.number, given.format
        for count, (unit, behind) in enumerate(width_converters(form, lanes, group)):
            number = self.add(f"{name}_{'width' if count == 0 else f'width{count + 1}'}", layer, unit, number)
            form = behind
        return replace(given, number=number, format=replace(form, group=group))

    def map_input(self, layer: Layer, bits: int, least: int = 1) -> StreamFormat:
        """The format in which frames of a first layer that works on a map come, ``least`` lanes at least.

        Frames come without gaps; a unit whose lanes do not divide the channels gets a converter in front.
        """
        channels, height, width = layer.shape_in
        lanes = input_lanes(channels, height * width, least, self.bound)
        return StreamFormat(lanes, bits, channels, channels * height * width)
