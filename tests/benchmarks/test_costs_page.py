"""What docs/benchmarks.md says of estimates is what was measured, and the estimates hold."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.dataflow.inventory import EXACT
from bnnhw.devices import technology
from bnnhw.devices.prices import prices
from bnnhw.units import KINDS
from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table

FAMILIES = ("ice40", "ecp5")


@cache
def recorded() -> dict[str, dict[str, Any]]:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "costs.json"
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return rows


def row(kind: str, estimate: tuple[int, int, int], synthesis: tuple[int, int, int]) -> dict[str, Any]:
    words = ("lut4", "cells", "bram")
    return {
        "kind": kind,
        "estimate": dict(zip(words, estimate, strict=True)),
        "synthesis": dict(zip(words, synthesis, strict=True)),
    }


def test_section() -> None:
    """Medians and the 90th percentile by hand; small units count for block RAM only."""
    units = {str(n): row("mvu", (100 + n, 90, 1), (100, 100, 1 + n // 9)) for n in range(10)}
    units["outside: x"] = row("pool", (8, 0, 0), (10, 0, 0))
    lines = neighbour("costs_page").costs({"ice40": units}, table).splitlines()
    assert [line for line in lines if line.startswith("| ice40") and "all" not in line] == [
        "| ice40 | grid | mvu | 10 | +4.0% | 4.0% | 8.0% | 10.0% | 10.0% | 9 of 10 |",
        "| ice40 | outside | pool | 1 |  |  |  |  |  | 1 of 1 |",
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_of_unit_is_measured(family: str) -> None:
    assert {unit["kind"] for unit in recorded()[family].values()} == set(KINDS)


@pytest.mark.parametrize("family", FAMILIES)
def test_estimates_of_matrix_units_hold(family: str) -> None:
    """Every fifth of those outside the grid that the prices are fitted on, its parts counted anew."""
    folder = str(Path(__file__).resolve().parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        outside = neighbour("cost_grid").outside
    finally:
        sys.path.remove(folder)
    errors: list[float] = []
    blocks: list[bool] = []
    for label, unit in outside(neighbour("measure_costs").FAMILIES[family]):
        known = recorded()[family].get(label)
        if known is None:
            continue
        found, real = unit.resources(technology(family)), known["synthesis"]
        assert known["estimate"]["lut4"] == found.lut4
        if unit.kind == "mvu":
            blocks.append(found.bram == real["bram"])
            if real["lut4"] >= 100:
                errors.append(abs(found.lut4 / real["lut4"] - 1))
    assert np.percentile(errors, 50) <= 0.06
    assert blocks.count(False) <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_prices_are_those_of_the_record(family: str) -> None:
    """What is known of a part stands in the table; links are what was measured."""
    for name, known in EXACT.items():
        for price, exact in zip(prices(family)[name], known, strict=True):
            assert exact is None or price == exact


def test_whole_networks_hold() -> None:
    """Within 5 % in the median, 10 % at the 90th percentile; block RAMs are exact."""
    networks = recorded()["networks"].values()
    for key in ("lut4", "cells"):
        errors = [abs(one["estimate"][key] / one["synthesis"][key] - 1) for one in networks]
        assert np.percentile(errors, 50) <= 0.05
        assert np.percentile(errors, 90) <= 0.10
    assert all(one["estimate"]["bram"] == one["synthesis"]["bram"] for one in networks)
