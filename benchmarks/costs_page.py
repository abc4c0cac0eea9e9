"""The section of docs/benchmarks.md on what units cost and are estimated to, made of benchmarks/results/costs.json."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["costs"]

FAMILIES = ("ice40", "ecp5")
OUTSIDE = "outside: "
SMALL = 30
"""LUT4 below which a unit's errors are not counted: one of four is a quarter."""


def costs(results: dict[str, dict[str, Any]], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    rows: list[tuple[object, ...]] = []
    for family in (family for family in FAMILIES if family in results):
        for outside in (False, True):
            kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for label, unit in results[family].items():
                if label.startswith(OUTSIDE) == outside:
                    kinds[unit["kind"]].append(unit)
            where = "outside" if outside else "grid"
            every = [unit for of in kinds.values() for unit in of]
            rows += [(family, where, kind, len(of), *_errors(of)) for kind, of in sorted(kinds.items())]
            rows += [(family, where, "all", len(every), *_errors(every))] if every else []
    networks = results.get("networks", {})
    whole = [
        (name, row["board"], *(_beside(row, key) for key in ("lut4", "ff", "cells", "bram")))
        for name, row in networks.items()
    ]
    heads = ("family", "units", "kind", "how many", "LUT4: median", "size, median", "size, 90 %")
    return "\n\n".join(
        [
            "## What units are estimated to cost",
            "Made by `python benchmarks/measure_costs.py` and `python benchmarks/fit_costs.py`: units alone after "
            "synthesis, packed by nextpnr. The cost model is fitted on the grid; units outside it, and whole networks, "
            "are what it is held to. An error is of the estimate; beside the median of its sign the median and the "
            f"90th percentile of its size, of units of at least {SMALL} LUT4. Registers and block RAMs are counted "
            "from the structure.",
            table((*heads, "cells: size, median", "size, 90 %", "block RAM exact"), rows),
            "Whole networks, without a link: estimated, synthesized, error.",
            table(("network", "board", "LUT4", "registers", "cells", "block RAM"), whole),
        ]
    )


def _beside(row: dict[str, Any], key: str) -> str:
    estimate, real = row["estimate"][key], row["synthesis"][key]
    return f"{estimate:,} / {real:,}" + (f" {estimate / real - 1:+.1%}" if real and key != "bram" else "")


def _errors(units: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """What the table says of the estimates of some units."""
    units = list(units)
    exact = sum(unit["estimate"]["bram"] == unit["synthesis"]["bram"] for unit in units)
    return (*_spread(units, "lut4"), *_spread(units, "cells")[1:], f"{exact} of {len(units)}")


def _spread(units: Iterable[dict[str, Any]], resource: str) -> tuple[str, str, str]:
    """Median of the errors, and median and 90th percentile of their sizes."""
    pairs = [
        (unit["estimate"][resource], unit["synthesis"][resource])
        for unit in units
        if unit["synthesis"]["lut4"] >= SMALL and resource in unit["synthesis"]
    ]
    errors = np.array([estimate / real - 1 for estimate, real in pairs])
    if not len(errors):
        return "", "", ""
    signed = np.percentile(errors, 50, method="inverted_cdf")
    middle, most = np.percentile(abs(errors), (50, 90), method="inverted_cdf")
    return f"{signed:+.1%}", f"{middle:.1%}", f"{most:.1%}"
