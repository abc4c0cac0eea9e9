"""Units of a placed netlist, by hand, and the slowest path in their words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bnnhw.build import floorplan as module
from bnnhw.build.floorplan import BOARD, critical_path, floorplan, unit_of, unit_resources, units_of
from bnnhw.errors import BnnhwError


@pytest.mark.parametrize("name, unit", [
    ("link.core.accelerator.layer0_dense0.lanes.acc", "layer0_dense0"), ("accelerator.layer1_pool.row", "layer1_pool"),
    ("link.accelerator.layer0_dense0_reset.stage0", "layer0_dense0"), ("link.core.accelerator.valid", None),
    ("link.slave.count", "link"), ("clock.ready", "clock"), ("$abc$12$n7", None), ("led", None), ("accelerator", None),
    ("$flatten\\link.core.accelerator.output.$12", "output"), ("$techmap7\\link.core.buffer.memory", "link"),
    ("$flatten\\link.accelerator.layer0_dense0.pe_1.$flatten\\popcount.$3", "layer0_dense0"),
    ("$abc$1$lut$link.core.accelerator.output", None),
])  # fmt: skip
def test_names(name: str, unit: str | None) -> None:
    assert unit_of(name) == unit


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of one cell."""
    monkeypatch.setattr(module, "FEW", 1)


def cell(bel: str, out: int | None, *ins: int) -> dict[str, Any]:
    ports = {"O": "output", **{f"I{i}": "input" for i in range(len(ins))}}
    bits = {"O": [] if out is None else [out], **{f"I{i}": [bit] for i, bit in enumerate(ins)}}
    return {"port_directions": ports, "connections": bits, "attributes": {"NEXTPNR_BEL": bel} if bel else {}}


def net(*bits: int | str) -> dict[str, Any]:
    return {"bits": list(bits)}


CELLS = {
    # A register of one unit, two tables in front of it one after the other, and one that two units read.
    "$1_DFFLC": cell("X3/Y2/lc0", 10, 11),
    "$2_LC": cell("X3/Y2/lc1", 11, 12, 13),
    "$3_LC": cell("X4/Y2/lc7", 12),
    "$4_LC": cell("X5/Y7/lc0", 13),
    "$5_DFFLC": cell("X5/Y7/lc1", 20, 13),
    "$6_DFFLC": cell("X5/Y8/lc1", 21, 13),
    # A memory by its name, what nobody reads, and what has no place.
    "link.core.buffer.memory.0_RAM": cell("X6/Y1/ram", 30),
    "$7_LC": cell("X0/Y0/io0", None, 20),
    "$8": cell("", 40),
}
NETS = {
    "link.accelerator.first.acc": net(10),
    "link.accelerator.second.acc": net(20, 21, "0", "x"),
    "$abc$n": net(11, 12, 13),
    "led": net(40),
}
MODULE: dict[str, Any] = {"attributes": {"top": "00000001"}, "cells": CELLS, "netnames": NETS}


def test_units_of_cells() -> None:
    assert units_of(MODULE) == {
        "$1_DFFLC": "first", "$2_LC": "first", "$3_LC": "first",
        # Two of three readers are of the second.
        "$4_LC": "second", "$5_DFFLC": "second", "$6_DFFLC": "second",
        "link.core.buffer.memory.0_RAM": "link",
        # Nothing behind it: of what is in front.
        "$7_LC": "second", "$8": BOARD,
    }  # fmt: skip


def test_few_cells_are_no_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 4)
    assert set(units_of(MODULE).values()) == {"second", BOARD}


def test_as_many_readers_of_two_units() -> None:
    cells = {"$4_LC": cell("X5/Y7/lc0", 13), "$5_DFFLC": CELLS["$5_DFFLC"], "$1_DFFLC": cell("X3/Y2/lc0", 10, 13)}
    assert units_of({"cells": cells, "netnames": NETS})["$4_LC"] == "first"


def step(kind: str, ns: float, name: str) -> dict[str, Any]:
    return {"type": kind, "delay": ns, "from": {"cell": "?"}, "to": {"cell": name}}


TIMING = {
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [step("routing", 99.0, "$1_DFFLC")]},
        {"from": "posedge clk", "to": "posedge clk", "path": [step("clk-to-q", 0.5, "$5_DFFLC")]},
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                step("clk-to-q", 0.5, "$5_DFFLC"), step("routing", 2.0, "$4_LC"), step("logic", 1.0, "$4_LC"),
                step("routing", 1.5, "$2_LC"), step("logic", 1.0, "$2_LC"), step("routing", 0.25, "gone"),
                step("setup", 0.25, "$1_DFFLC"),
            ],
        },
    ]
}  # fmt: skip
PATH = {
    "ns": 6.5,
    "logic_ns": 2.75,
    "routing_ns": 3.75,
    "levels": 2,
    "hops": [
        {"unit": "second", "ns": 3.5, "levels": 1},
        {"unit": "first", "ns": 2.5, "levels": 1},
        {"unit": BOARD, "ns": 0.25, "levels": 0},
        {"unit": "first", "ns": 0.25, "levels": 0},
    ],
}


def test_the_slowest_path() -> None:
    units = units_of(MODULE)
    assert critical_path(TIMING, "clk", units) == PATH
    assert critical_path(TIMING, "other", units) is None


def count(types: Mapping[str, int]) -> dict[str, int]:
    """A table takes a LUT4, a pair of them two; nothing else does."""
    return {"lut4": types.get("LUT", 0) + 2 * types.get("PAIR", 0)}


def test_resources_of_units() -> None:
    kinds = dict(zip(CELLS, ["DFF", "LUT", "PAIR", "LUT", "DFF", "DFF", "RAM", "IO", "IO"], strict=True))
    module = MODULE | {"cells": {name: cell | {"type": kinds[name]} for name, cell in CELLS.items()}}
    assert unit_resources(module, count) == {
        BOARD: {"lut4": 0}, "first": {"lut4": 3}, "link": {"lut4": 0}, "second": {"lut4": 1},
    }  # fmt: skip


def test_floorplan(tmp_path: Path) -> None:
    netlist, placed, timing = (tmp_path / f"{name}.json" for name in ("netlist", "placed", "timing"))
    placed.write_text(json.dumps({"modules": {"cell": {"attributes": {}}, "top": MODULE}}))
    timing.write_text(json.dumps(TIMING))
    mapped = {"$1": cell("", 10, 20) | {"type": "LUT"}, "$2": cell("", 20, 10) | {"type": "PAIR"}}
    netlist.write_text(json.dumps({"modules": {"top": MODULE | {"cells": mapped}}}))
    assert floorplan(netlist, placed, timing, "clk", count) == {
        "resources": {"first": {"lut4": 1}, "second": {"lut4": 2}},
        "width": 7,
        "height": 9,
        "units": [
            {"name": "second", "cells": 4, "tiles": [[0, 0, 1], [5, 7, 2], [5, 8, 1]]},
            {"name": "first", "cells": 3, "tiles": [[3, 2, 2], [4, 2, 1]]},
            {"name": "link", "cells": 1, "tiles": [[6, 1, 1]]},
        ],
        "critical_path": PATH,
    }
    for text in ("{", "{}", '{"modules": {}}'):
        for path, program in ((placed, "nextpnr"), (netlist, "Yosys")):
            kept = path.read_text()
            path.write_text(text)
            with pytest.raises(BnnhwError, match=rf"^{program} wrote no netlist with one top: "):
                floorplan(netlist, placed, timing, "clk", count)
            path.write_text(kept)
