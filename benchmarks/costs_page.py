"""The section of docs/benchmarks.md on what units cost and are estimated to, made of benchmarks/results/costs.json."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["costs"]


def costs(results: dict[str, dict[str, Any]], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    rows: list[tuple[object, ...]] = []
    for family, units in results.items():
        kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for unit in units.values():
            kinds[unit["kind"]].append(unit)
        rows += [(family, kind, len(of), *_errors(of)) for kind, of in sorted(kinds.items())]
    return "\n\n".join(
        [
            "## What units are estimated to cost",
            "Made by `python benchmarks/measure_costs.py`: units alone after synthesis, matrix units over a grid of "
            "shapes, memories and types, the others as random networks have them. An error is of the estimate; beside "
            "the median of its sign the median and the 90th percentile of its size. *Few* is the number of LUT4 by "
            "which the estimate is off in the median, which says more of small units.",
            table(
                (
                    *("family", "unit", "units", "LUT4: median", "size, median", "size, 90 %", "few"),
                    *("registers: median", "size, median", "size, 90 %", "block RAM exact"),
                ),
                rows,
            ),
        ]
    )


def _errors(units: list[dict[str, Any]]) -> tuple[str, ...]:
    """What the table says of the estimates of some units of a kind."""
    lut4, registers = (_spread(units, resource) for resource in ("lut4", "ff"))
    few = np.median([abs(unit["estimate"]["lut4"] - unit["synthesis"]["lut4"]) for unit in units])
    exact = sum(unit["estimate"]["bram"] == unit["synthesis"]["bram"] for unit in units)
    return (*lut4, f"{few:.0f}", *registers, f"{exact} of {len(units)}")


def _spread(units: list[dict[str, Any]], resource: str) -> tuple[str, str, str]:
    """Median of the errors, and median and 90th percentile of their sizes; of units that have any of the resource."""
    pairs = [(unit["estimate"][resource], unit["synthesis"][resource]) for unit in units]
    errors = np.array([estimate / real - 1 for estimate, real in pairs if real])
    if not len(errors):
        return "", "", ""
    signed = np.percentile(errors, 50, method="inverted_cdf")
    middle, most = np.percentile(abs(errors), (50, 90), method="inverted_cdf")
    return f"{signed:+.0%}", f"{middle:.0%}", f"{most:.0%}"
