"""No device in particular: Verilog that any tool reads."""

from __future__ import annotations

from bnnhw.devices.family import BlockRam, Family, Technology

__all__ = ["GENERIC"]

GENERIC = Family(
    technology=Technology(
        "generic",
        levels=5,
        chain_cell=1,
        block_register=True,
        group=16,
        block_ram=BlockRam(36, 512, 1),
        lut_ram=True,
        portable=True,
    ),
)
