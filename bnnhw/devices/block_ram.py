"""Read-only banks in the block RAMs of a family, instantiated with their contents.

Left to inference, most of the synthesis time of a design with much weight memory goes into mapping contents that are
known from the start: 110 s against 30 s on a 64 x 72 matrix-vector unit.
"""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, Module, Signal, Value
from numpy.typing import NDArray

from bnnhw.devices.family import Family

__all__ = ["block_ram_bank", "deepest_bank", "integer"]


def deepest_bank(family: Family) -> int:
    """Words of the deepest bank that is instantiated, at a block RAM's widest; a deeper one is left to inference."""
    return 0 if family.block_ram_instance is None else family.technology.block_ram.depth


def block_ram_bank(
    m: Module, name: str, bits: NDArray[np.uint8], address: Value, family: Family, *, output_register: bool
) -> Value:
    """Instances that hold ``bits``; returns the data, 1 cycle after the address (2 with the output register).

    Parameters
    ----------
    bits : uint8 array (depth, width)
        ``depth`` at most what :func:`deepest_bank` says.
    address : Value
    family : Family
    output_register : bool
        Only where the family's block RAM has one.
    """
    if family.block_ram_instance is None:
        raise ValueError(f"{family.name} instantiates no block RAM")
    depth, width = bits.shape
    block = family.technology.block_ram
    columns: list[Value] = []
    for index, start in enumerate(range(0, width, block.width)):
        part = np.zeros((block.depth, block.width), np.uint8)
        used = min(block.width, width - start)
        part[:depth, :used] = bits[:, start : start + used]
        data = Signal(block.width, name=f"{name}_{index}_data")
        m.submodules[f"{name}_{index}"] = family.block_ram_instance(part, address, data, output_register)
        columns.append(data[:used])
    return Cat(*columns)


def integer(bits: NDArray[np.uint8]) -> int:
    """The number whose bits these are, row after row, the least significant first."""
    return int.from_bytes(np.packbits(bits.reshape(-1), bitorder="little").tobytes(), "little")
