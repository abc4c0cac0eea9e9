"""What docs/benchmarks.md says of estimates is what was measured, and every kind of unit is measured somewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bnnhw.units import KINDS
from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table


def row(kind: str, estimate: tuple[int, int, int], synthesis: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "kind": kind,
        "estimate": dict(zip(("lut4", "ff", "bram"), estimate, strict=True)),
        "synthesis": dict(zip(("lut4", "ff", "bram"), synthesis, strict=True)),
    }


def test_section() -> None:
    """Medians and the 90th percentile by hand; a unit without registers counts for LUT4 only."""
    units = {str(n): row("mvu", (100 + n, 90, 1), (100, 100, 1 + n // 9)) for n in range(10)}
    units["x"] = row("pool", (8, 0, 0), (10, 0, 0))
    lines = neighbour("costs_page").costs({"ice40": units}, table).splitlines()
    assert [line for line in lines if line.startswith("| ice40")] == [
        "| ice40 | mvu | 10 | +4% | 4% | 8% | 4 | -10% | 10% | 10% | 9 of 10 |",
        "| ice40 | pool | 1 | -20% | 20% | 20% | 2 |  |  |  | 1 of 1 |",
    ]


def test_every_kind_of_unit_is_measured() -> None:
    """On every family that the grid is for."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "costs.json"
    for units in json.loads(path.read_text()).values():
        assert {unit["kind"] for unit in units.values()} == set(KINDS)
