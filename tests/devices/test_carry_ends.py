"""Carries that end in a register pass a LUT4, and no others do."""

from __future__ import annotations

from typing import Any

from bnnhw.devices.carry_ends import join_carry_ends


def cell(kind: str, outputs: str, **connections: int | str) -> dict[str, Any]:
    """A cell whose ports have a bit each."""
    return {
        "type": kind,
        "port_directions": {port: "output" if port in outputs.split() else "input" for port in connections},
        "connections": {port: [bit] for port, bit in connections.items()},
    }


def netlist(**cells: dict[str, Any]) -> dict[str, Any]:
    ports = {"out": {"direction": "output", "bits": [9]}}
    names = {"out": {"bits": [9]}, "clk": {"bits": [1]}, "spare": {"bits": [40]}}
    return {"modules": {"top": {"ports": ports, "cells": cells, "netnames": names}, "box": {**EMPTY}}}


EMPTY: dict[str, Any] = {"ports": {}, "cells": {}, "netnames": {}}


def carry(source: int, bit: int) -> dict[str, Any]:
    return cell("SB_CARRY", "CO", I0=2, I1="1", CI=source, CO=bit)


def register(kind: str, bit: int | str, given: int) -> dict[str, Any]:
    return cell(kind, "Q", C=1, D=bit, Q=given)


def test_a_register_behind_a_carry() -> None:
    made = netlist(chain=carry(3, 4), held=register("SB_DFFE", 4, 9))
    assert join_carry_ends(made) == {"SB_LUT4": 1}
    cells = made["modules"]["top"]["cells"]
    lut = cells["held$carry_end"]
    # A bit that nothing else has; the LUT4 gives its last input.
    assert cells["held"]["connections"]["D"] == lut["connections"]["O"] == [41]
    assert lut["connections"] == {"I0": ["0"], "I1": ["0"], "I2": ["0"], "I3": [4], "O": [41]}
    assert lut["parameters"] == {"LUT_INIT": "1111111100000000"}
    assert join_carry_ends(made) == {}


def test_two_registers_have_bits_of_their_own() -> None:
    made = netlist(a=carry(3, 4), b=carry(5, 6), one=register("SB_DFF", 4, 9), other=register("SB_DFFESR", 6, 10))
    assert join_carry_ends(made) == {"SB_LUT4": 2}
    cells = made["modules"]["top"]["cells"]
    assert {cells[name]["connections"]["D"][0] for name in ("one", "other")} == {41, 42}


def test_what_stays() -> None:
    """A carry that others read too, one that goes on or leaves, a register of something else, no carries at all."""
    for made in (
        netlist(chain=carry(3, 4), held=register("SB_DFF", 4, 10), after=carry(4, 5)),
        netlist(chain=carry(3, 4), held=register("SB_DFF", 4, 10), twin=register("SB_DFF", 4, 11)),
        netlist(chain=carry(3, 9), held=register("SB_DFF", 9, 10)),
        netlist(chain=carry(3, 4), held=register("SB_DFF", 7, 9)),
        netlist(chain=carry(3, 4), held=register("SB_DFF", "0", 9)),
        netlist(held=register("SB_DFF", 4, 9)),
    ):
        before = str(made)
        assert join_carry_ends(made) == {}
        assert str(made) == before
