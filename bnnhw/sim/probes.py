"""Every layer's output stream inside an accelerator, against the reference, word by word.

The Verilog under test stays as it is: a module around it looks at its streams from outside (hierarchical names) and
gives each layer's payload, and whether a word passes in this cycle, as ports of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow import Probe
from bnnhw.errors import RequestError
from bnnhw.ir import Network
from bnnhw.reference import trace
from bnnhw.sim.harness import ProbeRecord
from bnnhw.sim.ports import LOAD_PORTS, Interface, ProbePort
from bnnhw.sim.result import LayerMismatch
from bnnhw.sim.streams import Stream
from bnnhw.sim.words import pack_groups, unpack_lane

__all__ = ["Probes", "port_of", "wrapper"]


def port_of(probe: Probe, number: int) -> ProbePort:
    """The port that shows a probe."""
    form = probe.format
    last = form.group - (form.group_words - 1) * form.lanes
    return ProbePort(f"probe_{number}", form.width, form.words, form.group_words, last * form.bits)


def wrapper(
    name: str, interface: Interface, probes: Sequence[Probe], text: str, streams: Sequence[Stream] = ()
) -> tuple[str, Interface]:
    """A module around an accelerator that shows its layers' streams.

    Parameters
    ----------
    name : str
        Of the module.
    interface : Interface
        Of the accelerator.
    probes : sequence of Probe
    text : str
        The accelerator's Verilog.
    streams : sequence of Stream
        Those whose ``valid`` and ``ready`` it shows too; the first is the input, the last the output.

    Returns
    -------
    text, interface
        Of the module, without the accelerator.

    Raises
    ------
    RequestError
        When a layer's unit is not in the Verilog.
    """
    i = interface
    ports = [("input", i.clock, 1), ("input", i.input_valid, 1), ("output", i.input_ready, 1)]
    ports += [("input", i.input.name, i.input.width), ("output", i.output_valid, 1), ("input", i.output_ready, 1)]
    ports += [("output", port.name, port.width) for port in i.outputs]
    ports += [] if i.reset is None else [("input", i.reset, 1)]
    ports += [("input", port, width) for port, width in LOAD_PORTS.items()] if i.loads else []
    connections = ", ".join(f".{port}({port})" for _, port, _ in ports)
    lines: list[str] = []
    shown = [port_of(probe, number) for number, probe in enumerate(probes)]
    for number, (probe, port) in enumerate(zip(probes, shown, strict=True)):
        if probe.node.rpartition(".")[2] not in text:
            raise RequestError(f"layer {probe.layer}: unit {probe.node} must be in the Verilog of {i.top}, and is not")
        end = f"core.{probe.node}.{probe.port}_"
        lines += [
            f"  assign {i.probe_moves}[{number}] = {end}valid & {end}ready;",
            f"  assign {port.name} = {end}payload;",
        ]
    ports += [("output", i.probe_moves, len(probes)), *(("output", port.name, port.width) for port in shown)]
    if streams:
        bits = len(streams)
        for what in ("valid", "ready"):
            inner = (f"core.{stream.end}_{what}" for stream in streams[-2:0:-1])
            ends = [f"output_{what}", *inner, f"input_{what}"]
            lines.append(f"  assign journal_{what} = {{{', '.join(ends)}}};")
            ports.append(("output", f"journal_{what}", bits))
        i = replace(i, journal=bits)
    listed = ",\n  ".join(f"{way} [{width - 1}:0] {port}" for way, port, width in ports)
    module = f"module {name}(\n  {listed}\n);\n  {i.top} core({connections});\n" + "\n".join(lines) + "\nendmodule\n"
    return module, replace(i, top=name, probes=tuple(shown))


@dataclass(frozen=True, eq=False)
class Probes:
    """What the reference says of some frames' streams (a :class:`~bnnhw.sim.harness.Watch`).

    Parameters
    ----------
    network : Network
    codes : uint8 array (frames, elements)
    probes : tuple of Probe
    """

    network: Network
    codes: NDArray[np.uint8]
    probes: tuple[Probe, ...]

    def expected(self, first: int, last: int) -> list[NDArray[np.uint32]]:
        """Words of each probe, (frames, words, limbs), of the frames ``first .. last - 1``."""
        return [
            pack_groups(codes, probe.format.bits, probe.format.lanes, probe.format.group)
            for probe, codes in zip(self.probes, self._codes(first, last), strict=True)
        ]

    def _codes(self, first: int, last: int) -> list[NDArray[np.unsignedinteger]]:
        found = trace(self.network, self.codes[first:last])
        # What the last layer emits comes as numbers, everything else as codes.
        return [_coded(probe, found[probe.layer].astype(np.int64)) for probe in self.probes]

    def mismatches(self, records: Sequence[ProbeRecord]) -> tuple[LayerMismatch, ...]:
        """The first difference of every layer that differs, in the layers' order."""
        return tuple(
            found for number, record in enumerate(records) if (found := self._mismatch(number, record)) is not None
        )

    def finding(self, records: Sequence[ProbeRecord]) -> str | None:
        """The first difference of the first layer that differs, or None."""
        for number, record in enumerate(records):
            # A run that ended early has not seen all words.
            if record.wrong and (found := self._mismatch(number, record)) is not None:
                return str(found)
        return None

    def _mismatch(self, number: int, record: ProbeRecord) -> LayerMismatch | None:
        probe = self.probes[number]
        due = len(self.codes) * probe.format.words
        if not record.wrong:
            return None if record.words == due else LayerMismatch(probe.layer, 0, record.words, due)
        word, got = record.first[0]
        frame, word = divmod(word, probe.format.words)
        group, word = divmod(word, probe.format.group_words)
        expected = self._codes(frame, frame + 1)[number][0].reshape(-1, probe.format.group)[group]
        for lane in range(min(probe.format.lanes, probe.format.group - word * probe.format.lanes)):
            channel = word * probe.format.lanes + lane
            code = unpack_lane(got, lane, probe.format.bits)
            if code != expected[channel]:
                values = probe.dtype.values(np.array([expected[channel], code]))
                place = divmod(group, probe.shape[2])
                at = (frame, place, probe.channels[channel])
                return LayerMismatch(probe.layer, record.wrong, record.words, due, at, int(values[0]), int(values[1]))
        raise AssertionError("a word that differs has a lane that differs")


def _coded(probe: Probe, numbers: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """What a layer gives as it passes on a stream: of the channels that are there."""
    if probe.missing:
        _, height, width = probe.shape
        maps = numbers.reshape(len(numbers), height * width, -1)
        numbers = np.ascontiguousarray(maps[:, :, probe.channels]).reshape(len(numbers), -1)
    if probe.coding is not None:
        numbers = (numbers - probe.coding.offset) // probe.coding.step
    return probe.dtype.encode(numbers)
