"""What the compiler knows of a device family: one value says all of it.

A family is one file in this package; :mod:`bnnhw.devices` finds it. Facts are plain values. What makes gateware is a
function that imports Amaranth when it is called, so that folding a network needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bnnhw.devices.technology import BlockRam, Technology
from bnnhw.errors import RequestError
from bnnhw.tools import Program

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Module, Signal, Value
    from numpy.typing import NDArray

__all__ = [
    "BlockRam",
    "CellModels",
    "Family",
    "InternalOscillator",
    "Package",
    "Part",
    "Pll",
    "Technology",
    "Toolchain",
    "Unpacker",
    "blocks_needed",
    "buffer_style",
    "ram_attributes",
]


@dataclass(frozen=True)
class Package:
    """One package of a device.

    Parameters
    ----------
    name : str
        The vendor's name.
    place_route : tuple of str
        Options of nextpnr that select it.
    pll : bool
        Whether the device has a PLL in it.
    pll_pads : tuple of str
        Pins that reach a PLL without the fabric, where the family's PLLs need to be told.
    """

    name: str
    place_route: tuple[str, ...] = ()
    pll: bool = True
    pll_pads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One device of a family: what is in it, and the options that select it.

    Parameters
    ----------
    name : str
        The vendor's name.
    lut4, ff, block_rams : int
        How many there are.
    spram_bits : int
        Bits of large single-port memory, all of it.
    synthesis, place_route, pack : tuple of str
        Options of the family's synthesis command, of nextpnr and of the packer.
    packages : tuple of Package
        Those it is made in; a board may have another, which it then has to select itself.
    speed : str
        Parts of one word have the same delays: a row of the table of clocks (:mod:`bnnhw.devices.speeds`), of a part
        that is sold in grades with the grade behind it (:attr:`Toolchain.grade_option`). Empty where nothing is known.
    """

    name: str
    lut4: int
    ff: int
    block_rams: int
    spram_bits: int = 0
    synthesis: tuple[str, ...] = ()
    place_route: tuple[str, ...] = ()
    pack: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    speed: str = ""

    def package(self, name: str) -> Package | None:
        """One of :attr:`packages` by its name, in capitals or not."""
        return next((package for package in self.packages if package.name.lower() == name.lower()), None)


@dataclass(frozen=True)
class InternalOscillator:
    """An oscillator inside the device.

    Parameters
    ----------
    mhz : tuple of float
        The frequencies it can be set to.
    tolerance : float
        How far the real frequency may be off, by the data sheet, as a fraction.
    gateware : callable
        Adds it to a module, set to one of its frequencies; returns the signal of its clock.
    """

    mhz: tuple[float, ...]
    tolerance: float
    gateware: Callable[[Module, float], Signal]


@dataclass(frozen=True)
class Toolchain:
    """How a bitstream is made.

    Parameters
    ----------
    synthesis : tuple of str
        Yosys' command and its options, without those of the part and of the top. It honours ``keep_hierarchy`` when
        it flattens, and ends before the check section, which would name every wire after its cell: minutes on a
        large flat netlist.
    cells : mapping of str to (mapping of str to int)
        What is counted (``lut4``, ``ff``, ``carry``, ``bram``, ``spram``, ``dsp``) -> beginnings of the names of
        cells, and how many each such cell takes.
    place_route : Program
        A nextpnr.
    place_route_options : tuple of str
        Options that name its files: ``{constraints}`` and ``{configuration}`` stand for them.
    placed_options : tuple of str
        Options of nextpnr that write the netlist with the place of each cell to ``{placed}``; none where what it
        configures the device with is that netlist.
    constraints, configuration, bitstream : str
        Suffixes of pins and clocks, of what nextpnr writes, and of what the packer makes of it.
    packer : Program
    pack_options : tuple of str
        Its arguments; ``{configuration}`` and ``{bitstream}`` stand for the files.
    large_lut4 : int, optional
        Above so many LUT4 a design is large.
    options, large_options : tuple of tuple of str
        More options of nextpnr, those a design that is not large, and one that is, is built with first; then what is
        worth trying beside, and is tried where nextpnr gives up.
    logic_cell : str
        Nextpnr's name of what look-up tables, and on some families registers, sit in; empty where it has none.
    grade_option : str
        Nextpnr's option for the speed grade; empty where parts have none.
    registers : str
        The kinds of registers there are, as arguments of Yosys' ``dfflegalize``; empty where nothing is asked of it.
    finish : callable, optional
        Changes a mapped netlist, Yosys' JSON as read, before it is placed; returns how many cells it added, by type.
    """

    synthesis: tuple[str, ...]
    cells: Mapping[str, Mapping[str, int]]
    place_route: Program
    place_route_options: tuple[str, ...]
    constraints: str
    configuration: str
    packer: Program
    pack_options: tuple[str, ...]
    bitstream: str
    placed_options: tuple[str, ...] = ("--write", "{placed}")
    large_lut4: int | None = None
    options: tuple[tuple[str, ...], ...] = ((),)
    large_options: tuple[tuple[str, ...], ...] = ((),)
    logic_cell: str = ""
    grade_option: str = ""
    registers: str = ""
    finish: Callable[[dict[str, Any]], Mapping[str, int]] | None = None

    def options_for(self, lut4: int) -> tuple[tuple[str, ...], ...]:
        """Options of nextpnr for a design of so many LUT4, those it is built with first."""
        return self.options if self.large_lut4 is None or lut4 <= self.large_lut4 else self.large_options


@dataclass(frozen=True)
class CellModels:
    """Simulation models of the cells that synthesis maps to.

    Parameters
    ----------
    pattern : str
        A regular expression that finds a cell of the family in Verilog.
    sources : callable
        Takes the folder of Yosys' own files; returns the models' texts by file name.
    macros : tuple of str
        To define for them.
    """

    pattern: str
    sources: Callable[[Path], dict[str, str]]
    macros: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unpacker:
    """How a bitstream becomes a netlist again.

    Parameters
    ----------
    programs : tuple of Program
    verilog : callable
        Takes the bitstream, the file that names its pins, the part, and all options of place and route; returns
        Verilog whose top module, ``top``, has the pins as ports.
    """

    programs: tuple[Program, ...]
    verilog: Callable[[Path, Path, Part, Sequence[str]], str]


class Pll(Protocol):
    """Settings of a PLL."""

    @property
    def output_mhz(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Family:
    """A device family.

    Parameters
    ----------
    technology : Technology
        Its name is the family's.
    block_ram_instance : callable, optional
        Makes the instance of a read-only block RAM: takes its contents, uint8 bits of shape (depth, width), the
        address, the signal that gets the data, and whether the block's output register is used. Without it memories
        are left to inference.
    block_ram_register : bool
        Whether a block RAM has an output register of its own.
    writable_block_ram : callable, optional
        Makes the instance of a block RAM, at its widest, that is written too: takes what it holds at first, the
        address, the signal that gets the data, what is written where, and whether. What it gives in the cycle of a
        write is undefined.
    spram_instance : callable, optional
        Makes the instance of a large single-port memory: takes the address, what is written, whether, and the signal
        that gets the data, which is undefined after a write.
    add_table : callable, optional
        Adds instances of a table of more than 4 inputs, ``technology.wide_table`` at most: takes the module, a name,
        the address and the entries as an integer, bit ``a`` of which is that of address ``a``; returns what it gives.
        Without it such tables are look-up tables of 4 and choices between them.
    parts : tuple of Part
        Devices that boards are built with; the first stands for the family where no board is known.
    solve_pll : callable, optional
        Takes the oscillator's and the wanted clock in MHz; returns the settings nearest to it, or raises
        :class:`~bnnhw.errors.RequestError` when it is out of reach.
    clock : callable, optional
        Drives the domain ``sync`` of a module, its reset included: takes the module, the Amaranth platform, the
        oscillator's port or, of one inside the device, its signal, the PLL's settings (None: the oscillator as it is)
        and the clock in MHz, as fast as it may really be.
    oscillators : mapping of str to InternalOscillator
        Those inside the device, by the name a board asks for them by.
    pin_attributes : mapping of str to str
        Amaranth's attributes of a pin of 3.3 V, for pins that no resource of a platform describes.
    toolchain : Toolchain, optional
    cell_models : CellModels, optional
    board_models : str, optional
        A template of this package: Verilog models of the clock generator and of pins, for the simulation of a board
        (``bnnhw/sim/board.cpp.j2``). They stand in for those of ``cell_models``.
    unpacker : Unpacker, optional
    """

    technology: Technology
    block_ram_instance: Callable[[NDArray[np.uint8], Value, Signal, bool], Instance] | None = None
    block_ram_register: bool = False
    writable_block_ram: Callable[[NDArray[np.uint8], Value, Signal, Value, Value, Value], Instance] | None = None
    spram_instance: Callable[[Value, Value, Value, Signal], Instance] | None = None
    add_table: Callable[[Module, str, Value, int], Value] | None = None
    parts: tuple[Part, ...] = ()
    solve_pll: Callable[[float, float], Pll] | None = None
    clock: Callable[[Module, Any, Any, Any, float], None] | None = None
    oscillators: Mapping[str, InternalOscillator] = field(default_factory=dict[str, InternalOscillator])
    pin_attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    toolchain: Toolchain | None = None
    cell_models: CellModels | None = None
    board_models: str | None = None
    unpacker: Unpacker | None = None

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return self.technology.name

    def part(self, name: str) -> Part:
        """One of :attr:`parts` by its name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
        for part in self.parts:
            if part.name == name:
                return part
        known = ", ".join(part.name for part in self.parts)
        raise RequestError(f"part of {self.name} must be one of {known}, not {name!r}")

    def build_tools(self) -> Toolchain:
        """:attr:`toolchain`; :class:`~bnnhw.errors.RequestError` for a family that no bitstream is made for."""
        if self.toolchain is None:
            raise RequestError(f"no bitstream can be built for the family {self.name}")
        return self.toolchain

    def pll(self, oscillator_mhz: float, clock_mhz: float) -> Pll | None:
        """The PLL's settings for a clock; None where the oscillator itself is that clock."""
        if clock_mhz == oscillator_mhz:
            return None
        if self.solve_pll is None:
            raise RequestError(f"clock must be {oscillator_mhz:g} MHz, not {clock_mhz:g}")
        return self.solve_pll(oscillator_mhz, clock_mhz)

    def reachable_mhz(self, oscillator_mhz: float, clock_mhz: float) -> float:
        """The clock nearest to what is asked for: the oscillator's own, or what the PLL can make of it."""
        pll = self.pll(oscillator_mhz, clock_mhz)
        return oscillator_mhz if pll is None else pll.output_mhz


def blocks_needed(depth: int, width: int, tech: Technology) -> int:
    """Block RAMs of a memory: side by side at their widest, then at half the width for twice the depth."""
    block = tech.block_ram
    bank_width, bank_depth = block.width, block.depth
    while bank_depth < depth and bank_width > block.narrowest:
        # The ninth bit of a byte exists only at the widths 9, 18 and 36.
        bank_width, bank_depth = {9: 4}.get(bank_width, bank_width // 2), bank_depth * 2
    return -(-width // bank_width) * -(-depth // bank_depth)


def buffer_style(depth: int, width: int, tech: Technology) -> str:
    """Where a buffer that is written and read lives: ``"registers"``, ``"distributed"`` (LUT RAM) or ``"block"``."""
    if depth <= 2 or depth * width <= 128:
        return "registers"
    # A LUT RAM of 16 words of 4 bits takes as many LUT4 as six; deeper ones multiplex them.
    return "block" if depth > 64 or not tech.lut_ram else "distributed"


def ram_attributes(style: str, tech: Technology) -> dict[str, str]:
    """What synthesis is asked of a memory of a :func:`buffer_style`; LUT RAM only where there is some for certain."""
    return {} if style == "distributed" and tech.portable else {"ram_style": style}
