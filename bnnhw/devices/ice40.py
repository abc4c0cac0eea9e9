"""Lattice iCE40: LP, HX and UltraPlus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.devices.family import BlockRam, Family, Technology

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Signal, Value
    from numpy.typing import NDArray

__all__ = ["ICE40"]


def _block_ram(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    """As Yosys' mapping makes it (techlibs/ice40/brams_map.v), reading only."""
    from amaranth.hdl import Cat, ClockSignal, Const, Instance

    from bnnhw.devices.block_ram import integer

    if output_register:
        raise ValueError("an iCE40 block RAM has no output register")
    contents = {f"p_INIT_{row:X}": Const(integer(bits[16 * row : 16 * row + 16]), 256) for row in range(16)}
    return Instance(
        "SB_RAM40_4K",
        **contents,
        p_READ_MODE=Const(0, 32),
        p_WRITE_MODE=Const(0, 32),
        i_RCLK=ClockSignal(),
        i_RCLKE=Const(1),
        i_RE=Const(1),
        i_RADDR=Cat(address, Const(0, 11 - len(address))),
        o_RDATA=data,
        i_WCLK=Const(0),
        i_WCLKE=Const(0),
        i_WE=Const(0),
        i_WADDR=Const(0, 11),
        i_WDATA=Const(0, 16),
        i_MASK=Const(0, 16),
    )


ICE40 = Family(
    technology=Technology(
        "ice40", levels=5, chain_cell=1, block_register=False, group=64, block_ram=BlockRam(16, 256, 2), lut_ram=False
    ),
    # A cell has one register, behind its LUT4; of those in our pipelines about half do not follow a LUT4 (5,111 cells
    # of 3,590 LUT4 and 2,697 registers in the digits network).
    lone_registers=0.5,
    block_ram_instance=_block_ram,
)
