"""Read-only banks in the block RAMs of a family, instantiated with their contents.

Left to inference, most of the synthesis time of a design with much weight memory goes into mapping contents that are
known from the start: 110 s against 30 s on a 64 x 72 matrix-vector unit. The structures are those that Yosys' own
mapping produces (techlibs/ice40/brams_map.v, techlibs/lattice/brams_map_16kd.v), reading only.
"""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value
from numpy.typing import NDArray

from bnnhw.folding.resources import BLOCK_RAMS

__all__ = ["DEPTHS", "block_ram_bank"]

DEPTHS = {family: BLOCK_RAMS[family].depth for family in ("ice40", "ecp5")}
"""Deepest bank that is instantiated, at a block RAM's widest; a deeper one is left to inference."""


def block_ram_bank(
    m: Module, name: str, bits: NDArray[np.uint8], address: Value, family: str, *, output_register: bool
) -> Value:
    """Instances that hold ``bits``; returns the data, 1 cycle after the address (2 with the output register).

    Parameters
    ----------
    bits : uint8 array (depth, width)
        ``depth`` at most :data:`DEPTHS`.
    address : Value
    family : str
        ``"ice40"``, which has no output register of its own, or ``"ecp5"``.
    output_register : bool
    """
    depth, width = bits.shape
    step = BLOCK_RAMS[family].width
    columns: list[Value] = []
    for index, start in enumerate(range(0, width, step)):
        part = np.zeros((DEPTHS[family], step), np.uint8)
        used = min(step, width - start)
        part[:depth, :used] = bits[:, start : start + used]
        data = Signal(step, name=f"{name}_{index}_data")
        instance = _ice40 if family == "ice40" else _ecp5
        m.submodules[f"{name}_{index}"] = instance(part, address, data, output_register)
        columns.append(data[:used])
    return Cat(*columns)


def _integer(bits: NDArray[np.uint8]) -> int:
    return int.from_bytes(np.packbits(bits.reshape(-1), bitorder="little").tobytes(), "little")


def _ice40(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    if output_register:
        raise ValueError("an iCE40 block RAM has no output register")
    contents = {f"p_INIT_{row:X}": Const(_integer(bits[16 * row : 16 * row + 16]), 256) for row in range(16)}
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


def _ecp5(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    # Both ports read 18 bits in every cycle: port A the even half words, port B the odd ones. A 36-bit port would do
    # the same, but which port's output register then serves which half is documented nowhere.
    halves = np.zeros((1024, 20), np.uint8)
    halves[:, :18] = bits.reshape(1024, 18)
    contents = {f"p_INITVAL_{row:02X}": Const(_integer(halves[16 * row : 16 * row + 16]), 320) for row in range(64)}
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
