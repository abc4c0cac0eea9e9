"""Every unit: its folding, its cycles, and what it was estimated to take beside what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["UnitRow", "unit_rows"]


@dataclass(frozen=True)
class UnitRow:
    """A unit, or a part of the design that is none: its link, its clock.

    Parameters
    ----------
    name : str
        The layer's; the part's own where it works for none.
    what : str
        Kind of the unit, and the folding of its layer where that is the unit's.
    cycles : int, optional
        Per frame.
    slowest : bool
        Whether no unit takes more.
    lut4, bram : (int or None, int or None)
        Estimated and real.
    ff : int, optional
        Real.
    """

    name: str
    what: str
    cycles: int | None
    slowest: bool
    lut4: tuple[int | None, int | None]
    bram: tuple[int | None, int | None]
    ff: int | None


def unit_rows(fold: Mapping[str, Any], floorplan: Mapping[str, Any]) -> tuple[UnitRow, ...]:
    """The units in the order in which words pass them, what is around them, and all together.

    Nothing for a folding without estimates of its units, as earlier versions wrote them.
    """
    units = [unit for unit in fold.get("units", ()) if "node" in unit]
    if not units:
        return ()
    folded = {layer["name"]: layer for layer in fold.get("layers", ())}
    real: Mapping[str, Mapping[str, int]] = floorplan.get("resources", {})
    slowest = max(unit["cycles"] for unit in units)
    last = {unit["name"]: number for number, unit in enumerate(units)}
    rows = [
        UnitRow(
            unit["name"],
            # Of the units of a layer the last one is folded.
            ", ".join([unit["unit"], *_folding(folded.get(unit["name"]) if last[unit["name"]] == number else None)]),
            unit["cycles"],
            unit["cycles"] == slowest,
            (unit["estimate"]["lut4"], _of(real, unit["node"], "lut4")),
            (unit["estimate"]["bram"], _of(real, unit["node"], "bram")),
            _of(real, unit["node"], "ff"),
        )
        for number, unit in enumerate(units)
    ]
    nodes = {unit["node"] for unit in units}
    rows += [
        UnitRow(name, "", None, False, (None, needs["lut4"]), (None, needs["bram"]), needs["ff"])
        for name, needs in real.items()
        if name not in nodes
    ]
    estimate = fold.get("estimate", {})
    total = {key: sum(needs[key] for needs in real.values()) if real else None for key in ("lut4", "bram", "ff")}
    whole = UnitRow(
        "all, with the link",
        "",
        fold.get("cycles_per_frame"),
        False,
        (estimate.get("lut4"), total["lut4"]),
        (estimate.get("bram"), total["bram"]),
        total["ff"],
    )
    return (*rows, whole)


def _folding(how: Mapping[str, Any] | None) -> tuple[str, ...]:
    if how is None:
        return ()
    vectors = f" × {how['vectors']} vectors" if how.get("vectors", 1) > 1 else ""
    thresholds = ("thresholds in block",) if how.get("thresholds") == "block" else ()
    return (f"{how['pe']} × {how['simd']}{vectors}", how["memory"], *thresholds)


def _of(real: Mapping[str, Mapping[str, int]], node: str, resource: str) -> int | None:
    """What a unit takes; of a built design without cells of it nothing."""
    return real.get(node, {}).get(resource, 0) if real else None
