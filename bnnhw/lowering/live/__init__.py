"""Neurons that nobody reads are left out, before a network becomes units.

Which
-----
Forwards: a neuron is constant when its thresholds lie outside of what its accumulator can reach, or its table has one
entry, constant inputs being known. Backwards: a neuron is read when a neuron that is read, and not constant, has a
weight other than 0 on it, or a table that depends on it. What is constant goes into the thresholds and tables of those
who read it.

A channel is left out only in front of layers whose weights or tables are in the fabric: a folded layer takes words of
SIMD channels, and a channel less would leave gaps in them for which a width converter has to make up. Pools and
thresholds that stand between pass on what is read of them. A network's inputs all stay, since frames have one layout;
units say which bits of them are read (:attr:`bnnhw.dataflow.unit.Unit.read`). Of a map without any channel left the
first stays.

What is observed
----------------
The streams of the layers lack the channels that are left out (:attr:`bnnhw.dataflow.graph.Probe.missing`), and are
compared with the other channels of the network as it was: nothing is compared with what is left of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bnnhw.dataflow.engine import LayerFolding
from bnnhw.dataflow.format import Coding
from bnnhw.dataflow.graph import Graph, Probe
from bnnhw.ir import Layer, Network, walk
from bnnhw.lowering.live.registry import LIVENESS, UNKNOWN, Channels, Codes, Liveness, Place

__all__ = ["LIVENESS", "Live", "only_live"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

CONSTANT = "constant"
"""The memory of weights that are in the fabric."""


@dataclass
class Live:
    """A network without the neurons that nobody reads.

    Parameters
    ----------
    network : Network
    foldings : mapping of str to LayerFolding
        PE and SIMD are no greater than what is left.
    channels : dict of str to Channels
        By layer, those that are left of what it gives; layers without an entry are whole.
    lacking : int
        What the last layer's numbers lack; the output adds it.
    """

    network: Network
    foldings: dict[str, LayerFolding]
    channels: dict[str, Channels] = field(default_factory=dict)
    lacking: int = 0

    def observed(self, graph: Graph) -> Graph:
        """The graph of the network, its probes as those of the network as it was."""
        if not self.channels and not self.lacking:
            return graph
        return replace(graph, probes=tuple(map(self._observed, graph.probes)))

    def _observed(self, probe: Probe) -> Probe:
        if probe.layer in self.channels:
            probe = replace(probe, missing=tuple(np.flatnonzero(~self.channels[probe.layer]).tolist()))
        if self.lacking and probe.layer == self.network.chain[-1].name:
            coding = probe.coding or Coding(1, 0, *self.network.chain[-1].emitted)
            probe = replace(probe, coding=replace(coding, offset=coding.offset + self.lacking))
        return probe


def only_live(network: Network, foldings: Mapping[str, LayerFolding]) -> Live:
    """A network, and foldings of its layers with weights, without the neurons that nobody reads."""
    found = Live(network, dict(foldings))
    if not any(_drops(layer, foldings) for layer in walk(network.chain)):
        return found
    chain = _chain(network.chain, network.input.map[0], found, end=True)
    if not found.channels and not found.lacking:
        return found
    output = network.output
    offset = output.offset + output.multiplier * found.lacking
    found.network = replace(network, layers=(*chain, replace(output, offset=offset)))
    for matrix in found.network.matrices:
        found.foldings[matrix.name] = foldings[matrix.name].fitted(matrix)
    return found


def _drops(layer: Layer, foldings: Mapping[str, LayerFolding]) -> bool:
    """Whether a layer may leave inputs out, and not only what is not wanted of it."""
    if layer.matrix is not None:
        return foldings[layer.name].memory == CONSTANT
    return layer.kind in LIVENESS and LIVENESS.of(layer).drops


def _chain(layers: tuple[Layer, ...], channels: int, found: Live, *, end: bool = False) -> tuple[Layer, ...]:
    """Layers one behind the other, all channels of the first one's input and of the last one's output left.

    Parameters
    ----------
    channels : int
        Of what the first one is given.
    found : Live
        Says the foldings, and is told what is left.
    end : bool
        Whether the network's output is behind the last one.
    """
    places: list[Place] = []
    given: Codes = np.full(channels, UNKNOWN)
    # Whether channels may be missing in front of each layer, and behind the last.
    less = [False]
    for number, layer in enumerate(layers):
        places.append(Place(given, _drops(layer, found.foldings), end and number == len(layers) - 1))
        given = _of(layer).constants(layer, places[-1])
        less.append(_of(layer).gives_less(layer, less[-1]))
    # Of each map between two layers, and in front of the first and behind the last.
    left: list[Channels] = [np.ones(len(place.given), np.bool_) for place in places] + [np.ones(len(given), np.bool_)]
    for number in range(len(layers) - 1, 0, -1):
        if less[number]:
            reads = _of(layers[number]).reads(layers[number], left[number + 1], places[number])
            left[number] = reads if reads.any() else np.arange(len(reads)) == 0
    made: list[Layer] = []
    for number, (layer, place) in enumerate(zip(layers, places, strict=True)):
        taken, wanted = left[number : number + 2]
        if layer.branches:
            branches = tuple(_chain(branch, layer.shape_in[0], found) for branch in layer.branches)
            layer = layer.with_branches(branches)
        elif not taken.all() or not wanted.all():
            layer, lacking = _of(layer).without(layer, taken, wanted, place)
            found.lacking += lacking
        if not wanted.all():
            found.channels[layer.name] = wanted
        made.append(layer)
    return tuple(made)


class _Whole:
    """Layers that read all that comes in, and give all that they have."""

    drops = False

    def gives_less(self, layer: Layer, given_less: bool) -> bool:
        return False

    def constants(self, layer: Layer, place: Place) -> Codes:
        return np.full(layer.shape_out[0], UNKNOWN)

    def reads(self, layer: Layer, wanted: Channels, place: Place) -> Channels:
        return np.ones(len(place.given), np.bool_)

    def without(self, layer: Layer, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        raise AssertionError(f"a layer of kind {layer.kind} is left whole")


_WHOLE = _Whole()


def _of(layer: Layer) -> Liveness:
    return LIVENESS.of(layer) if layer.kind in LIVENESS else _WHOLE
