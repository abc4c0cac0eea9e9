"""What the compiler knows of a device family: one value says all of it.

A family is one file in this package; :mod:`bnnhw.devices` finds it. Facts are plain values. What makes gateware is a
function that imports Amaranth when it is called, so that folding a network needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Signal, Value
    from numpy.typing import NDArray

__all__ = ["BlockRam", "Family", "Technology", "blocks_needed", "buffer_style"]


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
    """

    name: str
    levels: int
    chain_cell: int
    block_register: bool
    group: int
    block_ram: BlockRam
    lut_ram: bool


@dataclass(frozen=True, eq=False)
class Family:
    """A device family.

    Parameters
    ----------
    technology : Technology
        Its name is the family's.
    lone_registers : float
        Share of the registers that take a logic cell of their own.
    block_ram_instance : callable, optional
        Makes the instance of a read-only block RAM: takes its contents, uint8 bits of shape (depth, width), the
        address, the signal that gets the data, and whether the block's output register is used. Without it memories
        are left to inference.
    block_ram_register : bool
        Whether a block RAM has an output register of its own.
    """

    technology: Technology
    lone_registers: float
    block_ram_instance: Callable[[NDArray[np.uint8], Value, Signal, bool], Instance] | None = None
    block_ram_register: bool = False

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return self.technology.name


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
