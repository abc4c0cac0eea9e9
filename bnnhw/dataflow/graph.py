"""The dataflow graph of an accelerator: units, the streams between them, and where each layer's output passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bnnhw.dataflow.flow import Link, Run
from bnnhw.dataflow.format import Coding, ResultFormat, StreamFormat
from bnnhw.dataflow.loads import Loaded
from bnnhw.dataflow.resources import Resources
from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Technology
from bnnhw.ir import DataType

__all__ = ["Graph", "Node", "Probe", "left_out"]


@dataclass(frozen=True)
class Node:
    """One unit and the streams it is connected to.

    Parameters
    ----------
    name : str
        Of the unit in hardware: its layer's number and name, made a legal and unique identifier, and its purpose.
    layer : str
        Name of the layer it works for.
    unit : Unit
    sources, sinks : tuple of int
        Numbers of the streams it takes words from and gives words to.
    """

    name: str
    layer: str
    unit: Unit
    sources: tuple[int, ...]
    sinks: tuple[int, ...]

    def flow(self, links: Sequence[Link], frames: int) -> tuple[Run, tuple[Link, ...]]:
        """The unit at work, and its links out of those of all streams."""
        touched = tuple(links[number] for number in (*self.sources, *self.sinks))
        return self.unit.flow(*touched, frames=frames), touched


@dataclass(frozen=True)
class Probe:
    """The stream that a layer gives, to be observed in simulation.

    Parameters
    ----------
    layer : str
    node : str
        Name of the unit whose output it is.
    port : str
        The unit's stream: its signals are ``PORT_payload``, ``PORT_valid`` and ``PORT_ready``.
    shape : (int, int, int)
        Channels that are there, height, width.
    dtype : DataType
        Of its elements.
    format : StreamFormat
    coding : Coding, optional
        Where its elements are not the layer's numbers, but stand for them.
    missing : tuple of int
        The layer's channels that are not there, since nobody reads them; numbers are those of the whole layer.
    """

    layer: str
    node: str
    port: str
    shape: tuple[int, int, int]
    dtype: DataType
    format: StreamFormat
    coding: Coding | None = None
    missing: tuple[int, ...] = ()

    @property
    def channels(self) -> tuple[int, ...]:
        """The layer's channels that are there."""
        missing = set(self.missing)
        return tuple(channel for channel in range(self.shape[0] + len(missing)) if channel not in missing)


@dataclass(frozen=True)
class Graph:
    """An accelerator: nodes in an order in which words pass them.

    Parameters
    ----------
    technology : Technology
        What its units are made for.
    nodes : tuple of Node
    input : StreamFormat
        Of stream 0, which comes from outside.
    output : int
        Number of the stream that leaves.
    probes : tuple of Probe
        One for each layer but the network's output and those that became part of the next, in the order of
        :func:`bnnhw.ir.network.walk`.
    settled : (int, int), optional
        Latency and cycles per frame, where deriving the depths of its queues has shown them: these cost no cycle.

    Raises
    ------
    ValueError
        Both ends of a stream must have as many bits per word and words per frame.
    """

    technology: Technology
    nodes: tuple[Node, ...]
    input: StreamFormat
    output: int
    probes: tuple[Probe, ...] = ()
    settled: tuple[int, int] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        given: dict[int, StreamFormat | ResultFormat] = {0: self.input}
        for node in self.nodes:
            for number, taken in zip(node.sources, node.unit.inputs, strict=True):
                form = given.pop(number)
                if (form.width, form.words) != (taken.width, taken.words):
                    raise ValueError(
                        f"{node.name}: must be given words of {taken.width} bits, {taken.words} per frame, not "
                        f"{form.words} of {form.width} bits"
                    )
            given.update(zip(node.sinks, node.unit.outputs, strict=True))
        if set(given) != {self.output}:
            raise ValueError(f"every stream but the output must be taken, not left over: {sorted(given)}")

    @property
    def streams(self) -> int:
        """How many there are, input and output included; they are numbered from 0."""
        return self.output + 1

    @property
    def result(self) -> ResultFormat:
        """Format of the stream that leaves."""
        result = self.nodes[-1].unit.outputs[0]
        assert isinstance(result, ResultFormat), "a network ends in its output"
        return result

    @property
    def frame_bits(self) -> int:
        """Bits of a frame that comes in."""
        return self.input.frame * self.input.bits

    @cached_property
    def loads(self) -> tuple[Loaded, ...]:
        """The memories that are written while the device runs, in the order of their image."""
        return tuple(memory for node in self.nodes for memory in node.unit.loads)

    def resources(self) -> Resources:
        """The estimated cost of all units."""
        return Resources.total(node.unit.resources(self.technology) for node in self.nodes)


def left_out(probes: Sequence[Probe]) -> dict[str, int]:
    """How many channels of each layer are not there, of the layers of which some are not."""
    return {probe.layer: len(probe.missing) for probe in probes if probe.missing}
