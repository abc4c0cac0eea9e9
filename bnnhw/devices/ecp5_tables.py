"""Tables of 5 to 7 inputs in the slices of an ECP5: multiplexers between look-up tables that take no look-up table.

A slice joins its two LUT4 by a PFUMX, slices side by side theirs by L6MUX21 ("ECP5 and ECP5-5G Family Data Sheet",
FPGA-DS-02012, PFU). Synthesis would use them for adders too, at twice the area, and so is not let to; where a table is
known to be one they are asked for by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amaranth.hdl import Module, Signal, Value

__all__ = ["WIDEST", "add_table"]

WIDEST = 7
"""Inputs of the widest table: eight LUT4."""

_LUT_INPUTS = 4


def add_table(m: Module, name: str, address: Value, entries: int) -> Signal:
    """Add a table of 5 to 7 inputs to a module, every look-up table of its own: what it gives.

    Parameters
    ----------
    m : Module
    name : str
        Begins the names of its cells.
    address : Value
    entries : int
        Bit ``a`` is what address ``a`` gives.
    """
    from amaranth.hdl import Const, Instance, Signal

    given: list[Signal] = []
    for number in range(1 << (len(address) - _LUT_INPUTS)):
        out = Signal(name=f"{name}_lut_{number}")
        held = Const(entries >> (number << _LUT_INPUTS) & 0xFFFF, 16)
        inputs = {f"i_{port}": address[place] for place, port in enumerate("ABCD")}
        m.submodules[f"{name}_{number}"] = Instance("LUT4", p_INIT=held, **inputs, o_Z=out)
        given.append(out)
    for level in range(_LUT_INPUTS, len(address)):
        chosen: list[Signal] = []
        for number, (low, high) in enumerate(zip(given[::2], given[1::2], strict=True)):
            out = Signal(name=f"{name}_mux{level}_{number}")
            if level == _LUT_INPUTS:
                cell = Instance("PFUMX", i_BLUT=low, i_ALUT=high, i_C0=address[level], o_Z=out)
            else:
                cell = Instance("L6MUX21", i_D0=low, i_D1=high, i_SD=address[level], o_Z=out)
            m.submodules[f"{name}_mux{level}_{number}"] = cell
            chosen.append(out)
        given = chosen
    return given[0]
