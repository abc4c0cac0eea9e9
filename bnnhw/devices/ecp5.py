"""Lattice ECP5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.devices.family import BlockRam, Family, Technology

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Signal, Value
    from numpy.typing import NDArray

__all__ = ["ECP5"]


def _block_ram(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    """As Yosys' mapping makes it (techlibs/lattice/brams_map_16kd.v), reading only."""
    import numpy as np
    from amaranth.hdl import Cat, ClockSignal, Const, Instance

    from bnnhw.devices.block_ram import integer

    # Both ports read 18 bits in every cycle: port A the even half words, port B the odd ones. A 36-bit port would do
    # the same, but which port's output register then serves which half is documented nowhere.
    halves = np.zeros((1024, 20), np.uint8)
    halves[:, :18] = bits.reshape(1024, 18)
    contents = {f"p_INITVAL_{row:02X}": Const(integer(halves[16 * row : 16 * row + 16]), 320) for row in range(64)}
    parameters = {f"p_REGMODE_{side}": "OUTREG" if output_register else "NOREG" for side in "AB"}
    ports: dict[str, Value] = {}
    for odd, side in enumerate("AB"):
        word = Cat(Const(odd), address)
        ports |= {f"i_AD{side}{bit}": word[bit - 4] if 4 <= bit < 4 + len(word) else Const(0) for bit in range(14)}
        ports |= {f"i_DI{side}{bit}": Const(0) for bit in range(18)}
        ports |= {f"o_DO{side}{bit}": data[18 * odd + bit] for bit in range(18)}
        ports |= {f"i_CS{side}{bit}": Const(0) for bit in range(3)}
        ports |= {f"i_CLK{side}": ClockSignal(), f"i_CE{side}": Const(1), f"i_OCE{side}": Const(1)}
        ports |= {f"i_WE{side}": Const(0), f"i_RST{side}": Const(0)}
    return Instance(
        "DP16KD",
        **contents,
        **parameters,
        p_DATA_WIDTH_A=Const(18, 32),
        p_DATA_WIDTH_B=Const(18, 32),
        p_RESETMODE="SYNC",
        p_ASYNC_RESET_RELEASE="SYNC",
        p_CSDECODE_A="0b000",
        p_CSDECODE_B="0b000",
        p_CLKAMUX="CLKA",
        p_CLKBMUX="CLKB",
        p_WRITEMODE_A="NORMAL",
        p_WRITEMODE_B="NORMAL",
        p_GSR="AUTO",
        **ports,
    )


ECP5 = Family(
    technology=Technology(
        "ecp5", levels=3, chain_cell=2, block_register=True, group=8, block_ram=BlockRam(36, 512, 1), lut_ram=True
    ),
    # A slice takes registers beside LUTs of other logic.
    lone_registers=0.0,
    block_ram_instance=_block_ram,
    block_ram_register=True,
)
