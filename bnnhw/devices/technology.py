"""What the structure of a datapath depends on, of any family."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

__all__ = ["BlockRam", "Technology"]


@dataclass(frozen=True)
class BlockRam:
    """One block RAM of a family: ``depth`` words of ``width`` bits at its widest, and the least width it has."""

    width: int
    depth: int
    narrowest: int


@dataclass(frozen=True)
class Technology:
    """What the structure of a datapath depends on.

    Parameters
    ----------
    name : str
    levels : int
        Greatest number of LUT4 between two registers of a popcount.
    chain_cell : int
        A carry chain is built of cells of this many bits; a chain's LUT4 count is rounded up to it.
    block_register : bool
        Whether words read from block RAM pass a register before the first LUT4 (slow clock-to-output).
    group : int
        Processing elements that one register feeds at most; a unit of more has several of each.
    block_ram : BlockRam
    lut_ram : bool
        Whether LUTs can be small memories that are written and read.
    portable : bool
        Whether it stands for any device: nothing is asked for that some device has not.
    quick_levels : int
        As ``levels``, of popcounts with constant weights, whose units are to keep a clock near the family's highest.
    subtracts : bool
        Whether a carry chain subtracts without inverters in front of it.
    chain_start : int
        LUT4 that a carry chain with constant weights costs beside its bits: each begins in a place of its own.
    lone_register : int
        LUT4 that a register takes the place of where it does not follow one.
    enable_reach : int or None
        Registers that one enable stops at most; None where an enable is a global net, which reaches all.
    wide_table : int
        Inputs of the widest table whose look-up tables of 4 are joined without any more of them.
    spram : BlockRam, optional
        The large single-port memories that some devices of the family have: written while they run, never by a
        bitstream.
    seams : bool
        Whether devices are so large that what both ends of a stream work out is not to be shared between them
        (:class:`~bnnhw.rtl.seam.Seam`).
    fullness : float
        What the shares of a device's logic cells and of its block RAMs may add up to where weight words are shared,
        each block RAM's wires going to several places: fuller ones are not routed. No end where that is not seen.
    narrow : int
        Sums of at most so many bits are look-up tables and no carry chain.
    prices : str
        The table of what parts of units cost (:mod:`bnnhw.devices.prices`), the family's own or that of a similar one.
    """

    name: str
    levels: int
    chain_cell: int
    block_register: bool
    group: int
    block_ram: BlockRam
    lut_ram: bool
    portable: bool = False
    quick_levels: int = 3
    subtracts: bool = True
    chain_start: int = 0
    lone_register: int = 0
    enable_reach: int | None = 256
    wide_table: int = 4
    spram: BlockRam | None = None
    seams: bool = False
    fullness: float = inf
    narrow: int = 2
    prices: str = "ecp5"

    def __hash__(self) -> int:
        # What is kept by technology is looked up far too often for all of its fields.
        return hash(self.name)

    @property
    def unary_control(self) -> bool:
        """Whether queues of units with constant weights count in unary: a carry chain would be their slowest path."""
        return self.quick_levels == 1
