"""Fit what parts of units cost to the recorded grid of syntheses, family by family, and say how well that holds.

    python benchmarks/fit_costs.py [--family ice40 ecp5] [--worst 10]

Takes benchmarks/results/costs.json (benchmarks/measure_costs.py) and writes bnnhw/devices/prices/FAMILY.json. Prices
are not negative, and those that make the relative errors of the grid's units least; units outside the grid are not
fitted on. A part that no unit of a family's grid has takes the other family's price. Some seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from cost_grid import grid, outside
from cost_networks import networks
from measure_costs import FAMILIES, RESULT
from numpy.typing import NDArray
from scipy.optimize import nnls

from bnnhw.dataflow.inventory import EXACT
from bnnhw.devices.prices import prices as price_table
from bnnhw.devices.prices import table_of
from bnnhw.folding import FoldedNetwork, LayerFolding

PRICES = Path(__file__).parent.parent / "bnnhw" / "devices" / "prices"

Vector: TypeAlias = NDArray[np.float64]

SMALL = 15
"""LUT4 or registers that are added to a unit's own, for its relative error: a unit of two counts for less."""

RIDGE = 1e-3
"""What a price away from 0 costs beside errors: none is made large by a few units that say little of it."""


def fit(amounts: Vector, due: Vector, size: Vector) -> Vector:
    """Prices not below 0 of the least sum of relative errors, by least squares that are weighted again and again."""
    weights = 1 / size
    found = np.zeros(amounts.shape[1])
    some = amounts.any(axis=0)
    amounts = amounts[:, some]
    scale = np.abs(amounts).max(axis=0)
    prices = np.zeros(len(scale))
    rows = np.diag(np.full(len(scale), RIDGE))
    for _ in range(12):
        left = np.vstack([amounts / scale * weights[:, None], rows])
        prices = nnls(left, np.concatenate([due * weights, np.zeros(len(scale))]))[0] / scale
        error = np.abs(amounts @ prices - due) / size
        weights = 1 / size / np.sqrt(error + 0.01)
    found[some] = prices
    return found


def fitted(rows: Mapping[str, Any], units: Mapping[str, Mapping[str, float]]) -> dict[str, list[float]]:
    """LUT4, registers and lone cells of each part, of a family's grid."""
    labels = [label for label in units if label in rows]
    every = sorted({name for label in labels for name in units[label]})
    found = np.array(
        [[rows[label]["synthesis"].get(key, np.nan) for key in ("lut4", "ff", "cells")] for label in labels]
    )
    found[:, 2] -= found[:, 0]
    prices: dict[str, list[float]] = {name: [0.0, 0.0, 0.0] for name in every}
    for which in range(3):
        known = {name: price for name, of in EXACT.items() if (price := of[which]) is not None}
        for name, price in known.items():
            prices[name][which] = price
        names = [name for name in every if name not in known]
        amounts = np.array([[units[label].get(name, 0) for name in names] for label in labels])
        exact = np.array([sum(units[label].get(name, 0) * price for name, price in known.items()) for label in labels])
        size = SMALL + (found[:, which] if which < 2 else found[:, 0] + found[:, 2])
        known_rows = np.isfinite(found[:, which])
        best = fit(amounts[known_rows], (found[:, which] - exact)[known_rows], size[known_rows])
        for name, price in zip(names, best, strict=True):
            prices[name][which] = float(f"{price:.4g}") if price > 1e-6 else 0.0
    return prices


def errors(
    rows: Mapping[str, Any], units: Mapping[str, Mapping[str, float]], prices: Mapping[str, Sequence[float]]
) -> dict[str, list[tuple[str, float, float, float]]]:
    """Of each kind of unit: label, and errors of LUT4, registers and cells."""
    found: dict[str, list[tuple[str, float, float, float]]] = defaultdict(list)
    for label, parts in units.items():
        if label not in rows:
            continue
        real = rows[label]["synthesis"]
        lut4, ff, lone = (sum(amount * prices[name][which] for name, amount in parts.items()) for which in range(3))
        pairs = ((lut4, real["lut4"]), (ff, real["ff"]), (lut4 + lone, real.get("cells", 0)))
        one, two, three = (round(a) / b - 1 if b else 0.0 for a, b in pairs)
        found[rows[label]["kind"]].append((label, one, two, three))
    return found


def show(title: str, found: Mapping[str, list[tuple[str, float, float, float]]], worst: int) -> None:
    print(title)
    every = [row for of in found.values() for row in of]
    if not every:
        return
    for kind, of in (*sorted(found.items()), ("all", every)):
        table = np.abs([row[1:] for row in of])
        middle, most = np.percentile(table, 50, axis=0), np.percentile(table, 90, axis=0)
        print(f"  {kind:9} {len(of):4}  " + "  ".join(f"{a:5.1%} {b:5.1%}" for a, b in zip(middle, most, strict=True)))
    for which in range(1, 4) if worst else ():
        for row in sorted(every, key=lambda row: -abs(float(row[which])))[:worst]:
            print(f"    {row[0]:60} {row[1]:+.1%} {row[2]:+.1%} {row[3]:+.1%}")
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="name the N units of the largest errors")
    options = parser.parse_args()
    rows = json.loads(RESULT.read_text())
    prices: dict[str, dict[str, list[float]]] = {}
    for name in options.family:
        family = FAMILIES[name]
        units = {label: unit.inventory().parts for label, unit in grid(family)}
        others = {label: unit.inventory().parts for label, unit in outside(family)}
        prices[name] = fitted(rows[name], units)
        show(
            f"{name}, grid: LUT4, registers, cells; median and 90th percentile",
            errors(rows[name], units, prices[name]),
            options.worst,
        )
        for part in {part for of in others.values() for part in of} - set(prices[name]):
            prices[name][part] = [0.0, 0.0, 0.0]
        show(f"{name}, outside", errors(rows[name], others, prices[name]), options.worst)
    for name, table in prices.items():
        other = next((prices[one] for one in prices if one != name), {})
        whole = {part: table.get(part, other.get(part)) for part in sorted({*table, *other})}
        links = {
            link: [found["lut4"], found["ff"], found["cells"] - found["lut4"]]
            for link, found in rows["links"][name].items()
        }
        texts = [
            ",\n  ".join(f"{json.dumps(part)}: {json.dumps(price)}" for part, price in some.items())
            for some in (whole, links)
        ]
        (PRICES / f"{name}.json").write_text(f'{{"prices": {{\n  {texts[0]}\n}}, "links": {{\n  {texts[1]}\n}}}}\n')
    table_of.cache_clear()
    price_table.cache_clear()
    estimates()


def estimates() -> None:
    """Writes what the prices estimate beside what was recorded; rows of units that the grid has no more are dropped."""
    rows = json.loads(RESULT.read_text())
    for name, family in FAMILIES.items():
        found: dict[str, Any] = {}
        for label, unit in (*grid(family), *outside(family)):
            if label in rows[name]:
                estimate = unit.resources(family.technology).as_dict()
                found[label] = {"kind": unit.kind, "estimate": estimate, "synthesis": rows[name][label]["synthesis"]}
        rows[name] = found
    for label, board, network, _ in networks():
        if (row := rows.get("networks", {}).get(label)) is not None:
            foldings = tuple(LayerFolding(**folding) for folding in row["foldings"])
            graph = FoldedNetwork(network, foldings).graph(board.family.technology)
            row["estimate"] = graph.resources().as_dict()
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
