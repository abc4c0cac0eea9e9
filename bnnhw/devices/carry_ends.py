"""Registers at the end of iCE40 carry chains, kept in one cell with what they take."""

from __future__ import annotations

from typing import Any

__all__ = ["join_carry_ends"]

_PASSES_I3 = f"{0xFF00:016b}"
"""A LUT4 that gives its last input, the only one that a carry reaches without the fabric."""


def join_carry_ends(netlist: dict[str, Any]) -> dict[str, int]:
    """Put a LUT4 between a carry and each register that takes it, where nothing else does.

    The highest bit of a sum is its last carry. Yosys wires that to the register; nextpnr takes the carry out of the
    chain by a LUT4 of a cell of its own, and the register is left in another one. With a LUT4 in the netlist it is
    packed with that, in the cell in which the chain ends.

    Parameters
    ----------
    netlist : dict
        Yosys' JSON as read; changed in place.

    Returns
    -------
    dict
        How many cells were added, by type.
    """
    added = 0
    for module in netlist["modules"].values():
        cells: dict[str, Any] = module["cells"]
        carries = {cell["connections"]["CO"][0] for cell in cells.values() if cell["type"] == "SB_CARRY"}
        if not carries:
            continue
        readers: dict[int | str, int] = {}
        last = 1
        for cell in cells.values():
            for port, bits in cell["connections"].items():
                for bit in bits:
                    if isinstance(bit, int):
                        last = max(last, bit)
                    if cell["port_directions"][port] != "output":
                        readers[bit] = readers.get(bit, 0) + 1
        for port in module["ports"].values():
            for bit in port["bits"]:
                last = max(last, bit if isinstance(bit, int) else 0)
                if port["direction"] != "input":
                    readers[bit] = readers.get(bit, 0) + 1
        for number in [bit for entry in module["netnames"].values() for bit in entry["bits"] if isinstance(bit, int)]:
            last = max(last, number)
        for name, cell in list(cells.items()):
            if not cell["type"].startswith("SB_DFF"):
                continue
            (carry,) = cell["connections"]["D"]
            if carry not in carries or readers[carry] != 1:
                continue
            last += 1
            cell["connections"]["D"] = [last]
            cells[f"{name}$carry_end"] = _lut(carry, last)
            added += 1
    return {"SB_LUT4": added} if added else {}


def _lut(carry: int, passed: int) -> dict[str, Any]:
    inputs = ("I0", "I1", "I2", "I3")
    return {
        "hide_name": 1,
        "type": "SB_LUT4",
        "parameters": {"LUT_INIT": _PASSES_I3},
        "attributes": {},
        "port_directions": {**dict.fromkeys(inputs, "input"), "O": "output"},
        "connections": {**{port: ["0"] for port in inputs[:3]}, "I3": [carry], "O": [passed]},
    }
