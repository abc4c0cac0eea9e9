"""What parts of units cost on a family: the tables that ``benchmarks/fit_costs.py`` makes of recorded syntheses.

``FAMILY.json`` beside this file has for each part the LUT4, the registers, and the logic cells without a LUT4 that one
of it takes, on average (:mod:`bnnhw.dataflow.inventory` says what the parts are); and the same for links.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["link_price", "prices", "table_of"]


@cache
def prices(table: str) -> Mapping[str, tuple[float, float, float]]:
    """LUT4, registers and lone cells of each part, by a table's name."""
    return {name: (price[0], price[1], price[2]) for name, price in table_of(table)["prices"].items()}


def link_price(table: str, link: str) -> tuple[int, int, int]:
    """LUT4, registers and lone cells of a link of packets, all but the memory in which frames wait."""
    lut4, ff, lone = table_of(table)["links"][link]
    return lut4, ff, lone


@cache
def table_of(name: str) -> dict[str, Any]:
    """A whole table: ``prices`` and ``links``."""
    table: dict[str, Any] = json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8"))
    return table
