"""The memories of iCE40 as instances: block RAM with its contents, written or not, and the SPRAM of the UltraPlus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Signal, Value
    from numpy.typing import NDArray

__all__ = ["block_ram", "spram", "writable_block_ram"]


def block_ram(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    """One that is only read."""
    from amaranth.hdl import Const

    if output_register:
        raise ValueError("an iCE40 block RAM has no output register")
    idle = {
        "i_WCLK": Const(0),
        "i_WCLKE": Const(0),
        "i_WE": Const(0),
        "i_WADDR": Const(0, 11),
        "i_WDATA": Const(0, 16),
    }
    return _ram(bits, address, data, idle)


def writable_block_ram(
    bits: NDArray[np.uint8], address: Value, data: Signal, word: Value, written: Value, write: Value
) -> Instance:
    """One that is written through its other port."""
    from amaranth.hdl import Cat, ClockSignal, Const

    port = {
        "i_WCLK": ClockSignal(),
        "i_WCLKE": Const(1),
        "i_WE": write,
        "i_WADDR": Cat(word, Const(0, 11 - len(word))),
        "i_WDATA": written,
    }
    return _ram(bits, address, data, port)


def _ram(bits: NDArray[np.uint8], address: Value, data: Signal, port: dict[str, Any]) -> Instance:
    """As Yosys' mapping makes it (techlibs/ice40/brams_map.v); a mask of 0 writes a bit."""
    from amaranth.hdl import Cat, ClockSignal, Const, Instance

    from bnnhw.devices.block_ram import integer

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
        **port,
        i_MASK=Const(0, 16),
    )


def spram(address: Value, written: Value, write: Value, data: Signal) -> Instance:
    """FPGA-TN-02022: awake, selected, all four nibbles written."""
    from amaranth.hdl import Cat, ClockSignal, Const, Instance

    return Instance(
        "SB_SPRAM256KA",
        i_CLOCK=ClockSignal(),
        i_ADDRESS=Cat(address, Const(0, 14 - len(address))),
        i_DATAIN=written,
        i_MASKWREN=Const(15, 4),
        i_WREN=write,
        i_CHIPSELECT=Const(1),
        i_STANDBY=Const(0),
        i_SLEEP=Const(0),
        i_POWEROFF=Const(1),
        o_DATAOUT=data,
    )
