"""Every layer's output stream inside an accelerator, against the reference, word by word.

The Verilog under test stays as it is: a module around it looks at its streams from outside (hierarchical names) and
gives each layer's payload, and whether a word passes in this cycle, as ports of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import technology
from bnnhw.errors import RequestError
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.chain import chain
from bnnhw.folding.lanes import Format
from bnnhw.folding.units import MvuUnit
from bnnhw.ir import DataType
from bnnhw.ir.layer import walk
from bnnhw.reference import trace
from bnnhw.sim.harness import TapRecord
from bnnhw.sim.ports import Interface, TapPort
from bnnhw.sim.result import LayerMismatch
from bnnhw.sim.words import pack_groups, unpack_lane

__all__ = ["Tap", "Taps", "taps_of", "wrapper"]


@dataclass(frozen=True)
class Tap:
    """The stream that a layer gives.

    Parameters
    ----------
    layer : str
    unit : str
        Name of the unit in hardware whose output it is.
    shape : (int, int, int)
        Channels, height, width.
    dtype : DataType
        Of its elements.
    form : Format
        How they lie in its words.
    """

    layer: str
    unit: str
    shape: tuple[int, int, int]
    dtype: DataType
    form: Format

    def port(self, number: int) -> TapPort:
        """The port of tap ``number``."""
        form = self.form
        words = -(-form.group // form.lanes)
        last = form.group - (words - 1) * form.lanes
        return TapPort(f"tap_{number}", form.width, form.words, words, last * form.bits)


def taps_of(folded: FoldedNetwork, tech: str) -> tuple[Tap, ...]:
    """The taps of a network's layers, in the order of :func:`bnnhw.ir.layer.walk`; its output has none."""
    # A layer's last unit, in the order in which words pass, is the one that gives the layer's words.
    units = {stage.layer: stage for stage in chain(folded, technology(tech)).stages}
    taps: list[Tap] = []
    for layer in walk(folded.network.chain):
        stage = units[layer.name]
        unit: Any = stage.unit
        lanes: int = unit.folding.pe if isinstance(unit, MvuUnit) else unit.lanes
        dtype, shape = layer.output, layer.shape_out
        form = Format(lanes, dtype.bits, shape[0], math.prod(shape))
        taps.append(Tap(layer.name, stage.name, shape, dtype, form))
    return tuple(taps)


def wrapper(name: str, interface: Interface, taps: Sequence[Tap], text: str) -> tuple[str, Interface]:
    """A module around an accelerator that shows its layers' streams.

    Parameters
    ----------
    name : str
        Of the module.
    interface : Interface
        Of the accelerator.
    taps : sequence of Tap
    text : str
        The accelerator's Verilog.

    Returns
    -------
    text, interface
        Of the module, without the accelerator.

    Raises
    ------
    RequestError
        When a layer's unit is not found in the Verilog.
    """
    i = interface
    ports = [("input", i.clock, 1), ("input", i.input_valid, 1), ("output", i.input_ready, 1)]
    ports += [("input", i.input.name, i.input.width), ("output", i.output_valid, 1), ("input", i.output_ready, 1)]
    ports += [("output", port.name, port.width) for port in i.outputs]
    ports += [] if i.reset is None else [("input", i.reset, 1)]
    connections = ", ".join(f".{port}({port})" for _, port, _ in ports)
    lines: list[str] = []
    shown = [tap.port(number) for number, tap in enumerate(taps)]
    for number, (tap, port) in enumerate(zip(taps, shown, strict=True)):
        instance = re.search(rf"\b{re.escape(tap.unit)} \(\n(.*?)\);", text, re.DOTALL)
        found = None if instance is None else re.search(r"\.(output_+)valid\(", instance[1])
        if found is None:
            raise RequestError(f"layer {tap.layer}: unit {tap.unit} must be in the Verilog of {i.top}, and is not")
        end = f"core.{tap.unit}.{found[1]}"
        lines += [
            f"  assign {i.tap_moves}[{number}] = {end}valid & {end}ready;",
            f"  assign {port.name} = {end}payload;",
        ]
    ports += [("output", i.tap_moves, len(taps)), *(("output", port.name, port.width) for port in shown)]
    listed = ",\n  ".join(f"{way} [{width - 1}:0] {port}" for way, port, width in ports)
    module = f"module {name}(\n  {listed}\n);\n  {i.top} core({connections});\n" + "\n".join(lines) + "\nendmodule\n"
    seen = Interface(
        name, i.input, i.input_words, i.outputs, i.clock, i.reset, i.input_valid, i.input_ready, i.output_valid,
        i.output_ready, tuple(shown), i.tap_moves,
    )  # fmt: skip
    return module, seen


@dataclass(frozen=True, eq=False)
class Taps:
    """What the reference says of some frames' streams (a :class:`~bnnhw.sim.harness.Watch`).

    Parameters
    ----------
    folded : FoldedNetwork
    codes : uint8 array (frames, elements)
    taps : tuple of Tap
    """

    folded: FoldedNetwork
    codes: NDArray[np.uint8]
    taps: tuple[Tap, ...]

    def expected(self, first: int, last: int) -> list[NDArray[np.uint32]]:
        """Words of each tap, (frames, words, limbs), of the frames ``first .. last - 1``."""
        return [
            pack_groups(codes, tap.form.bits, tap.form.lanes, tap.form.group)
            for tap, codes in zip(self.taps, self._codes(first, last), strict=True)
        ]

    def _codes(self, first: int, last: int) -> list[NDArray[np.unsignedinteger]]:
        found = trace(self.folded.network, self.codes[first:last])
        # The last matrix layer's accumulators come as numbers, everything else as codes.
        return [tap.dtype.encode(found[tap.layer].astype(np.int64)) for tap in self.taps]

    def mismatches(self, records: Sequence[TapRecord]) -> tuple[LayerMismatch, ...]:
        """The first difference of every layer that differs, in the layers' order."""
        return tuple(
            found for number, record in enumerate(records) if (found := self._mismatch(number, record)) is not None
        )

    def finding(self, records: Sequence[TapRecord]) -> str | None:
        """The first difference of the first layer that differs, or None."""
        for number, record in enumerate(records):
            # A run that ended early has not seen all words.
            if record.wrong and (found := self._mismatch(number, record)) is not None:
                return str(found)
        return None

    def _mismatch(self, number: int, record: TapRecord) -> LayerMismatch | None:
        tap = self.taps[number]
        due = len(self.codes) * tap.form.words
        if not record.wrong:
            return None if record.words == due else LayerMismatch(tap.layer, 0, record.words, due)
        word, got = record.first[0]
        frame, word = divmod(word, tap.form.words)
        words = -(-tap.form.group // tap.form.lanes)
        group, word = divmod(word, words)
        expected = self._codes(frame, frame + 1)[number][0].reshape(-1, tap.form.group)[group]
        for lane in range(min(tap.form.lanes, tap.form.group - word * tap.form.lanes)):
            channel = word * tap.form.lanes + lane
            code = unpack_lane(got, lane, tap.form.bits)
            if code != expected[channel]:
                values = tap.dtype.values(np.array([expected[channel], code]))
                place = divmod(group, tap.shape[2])
                at = (frame, place, channel)
                return LayerMismatch(tap.layer, record.wrong, record.words, due, at, int(values[0]), int(values[1]))
        raise AssertionError("a word that differs has a lane that differs")
