"""What stands at the pins of a generated module: the ports of its streams, and how frames and results lie in beats.

From one value come the sidecar's description, the instantiation template and the testbench.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from bnnhw.dataflow import Graph, Node
from bnnhw.dataflow.frame import Frame
from bnnhw.folding import predict
from bnnhw.templates import render
from bnnhw.units.width.model import WidthUnit

__all__ = [
    "Beats",
    "Bench",
    "Field",
    "Interface",
    "StreamInterface",
    "StreamPorts",
    "behind_converter",
    "result_fields",
    "stream_interface",
]


@dataclass(frozen=True)
class Field:
    """A number in a result.

    Parameters
    ----------
    name : str
    offset, bits : int
        Its bits are ``offset .. offset + bits - 1``.
    signed : bool
        Whether it is two's complement.
    """

    name: str
    offset: int
    bits: int
    signed: bool


def result_fields(frame: Frame, *, whole_bytes: bool) -> tuple[Field, ...]:
    """The fields of a result, one above the other; ``whole_bytes``: each extended to whole bytes."""
    fields: list[Field] = []
    offset = 0
    for name, bits, signed in frame.result.fields:
        bits = -(-bits // 8) * 8 if whole_bytes else bits
        fields.append(Field(name, offset, bits, signed))
        offset += bits
    return tuple(fields)


@dataclass(frozen=True)
class Beats:
    """A string of bits, the least significant first, cut into beats; surplus bits of the last beat are padding.

    Parameters
    ----------
    bits : int
        Of the string.
    width : int
        Of a beat.
    """

    bits: int
    width: int

    @property
    def count(self) -> int:
        """Beats of a string."""
        return -(-self.bits // self.width)

    @property
    def last_bits(self) -> int:
        """Bits of the string that the last beat has."""
        return self.bits - (self.count - 1) * self.width

    def cut(self, value: int) -> list[int]:
        """The beats of a string, padded with zeros."""
        return [value >> beat * self.width & (1 << self.width) - 1 for beat in range(self.count)]

    def hex(self, values: Sequence[int]) -> str:
        """The beats of strings as Verilog's ``$readmemh`` reads them, a beat per line."""
        digits = -(-self.width // 4)
        return "".join(f"{beat:0{digits}x}\n" for value in values for beat in self.cut(value))


@dataclass(frozen=True)
class Bench:
    """What a testbench is made of, besides the interface.

    Parameters
    ----------
    top : str
        The module under test.
    frames : sequence of int
        The element codes of each frame as one string of bits.
    results : sequence of tuple of int
        The values that each frame's result must have, field after field.
    sources : tuple of str
        The Verilog files, for the command lines in the testbench's header.
    """

    top: str
    frames: Sequence[int]
    results: Sequence[tuple[int, ...]]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Interface(ABC):
    """What stands at the pins of a module.

    Parameters
    ----------
    frame : Beats
        How a frame comes in.
    result : Beats
        How its result leaves.
    fields : tuple of Field
        Of a result.
    cycles_per_frame, latency_cycles : int
        Of the accelerator and the link around it, as predicted: between two results while neither side waits, and
        from the first beat of a frame to its result's.
    clock, reset : str
        Ports.
    reset_active : int
        Level at which the reset, which is synchronous, resets.
    """

    protocol: ClassVar[str]

    frame: Beats
    result: Beats
    fields: tuple[Field, ...]
    cycles_per_frame: int
    latency_cycles: int
    clock: str = "clk"
    reset: str = "rst"
    reset_active: int = 1

    def describe(self, clock_mhz: float | None) -> dict[str, Any]:
        """What the sidecar says of it."""
        return {
            "protocol": self.protocol,
            "clock": {"port": self.clock, "edge": "rising", "mhz": clock_mhz},
            "reset": {"port": self.reset, "active": ("low", "high")[self.reset_active], "synchronous": True},
            "input": self._describe_input() | _describe_beats(self.frame),
            "output": self._describe_output()
            | _describe_beats(self.result)
            | {"fields": [asdict(field) for field in self.fields]},
            "cycles_per_frame": self.cycles_per_frame,
            "latency_cycles": self.latency_cycles,
        }

    @abstractmethod
    def _describe_input(self) -> dict[str, Any]:
        """Ports of the input, and what its protocol adds."""

    @abstractmethod
    def _describe_output(self) -> dict[str, Any]:
        """Ports of the output, and what its protocol adds."""

    @abstractmethod
    def testbench(self, bench: Bench) -> dict[str, str]:
        """Files of a self-checking testbench, by name; the one that ends in ``.v`` holds the module ``TOP_tb``."""

    def values(self, index: int, scores: Sequence[int]) -> tuple[int, ...]:
        """The fields of a result.

        Parameters
        ----------
        index : int
            The class.
        scores : sequence of int
            Of every class.
        """
        known = {"index": index, "score": max(scores)} | {f"score_{k}": score for k, score in enumerate(scores)}
        return tuple(known[field.name] for field in self.fields)

    def packed(self, values: tuple[int, ...]) -> int:
        """A result as one string of bits."""
        return sum(
            (value & (1 << field.bits) - 1) << field.offset for field, value in zip(self.fields, values, strict=True)
        )


def _describe_beats(beats: Beats) -> dict[str, Any]:
    return {
        "bits": beats.bits,
        "beat_bits": beats.width,
        "beats": beats.count,
        "last_beat_bits": beats.last_bits,
        "packing": "contiguous, the least significant bit of the first beat first",
        "byte_order": "little",
    }


@dataclass(frozen=True)
class StreamPorts:
    """The ports of a stream: a beat moves in each cycle in which ``valid`` and ``ready`` are high.

    Parameters
    ----------
    data, valid, ready : str
    last : str, optional
        High with the last beat.
    keep : str, optional
        A bit for each byte of the data.
    """

    data: str
    valid: str
    ready: str
    last: str | None = None
    keep: str | None = None


@dataclass(frozen=True)
class StreamInterface(Interface):
    """Streams with valid and ready at both ends.

    Parameters
    ----------
    source, sink : StreamPorts
        Frames and results.
    error : str, optional
        Port that goes high when frames and beats are out of step.
    """

    protocol = "stream"

    source: StreamPorts = StreamPorts("input_payload", "input_valid", "input_ready")
    sink: StreamPorts = StreamPorts("output_payload", "output_valid", "output_ready")
    error: str | None = None

    def _describe_input(self) -> dict[str, Any]:
        errors = {} if self.error is None else {"error_port": self.error}
        return {"ports": _named(self.source)} | errors

    def _describe_output(self) -> dict[str, Any]:
        return {"ports": _named(self.sink)}

    def testbench(self, bench: Bench) -> dict[str, str]:
        name = f"{bench.top}_tb"
        # Several times what the frames take where both sides pause half of the time.
        limit = 8 * (self.cycles_per_frame * len(bench.frames) + self.latency_cycles) + 1000
        text = render(
            "bnnhw.links",
            "stream_tb.v.j2",
            bench=bench,
            interface=self,
            name=name,
            limit=limit,
            drain=self.latency_cycles + self.cycles_per_frame + 16,
        )
        return {
            f"{name}.v": text,
            f"{name}_frames.hex": self.frame.hex(bench.frames),
            f"{name}_results.hex": self.result.hex([self.packed(values) for values in bench.results]),
        }


def _named(ports: StreamPorts) -> dict[str, str]:
    return {role: port for role, port in asdict(ports).items() if port is not None}


def behind_converter(graph: Graph, width: int) -> Graph:
    """The graph with a width converter in front that takes beats of so many bits, as a link puts it there."""
    frame = Frame.of(graph)
    unit = WidthUnit(width, frame.word_bits, frame.bits)

    def shifted(streams: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(stream + 1 for stream in streams)

    nodes = tuple(replace(node, sources=shifted(node.sources), sinks=shifted(node.sinks)) for node in graph.nodes)
    front = Node("width", "input", unit, (0,), (1,))
    return Graph(graph.technology, (front, *nodes), unit.inputs[0], graph.output + 1)


def stream_interface(graph: Graph, width: int | None = None) -> StreamInterface:
    """That of an accelerator's own streams; with a ``width``, behind a width converter that takes such beats."""
    frame = Frame.of(graph)
    cycles = predict(graph if width is None else behind_converter(graph, width))
    return StreamInterface(
        frame=Beats(frame.bits, frame.word_bits if width is None else width),
        result=Beats(frame.result.width, frame.result.width),
        fields=result_fields(frame, whole_bytes=False),
        cycles_per_frame=cycles.cycles_per_frame,
        latency_cycles=cycles.latency_cycles,
    )
