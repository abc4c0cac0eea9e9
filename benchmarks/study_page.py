"""The page and the picture of the study: what benchmarks/document.py makes of benchmarks/results/study.json."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from bnnhw.boards import get
from bnnhw.links import board_link

__all__ = ["AXES", "front", "label", "on_fronts", "page", "plot"]

Row = dict[str, Any]

BOARD = get("icebreaker")
LINK = board_link(BOARD).reserve(64, BOARD.family.technology)

AXES = {
    "width": "#0b6e99",
    "depth": "#b3541e",
    "input": "#4d7c0f",
    "activation": "#c2185b",
    "fan-in": "#7e3794",
}
"""What the networks vary, and its colour: widths and number of hidden layers, bits of the input, bits of what hidden
layers give, inputs of a neuron."""

PANELS = (("logic", "weights in logic"), ("chosen", "weights where the solver puts them"))
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 430, 330, 52, 44, 44, 24
NAMES = {"digits": "Digits", "mnist": "MNIST"}


def front(rows: Sequence[Row], cost: Callable[[Row], tuple[float, ...]]) -> list[Row]:
    """The rows that no other row beats: none is at least as accurate and costs no more, and is better in one of both.

    Parameters
    ----------
    rows : sequence of dict
        With ``accuracy``.
    cost : callable
        Its figures, the less the better.
    """

    def figures(row: Row) -> tuple[float, ...]:
        return (-row["accuracy"], *cost(row))

    return [
        row
        for row in rows
        if not any(
            figures(other) != figures(row) and all(a <= b for a, b in zip(figures(other), figures(row), strict=True))
            for other in rows
        )
    ]


def _logic(row: Row) -> tuple[float, ...]:
    return (row["logic"]["lut4"],)


def _chosen(row: Row) -> tuple[float, ...]:
    return (row["chosen"]["lut4"], row["chosen"]["bram"])


def on_fronts(rows: Sequence[Row], dataset: str) -> list[Row]:
    """The networks of a data set that are on either front."""
    fitting = [row for row in rows if row["dataset"] == dataset and row["fits"]]
    fronts = [*front(fitting, _logic), *front(fitting, _chosen)]
    return [row for row in fitting if row in fronts]


def label(row: Row) -> str:
    """A network in short: its hidden layers, and what is special about it."""
    text = "-".join(map(str, row["widths"])) or "no hidden layer"
    text += f"; {row['input_bits']}"
    if row["widths"]:
        text += f", {row['activation_bits']}"
    text += " bits" if max(row["input_bits"], row["activation_bits"]) > 1 else " bit"
    return text if row["fan_in"] is None else f"{text}; fan-in {row['fan_in']}"


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers between two."""
    raw = (high - low) / 5
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _panel(rows: Sequence[Row], kind: str, title: str, x0: int) -> list[str]:
    """One diagram, its left edge at ``x0``: accuracy over LUT4, the front as a line."""
    costs, accuracies = [row[kind]["lut4"] for row in rows], [row["accuracy"] for row in rows]
    x_low, x_high = 0.0, max(costs) * 1.05
    y_low, y_high = min(accuracies) - 1, max(accuracies) + 1
    right, floor = WIDTH - 12, HEIGHT - BOTTOM

    def x(value: float) -> float:
        return x0 + LEFT + (value - x_low) / (x_high - x_low) * (right - LEFT)

    def y(value: float) -> float:
        return floor - (value - y_low) / (y_high - y_low) * (floor - TOP)

    parts = [f'<text x="{x0 + LEFT}" y="{TOP - 14}" class="title">{escape(title)}</text>']
    for tick in _ticks(x_low, x_high):
        parts.append(f'<path d="M{x(tick):.1f} {TOP}V{floor}" class="grid"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{floor + 15}" text-anchor="middle">{tick:,.0f}</text>')
    for tick in _ticks(y_low, y_high):
        parts.append(f'<path d="M{x0 + LEFT} {y(tick):.1f}H{x0 + right}" class="grid"/>')
        parts.append(f'<text x="{x0 + LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle = x0 + (LEFT + right) / 2
    parts.append(f'<text x="{middle:.1f}" y="{floor + 34}" text-anchor="middle">LUT4</text>')
    best = sorted(front(rows, lambda row: (row[kind]["lut4"],)), key=lambda row: row[kind]["lut4"])
    points = [f"{x(row[kind]['lut4']):.1f} {y(row['accuracy']):.1f}" for row in best]
    parts.append(f'<path d="M{"L".join(points)}" class="front"/>')
    for row in rows:
        text = f"{label(row)}: {row['accuracy']} %, {row[kind]['lut4']} LUT4, {row[kind]['bram']} block RAMs"
        parts.append(
            f'<circle cx="{x(row[kind]["lut4"]):.1f}" cy="{y(row["accuracy"]):.1f}" r="4.5" '
            f'fill="{AXES[row["axis"]]}"><title>{escape(text)}</title></circle>'
        )
    return parts


def plot(rows: Sequence[Row], dataset: str) -> str:
    """The SVG of a data set: two diagrams side by side, points in the colours of what they vary."""
    width = 2 * WIDTH + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'role="img" aria-label="{NAMES[dataset]}: accuracy in percent over LUT4">',
        "<style>text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.grid{stroke:#ddd}"
        ".front{stroke:#333;stroke-width:1.5;fill:none}</style>",
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="8" y="{TOP - 14}">%</text>',
    ]
    for number, (kind, title) in enumerate(PANELS):
        parts += _panel(rows, kind, f"{NAMES[dataset]}, {title}", number * (WIDTH + GAP))
    x = width - 12 - 86 * len(AXES)
    for number, (axis, colour) in enumerate(AXES.items()):
        at = x + 86 * number
        parts.append(f'<circle cx="{at}" cy="12" r="4.5" fill="{colour}"/><text x="{at + 9}" y="16">{axis}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _table(rows: Sequence[Row], table: Callable[..., str]) -> str:
    on_logic, on_chosen = front(rows, _logic), front(rows, _chosen)
    heads = (
        "varies",
        "network",
        "accuracy, %",
        "of other seeds",
        "weight bits",
        "cycles per frame",
        "logic: LUT4",
        "estimated",
        "solver: LUT4",
        "estimated",
        "block RAM",
        "front",
    )
    cells = []
    for row in sorted(rows, key=lambda row: row["logic"]["lut4"]):
        logic, chosen = row["logic"], row["chosen"]
        marks = [name for name, on in (("logic", on_logic), ("solver", on_chosen)) if row in on]
        cells.append(
            (
                row["axis"],
                label(row),
                f"{row['accuracy']:.2f}",
                ", ".join(f"{value:.2f}" for value in row.get("accuracy_of_seed", {}).values()),
                f"{row['weight_bits']:,}",
                row["cycles_per_frame"],
                logic["lut4"],
                logic["estimated_lut4"],
                chosen["lut4"],
                chosen["estimated_lut4"],
                chosen["bram"],
                ", ".join(marks),
            )
        )
    return table(heads, cells)


def _dataset(rows: Sequence[Row], dataset: str, table: Callable[..., str]) -> list[str]:
    fitting = [row for row in rows if row["fits"]]
    seeds = sorted({row["seed"] for row in rows})
    epochs, usual = ({row[key] for row in rows} for key in ("epochs", "recipe_epochs"))
    trained = f"{len(rows)} networks, seed {', '.join(map(str, seeds))}, {', '.join(map(str, sorted(epochs)))} epochs"
    if epochs != usual:
        trained += f" instead of the recipe's {', '.join(map(str, sorted(usual)))}: less than a full training gives"
    parts = [
        f"## {NAMES[dataset]}",
        f"{trained}.",
        f"![{NAMES[dataset]}: accuracy over LUT4](study-{dataset}.svg)",
        _table(fitting, table),
    ]
    left = [label(row) for row in rows if not row["fits"]]
    if left:
        parts.append(f"No folding reaches the throughput within the device: {'; '.join(left)}.")
    return parts


def page(result: dict[str, Any], table: Callable[..., str]) -> str:
    """The Markdown of the whole study; ``table`` makes a Markdown table of headings and rows."""
    rows = result["rows"]
    parts = [
        "# Accuracy against LUT4",
        "Made by `python benchmarks/document.py` from `benchmarks/results/study.json`; do not edit.",
        f"Made by `{result['command']}` with " + ", ".join(f"{n} {v}" for n, v in result["tools"].items()) + ".",
        f"Which network to take for a number of LUT4. Each was trained once, imported, folded by the solver for at "
        f"least {result['fps']:,} frames per second at {result['clock_mhz']:g} MHz on an {result['device']} (the least "
        "cost within these cycles), and synthesized as `bnnhw build` does it, the accelerator alone: the serial link "
        f"is about {LINK.lut4} LUT4 more. It was synthesized twice with the same PE and SIMD: *logic* has all weights "
        "in LUT4, so that these are nearly the whole cost; *solver* has them where the solver puts them, and what lies "
        "in block RAM costs no LUT4. A network is on the front of *logic* if no other is as accurate for fewer LUT4, "
        "on that of *solver* if none is for fewer LUT4 and block RAMs. The line in a diagram is the front in LUT4 "
        "alone.",
        "One seed a network decides, and a front takes the luckiest: differences of a few test frames (one of the "
        "digits' 359 is 0.28 points, one of MNIST's 10,000 is 0.01) say nothing about the next seed. Networks on a "
        "front were trained again with other seeds where the table says so. The bits of a network are those of an "
        "input element and of what a hidden layer gives. A limited fan-in makes weights of -1, 0 and +1, which the "
        "folded engine holds as two planes of bits, two popcounts per lane.",
    ]
    for dataset in NAMES:
        chosen = [row for row in rows if row["dataset"] == dataset]
        if chosen:
            parts += _dataset(chosen, dataset, table)
    return "\n\n".join(parts) + "\n"
