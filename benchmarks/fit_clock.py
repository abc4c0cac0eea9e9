"""Fit how fast devices are to the recorded routes of whole networks, and say how well that holds for others.

    python benchmarks/fit_clock.py [--laws]

Takes benchmarks/results/clock.json (benchmarks/measure_clock.py) and writes bnnhw/devices/prices/clock.json: for each
kind of part and speed grade the nanoseconds of two paths, and how these grow with a design, the same for all parts:
of the least squares of relative errors of the period, over networks that are fitted on. Writes into the record what
each network is estimated to reach by it. Some seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from clock_networks import BUILT, cases
from clock_page import error
from measure_clock import RESULT, design

from bnnhw import boards
from bnnhw.devices import FAMILIES
from bnnhw.devices.speeds import BITS, CELLS, speed, speeds
from bnnhw.folding import LayerFolding

WAITING = ".buffer.memory."
"""In the name of a block RAM in which frames wait."""

FABRICS = sorted({family.technology.prices for family in FAMILIES.values() if family.toolchain is not None})

TABLE = Path(__file__).parent.parent / "bnnhw" / "devices" / "prices" / "clock.json"


def reached(row: Mapping[str, Any]) -> float:
    """The median of its seeds, in MHz."""
    return statistics.median(seed["fmax_mhz"] for seed in row["seeds"].values())


def fitted(rows: Mapping[str, Any]) -> dict[str, Any]:
    """The table, of the routed rows that are fitted on."""
    used = [row for row in rows.values() if row["fitted"] and row["seeds"]]
    paths = sorted({_path(row) for row in used})
    found = _least_squares(used, paths, GROWTH[LAW])
    ns = {path: round(float(np.exp(value)), 3) for path, value in zip(paths, found, strict=False)}
    *cells, bits, shift = (round(float(power), 4) for power in found[len(paths) :])
    parts: dict[str, dict[str, Any]] = {}
    for name in sorted({name for name, memory in paths if not memory}):
        some = [row for row in used if boards.get(row["board"]).speed == name]
        parts[name] = {
            "control_ns": ns[name, False],
            # Where frames waited in block RAM, and control was the slower one yet, control is what there is.
            "memory_ns": ns.get((name, True), 0.0 if any(row["memory"] for row in some) else None),
            "cells": cells[_fabric(some[0])],
            "routed": sum(len(row["seeds"]) for row in some),
        }
    return {"bits": bits, "shift": round(float(np.exp(shift)), 4), "parts": parts}


def _fabric(row: Mapping[str, Any]) -> int:
    """Which of :data:`FABRICS` a part is of: that whose prices hold for it, its cells being alike."""
    return FABRICS.index(boards.get(row["board"]).family.technology.prices)


def _cells_of_fabric(row: Mapping[str, Any]) -> tuple[float, ...]:
    own = _fabric(row)
    return tuple(np.log(_cells(row) / CELLS) if one == own else 0.0 for one in range(len(FABRICS)))


GROWTH: dict[str, Callable[[Mapping[str, Any]], tuple[float, ...]]] = {
    "nothing": lambda _: (),
    "cells": lambda row: (np.log(_cells(row) / CELLS),),
    "bits": lambda row: (np.log(row["bits"] / BITS),),
    "cells and bits": lambda row: (np.log(_cells(row) / CELLS), np.log(row["bits"] / BITS)),
    (LAW := "cells, by family, and bits"): lambda row: (*_cells_of_fabric(row), np.log(row["bits"] / BITS)),
}
"""What a path of control may grow with, as logarithms of factors; :data:`LAW` is what the table has."""


def _factors(row: Mapping[str, Any], paths: list[tuple[str, bool]], growth: Any) -> list[float]:
    path = _path(row)
    control = (0.0 if path[1] else value for value in growth(row))
    return [*(float(path == one) for one in paths), *control, float(path[1] and not row["aligned"])]


def _least_squares(rows: list[Mapping[str, Any]], paths: list[tuple[str, bool]], growth: Any) -> Any:
    """Logarithms of the nanoseconds of each path, the powers, and the logarithm of what shifting bytes takes."""
    periods = [1e3 / reached(row) for row in rows]
    return np.linalg.lstsq(np.array([_factors(row, paths, growth) for row in rows]), np.log(periods), rcond=None)[0]


def left_out(rows: Mapping[str, Any], growth: Any) -> dict[str, float]:
    """Errors of networks, each by what is fitted to all others, the paths being known; of kinds with another one."""
    used = {label: row for label, row in rows.items() if row["seeds"]}
    found: dict[str, float] = {}
    for label, row in used.items():
        others = [other for name, other in used.items() if name != label]
        paths = sorted({_path(other) for other in others})
        if _path(row) in paths:
            fit = _least_squares(others, paths, growth)
            found[label] = 1e3 / float(np.exp(np.dot(_factors(row, paths, growth), fit))) / reached(row) - 1
    return found


def _cells(row: Mapping[str, Any]) -> int:
    """Those that nextpnr counts; the estimate where it has no word for them."""
    return row["estimate"] if row["cells"] is None else row["cells"]["used"]


def _path(row: Mapping[str, Any]) -> tuple[str, bool]:
    """Kind of part, and whether most seeds' slowest path begins at the memory of the link."""
    begins = [WAITING in seed["steps"][0][-1] for seed in row["seeds"].values()]
    return boards.get(row["board"]).speed, sum(begins) > len(begins) / 2


def estimated(row: Mapping[str, Any]) -> float | None:
    """What the design of a row should reach by the table, in MHz."""
    known = speed(boards.get(row["board"]).speed)
    if known is None:
        return None
    return known.fmax_mhz(row["estimate"], row["bits"], memory=row["memory"], aligned=row["aligned"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laws", action="store_true", help="also say how well other laws hold for a network left out")
    options = parser.parse_args()
    rows = json.loads(RESULT.read_text())
    for case in cases():
        if (row := rows.get(case.label)) is not None:
            folded = case.folded(tuple(LayerFolding(**folding) for folding in row["foldings"]))
            row.update(design(folded, case.board), fitted=case.fitted)
    for label in BUILT:
        rows[label]["fitted"] = True
    table = fitted(rows)
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
    speeds.cache_clear()
    for row in rows.values():
        row["fmax_estimate_mhz"] = estimated(row)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    print(json.dumps(table, indent=1))
    for title, fitted_on in (("fitted on", True), ("not fitted on", False)):
        found = [
            (label, row)
            for label, row in rows.items()
            if row["fitted"] == fitted_on and row["seeds"] and row["fmax_estimate_mhz"] is not None
        ]
        sizes = [abs(error(row)) for _, row in found]
        print(f"{title}: {len(found)} networks, median {statistics.median(sizes):.1%}, worst {max(sizes):.1%}")
        for label, row in sorted(found, key=lambda one: -abs(error(one[1]))):
            print(f"  {label:40} {row['fmax_estimate_mhz']:6.1f} of {reached(row):6.1f} MHz {error(row):+.1%}")
    for name, growth in GROWTH.items() if options.laws else ():
        sizes = sorted(abs(error) for error in left_out(rows, growth).values())
        print(
            f"control grows with {name}: {len(sizes)} networks left out, median {statistics.median(sizes):.1%}, "
            f"90 % within {sizes[len(sizes) * 9 // 10]:.1%}, worst {sizes[-1]:.1%}"
        )


if __name__ == "__main__":
    main()
