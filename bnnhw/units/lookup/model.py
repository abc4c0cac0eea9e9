"""The unit of truth tables: what each output bit depends on, its streams, cycles and cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import StageTiming
from bnnhw.devices import Technology
from bnnhw.ir import Lookup

if TYPE_CHECKING:
    from amaranth.hdl import Module, Signal, Value

    from bnnhw.units.lookup.rtl import Tables

__all__ = ["LUT_INPUTS", "LookupUnit", "Table", "luts_of", "table_luts", "table_selects"]

LUT_INPUTS = 4
"""Address bits that one LUT4 decides."""

REGION = 400
"""Output bits that one set of copies of the inputs feeds, where inputs have copies."""

_CONTROL = 2
"""LUT4 of the handshake."""


@dataclass(frozen=True)
class Table:
    """One output bit: a function of the input bits that it depends on.

    Parameters
    ----------
    sources : tuple of int
        Bits of the input word; the first is the lowest in the address. None of a constant.
    entries : int
        Bit ``a`` is what address ``a`` gives.
    """

    sources: tuple[int, ...]
    entries: int


def table_selects(inputs: int, wide: int) -> int:
    """By how many of its inputs a table wider than ``wide`` is chosen from narrower ones: 1, or 2 at once."""
    return 2 - (inputs - wide) % 2


def table_luts(inputs: int, wide: int = LUT_INPUTS) -> int:
    """LUT4 of a table of so many inputs: tables of 4, chosen between by multiplexers of 2 (1 LUT4) or of 4 (2).

    1, 3, 6, 13 and 26 for 4 to 8 inputs. Where all of a table of random entries is left to synthesis, it takes 4.4, 10,
    20 and 42 for 5 to 8 (Yosys 0.70). Up to ``wide`` inputs, those of
    :attr:`~bnnhw.devices.technology.Technology.wide_table`, multiplexers take none: 1, 2, 4, 8 and 17 with 7.
    """
    if inputs <= LUT_INPUTS:
        return int(inputs > 0)
    if inputs <= wide:
        return 1 << (inputs - LUT_INPUTS)
    selects = table_selects(inputs, wide)
    return selects + (table_luts(inputs - selects, wide) << selects)


def luts_of(table: Table, wide: int) -> int:
    """LUT4 of one table: as :func:`table_luts`, without those parts of it that are constants, wires, or one another.

    What comes of weights and a threshold is often so: of two inputs that count alike it does not matter which is set.
    """
    inputs = len(table.sources)
    if inputs <= wide:
        return table_luts(inputs, wide)
    choices, width = 0, inputs
    while width > wide:
        selects = table_selects(width, wide)
        choices, width = choices + (selects << (inputs - width)), width - selects
    size, parts = 1 << width, 1 << (inputs - width)
    distinct = {table.entries >> (number * size) & ((1 << size) - 1) for number in range(parts)}
    own = [part for part in distinct if width > LUT_INPUTS or part not in _trivial(width)]
    return choices + len(own) * table_luts(width, wide)


@cache
def _trivial(width: int) -> frozenset[int]:
    """Entries of tables that are constants or one of their inputs."""
    address = range(1 << width)
    wires = (sum(1 << a for a in address if a >> place & 1) for place in range(width))
    return frozenset((0, (1 << (1 << width)) - 1, *wires))


@dataclass(frozen=True)
class LookupUnit(Unit):
    """Looks every neuron up, all of them side by side.

    Parameters
    ----------
    layer : Lookup
    reach : int, optional
        Registers that one enable stops at most.
    regions : int
        Sets of copies of the inputs, in registers in front of the tables, each for as many neighbours among these: the
        wire from one register to all tables that read an input would be the slowest of all. 1: no copies. More only
        in a pipeline that never stands.
    wide : int
        Inputs of the widest table that is joined without choices in look-up tables.
    vectors : int
        Words per frame: positions of a window, at which the same tables are read one after another.

    Raises
    ------
    ValueError
        There are copies, and an enable.
    """

    kind = "lookup"

    layer: Lookup
    reach: int | None = None
    regions: int = 1
    wide: int = LUT_INPUTS
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.regions > 1 and self.reach is not None:
            raise ValueError(f"inputs of {self.layer.name} must not have copies where registers have an enable")

    @classmethod
    def made(cls, layer: Lookup, technology: Technology, vectors: int = 1) -> LookupUnit:
        """The unit of a layer on a technology."""
        return cls(layer, technology.enable_reach, wide=technology.wide_table, vectors=vectors)

    @property
    def repeats(self) -> int:
        return self.vectors

    @property
    def inputs(self) -> tuple[StreamFormat]:
        inputs = self.layer.inputs
        return (StreamFormat(inputs, self.layer.input.bits, inputs, self.vectors * inputs),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        neurons = self.layer.neurons
        return (StreamFormat(neurons, self.layer.output.bits, neurons, self.vectors * neurons),)

    @property
    def timing(self) -> StageTiming:
        if self.regions > 1:
            raise ValueError(f"{self.layer.name} can't stand alone: its inputs have copies")
        return StageTiming(1, 1)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Every bit of the output word, without the inputs that it does not depend on."""
        layer, bits = self.layer, self.layer.input.bits
        planes = np.arange(bits)
        found: list[Table] = []
        for sources, codes in zip(layer.sources, layer.tables, strict=True):
            wires = (sources[:, None] * bits + planes).ravel()
            for bit in range(layer.output.bits):
                found.append(_reduced(wires, codes >> bit & 1))
        return tuple(found)

    @property
    def read(self) -> NDArray[np.bool_]:
        found = np.zeros(self.inputs[0].width, np.bool_)
        found[[bit for table in self.tables for bit in table.sources]] = True
        return found

    def inventory(self) -> Inventory:
        return self.datapath_inventory() + Inventory({"lut4": _CONTROL, "register": 1})

    def region(self, bit: int) -> int:
        """The set of copies that a bit of the output word is made from."""
        return bit * self.regions // len(self.tables)

    @property
    def copies(self) -> tuple[tuple[int, int], ...]:
        """Region and bit of the input word of every copy; none of a single region."""
        if self.regions == 1:
            return ()
        return tuple(sorted({(self.region(n), bit) for n, table in enumerate(self.tables) for bit in table.sources}))

    @property
    def straight(self) -> int | None:
        return 1 + (self.regions > 1) if self.vectors == 1 else None

    @property
    def leads(self) -> bool:
        return self.vectors == 1

    def leading(self, technology: Technology) -> LookupUnit:
        regions = -(-len(self.tables) // REGION) if technology.unary_control else 1
        return self if regions == 1 else replace(self, reach=None, regions=regions)

    def datapath_inventory(self) -> Inventory:
        distinct = {(self.region(n), table) for n, table in enumerate(self.tables) if table.sources}
        luts = sum(luts_of(table, self.wide) for _, table in distinct)
        return Inventory({"lut4": luts, "register": len(distinct), "alone": len(self.copies)})

    def datapath(self, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
        from bnnhw.units.lookup.rtl import datapath

        return datapath(self, m, platform, word)

    def component(self) -> Tables:
        from bnnhw.units.lookup.rtl import Tables

        return Tables(self)


def _live(entries: NDArray[np.uint8]) -> Iterator[int]:
    """The address bits that a table's entries depend on."""
    for place in range(len(entries).bit_length() - 1):
        halves = entries.reshape(-1, 2, 1 << place)
        if (halves[:, 0] != halves[:, 1]).any():
            yield place


def _reduced(wires: NDArray[np.int64], entries: NDArray[np.uint8]) -> Table:
    """A table with a wire once in its address, in ascending order, and only where it decides anything."""
    # Addresses at which a wire that stands in several places is 0 here and 1 there can't be.
    distinct = np.unique(wires)
    address = np.arange(1 << len(distinct))
    before = np.zeros_like(address)
    for place, number in enumerate(np.searchsorted(distinct, wires).tolist()):
        before |= (address >> number & 1) << place
    entries = entries[before]
    live = list(_live(entries))
    address = np.arange(1 << len(live))
    before = np.zeros_like(address)
    for place, number in enumerate(live):
        before |= (address >> place & 1) << number
    packed = np.packbits(entries[before], bitorder="little").tobytes()
    return Table(tuple(distinct[live].tolist()), int.from_bytes(packed, "little"))
