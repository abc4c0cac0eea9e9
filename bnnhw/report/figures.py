"""Geometry of the pictures: what the template draws, in SVG units, worked out from the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Bar", "Hop", "Region", "bars", "class_rows", "cycle_rows", "hops", "judged", "regions", "utilization"]


@dataclass(frozen=True)
class Bar:
    """One line of a bar chart: ``share`` is 0 to 1 of the full width; ``alert`` marks more than there is."""

    label: str
    text: str
    share: float
    alert: bool = False


SHADES = (0.35, 0.65, 1.0)
"""How strong a tile is drawn: by its share of the fullest tile of its unit, in thirds."""


@dataclass(frozen=True)
class Region:
    """A unit on the chip.

    Parameters
    ----------
    name : str
    colour : str
        In CSS.
    cells : int
    shades : tuple of (float, str)
        How strong, and the SVG path of the tiles drawn so.
    """

    name: str
    colour: str
    cells: int
    shades: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Hop:
    """A part of the slowest path inside of one unit; ``share`` is its part of the whole."""

    name: str
    colour: str
    text: str
    share: float


def bars(values: Mapping[str, float], unit: str) -> tuple[Bar, ...]:
    """Values side by side on the scale of the greatest."""
    top = max(values.values(), default=0.0)
    return tuple(
        Bar(label, f"{quantity(value)} {unit}", value / top if top > 0 else 0.0) for label, value in values.items()
    )


def utilization(resources: Mapping[str, Mapping[str, float]]) -> tuple[Bar, ...]:
    """Used over available, one bar per resource that the design uses or could use."""
    result = []
    for name, entry in resources.items():
        used, available = entry["used"], entry["available"]
        share = used / available if available else 0.0
        result.append(Bar(name, f"{used:,} of {available:,} ({100 * share:.1f} %)", min(share, 1.0), used > available))
    return tuple(result)


def cycle_rows(sections: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[str, int | None, int | None], ...]:
    """``(what, predicted, measured)`` in clock cycles; None where one is not known."""
    simulate, fold = sections.get("simulate", {}), sections.get("fold", {})
    names: Sequence[tuple[str, str]] = (
        ("cycles per frame", "cycles_per_frame"),
        ("latency", "latency_cycles"),
    )
    rows = ((what, simulate.get(f"predicted_{key}", fold.get(key)), simulate.get(key)) for what, key in names)
    return tuple(row for row in rows if row[1] is not None or row[2] is not None)


def _colours(floorplan: Mapping[str, Any]) -> dict[str, str]:
    """A hue for every unit, side by side in the list as far apart as they go."""
    names = [unit["name"] for unit in floorplan.get("units", ())]
    # The golden angle: however many there are, neighbours differ.
    return {name: f"hsl({round(200 + 137.508 * i) % 360} 62% 48%)" for i, name in enumerate(names)}


def regions(floorplan: Mapping[str, Any]) -> tuple[Region, ...]:
    """The units on the chip, the largest first; a tile is a unit of length."""
    colours = _colours(floorplan)
    found: list[Region] = []
    for unit in floorplan.get("units", ()):
        fullest = max((count for _, _, count in unit["tiles"]), default=1)
        paths: dict[float, list[str]] = {shade: [] for shade in SHADES}
        for x, y, count in unit["tiles"]:
            shade = SHADES[-(-len(SHADES) * count // fullest) - 1]
            paths[shade].append(f"M{x} {y}h1v1h-1z")
        shades = tuple((shade, "".join(path)) for shade, path in paths.items() if path)
        found.append(Region(unit["name"], colours[unit["name"]], unit["cells"], shades))
    return tuple(found)


def hops(floorplan: Mapping[str, Any]) -> tuple[Hop, ...]:
    """The units that the slowest path runs through, in its order."""
    path, colours = floorplan.get("critical_path") or {"hops": (), "ns": 0.0}, _colours(floorplan)
    return tuple(
        Hop(
            hop["unit"],
            colours.get(hop["unit"], "var(--soft)"),
            f"{hop['ns']:.2f} ns, {hop['levels']} levels of logic",
            hop["ns"] / path["ns"] if path["ns"] else 0.0,
        )
        for hop in path["hops"]
    )


MOST_CLASSES = 100
"""Most classes that a page lists."""


def judged(sections: Mapping[str, Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    """Where a page takes what is said of classes from: of simulation and reference the one that saw more frames.

    Parameters
    ----------
    key : str
        What it must have.
    """
    found = [section for name in ("simulate", "evaluate") if (section := sections.get(name, {})).get(key) is not None]
    return max(found, key=lambda section: section.get("images", 0), default={})


def class_rows(sections: Mapping[str, Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """What became of each class; nothing where there are too many to list."""
    rows = judged(sections, "classes").get("classes", ())
    return rows if len(rows) <= MOST_CLASSES else ()


def quantity(value: float) -> str:
    """A number with about three digits that matter: 0.123, 12.3, 12,345."""
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"
