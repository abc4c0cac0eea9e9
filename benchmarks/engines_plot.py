"""Diagrams over logarithmic axes, one below the other, to be read at 390 pixels and in grey."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["KINDS", "Mark", "picture", "placed"]

KINDS = {
    "folded": ("#08519c", "folded"),
    "spatial": ("#d95f0e", "spatial"),
    "lookup": ("#74c476", "lookup"),
    "elsewhere": ("#555555", "elsewhere"),
}
"""Colour and name of what a mark stands for; each has a shape of its own, and a grey of its own."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, LEGEND = 390, 270, 40, 12, 12, 42, 26
REACH = 5.0
"""Half the size of a mark."""

SIDES = ((7, 4, "start"), (-7, 4, "end"), (0, -8, "middle"), (0, 17, "middle"), (7, -5, "start"), (7, 14, "start"))
"""Where a label may stand beside its mark: offsets and anchor, the best first."""


@dataclass(frozen=True)
class Mark:
    """A point of a diagram.

    Parameters
    ----------
    kind : str
        Of :data:`KINDS`.
    x, y : float
        Above 0; percent.
    label, title : str
        What stands beside it; what a pointer shows.
    solid : bool
        Filled, or hollow.
    """

    kind: str
    x: float
    y: float
    label: str
    title: str
    solid: bool = True


def _shape(kind: str, x: float, y: float) -> str:
    """The outline of a mark."""
    r = REACH
    if kind == "folded":
        return f"M{x - r:.1f} {y - r:.1f}h{2 * r:g}v{2 * r:g}h{-2 * r:g}z"
    if kind == "spatial":
        return f"M{x:.1f} {y - r:.1f}L{x + r:.1f} {y + r:.1f}H{x - r:.1f}z"
    if kind == "lookup":
        return f"M{x - r:.1f} {y:.1f}a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0z"
    return f"M{x - r:.1f} {y - r:.1f}l{2 * r:g} {2 * r:g}M{x - r:.1f} {y + r:.1f}l{2 * r:g} {-2 * r:g}"


def _drawn(mark: Mark, x: float, y: float) -> str:
    colour = KINDS[mark.kind][0]
    fill = colour if mark.solid and mark.kind != "elsewhere" else "#fff" if mark.kind != "elsewhere" else "none"
    return (
        f'<path class="mark" d="{_shape(mark.kind, x, y)}" fill="{fill}" stroke="{colour}" stroke-width="1.8">'
        f"<title>{escape(mark.title)}</title></path>"
    )


def placed(points: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Where labels stand: beside their marks, where they cover no mark and no other label as far as that can be had.

    Parameters
    ----------
    points : sequence of (x, y, label)
        Marks, in pixels.

    Returns
    -------
    list of (x, y, anchor)
    """
    taken = [(x - REACH, y - REACH, x + REACH, y + REACH) for x, y, _ in points]
    found = []
    for x, y, label in points:
        width = 7 * len(label)
        best, least = None, math.inf
        for dx, dy, anchor in SIDES:
            left = x + dx - {"start": 0, "middle": width / 2, "end": width}[anchor]
            box = (left, y + dy - 10, left + width, y + dy)
            outside = max(0.0, box[2] - WIDTH) + max(0.0, LEFT - box[0])
            covered = sum(map(lambda other, box=box: _overlap(box, other), taken)) + 100 * outside
            if covered < least:
                best, least = ((x + dx, y + dy, anchor), box), covered
        assert best is not None
        found.append(best[0])
        taken.append(best[1])
    return found


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _short(value: float) -> str:
    """1, 20 k, 5 M."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def _log_ticks(low: float, high: float) -> Iterator[tuple[float, bool]]:
    """Round numbers between two, and whether each has a number; 1, 2 and 5 of each power of ten where few fit."""
    decades = math.log10(high / low)
    steps = (1, 2, 5) if decades < 3 else (1,)
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in (1, 2, 5):
            value = step * 10.0**power
            if low <= value <= high:
                yield value, step in steps


def _linear_ticks(low: float, high: float) -> list[float]:
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if (high - low) / step <= 8)
    first = math.ceil(low / step)
    return [round(step * n, 6) for n in range(first, math.floor(high / step) + 1)]


def _panel(marks: Sequence[Mark], title: str, top: int) -> list[str]:
    """One diagram, its upper edge at ``top``."""
    xs, ys = [mark.x for mark in marks], [mark.y for mark in marks]
    low, high = min(xs) / 1.6, max(xs) * 1.6
    y_low, y_high = min(ys) - 0.08 * (max(ys) - min(ys)) - 0.05, max(ys) + 0.08 * (max(ys) - min(ys)) + 0.05
    ceiling, floor = top + TOP, top + HEIGHT - BOTTOM

    def x(value: float) -> float:
        return LEFT + math.log(value / low) / math.log(high / low) * (WIDTH - RIGHT - LEFT)

    def y(value: float) -> float:
        return floor - (value - y_low) / (y_high - y_low) * (floor - ceiling)

    parts = []
    for tick, numbered in _log_ticks(low, high):
        parts.append(f'<path d="M{x(tick):.1f} {ceiling}V{floor}" class="grid"/>')
        if numbered:
            parts.append(f'<text x="{x(tick):.1f}" y="{floor + 15}" text-anchor="middle">{_short(tick)}</text>')
    for tick in _linear_ticks(y_low, y_high):
        parts.append(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{floor + 33}" text-anchor="middle">{title}</text>')
    places = [(x(mark.x), y(mark.y), mark.label) for mark in marks]
    parts += [_drawn(mark, at, height) for mark, (at, height, _) in zip(marks, places, strict=True)]
    for mark, (at, height, anchor) in zip(marks, placed(places), strict=True):
        parts.append(f'<text x="{at:.1f}" y="{height:.1f}" text-anchor="{anchor}" class="label">{mark.label}</text>')
    return parts


def picture(label: str, panels: Sequence[tuple[str, Sequence[Mark]]]) -> str:
    """An SVG of diagrams below each other.

    Parameters
    ----------
    label : str
        What it shows, for those who do not see it.
    panels : sequence of (title of the axis, marks)
    """
    height = LEGEND + HEIGHT * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(label)}">',
        "<style>text{font:12px sans-serif;fill:#222}.label{font-weight:bold}.grid{stroke:#ddd}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        '<text x="6" y="17">%</text>',
    ]
    kinds = [kind for kind in KINDS if any(mark.kind == kind for _, marks in panels for mark in marks)]
    for number, kind in enumerate(kinds):
        at = LEFT + 8 + 82 * number
        parts.append(_drawn(Mark(kind, 1, 1, "", KINDS[kind][1]), at, 13))
        parts.append(f'<text x="{at + 10}" y="17">{KINDS[kind][1]}</text>')
    for number, (title, marks) in enumerate(panels):
        parts += _panel(marks, title, LEGEND + HEIGHT * number)
    return "\n".join([*parts, "</svg>"]) + "\n"
