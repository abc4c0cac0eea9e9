"""The page of all networks of the gallery, for a folder that has a folder with a report for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnnhw.report.environment import environment
from bnnhw.report.figures import quantity, utilization
from bnnhw.report.network import picture

__all__ = ["RESOURCES", "index"]

TEMPLATE = Path(__file__).parent / "gallery.html.j2"

RESOURCES = {"cells": "logic cells", "lut4": "LUT4", "bram": "block RAM", "spram": "SPRAM"}
"""What is said to be used, and its name."""


def index(results: Mapping[str, Mapping[str, Any]], recipes: Mapping[str, str]) -> str:
    """The page as HTML; it refers to nothing but the reports, ``NAME/report.html``.

    Parameters
    ----------
    results : mapping
        What benchmarks/results/gallery.json has of each network.
    recipes : mapping
        The text of each recipe.
    """
    cards = [_card(name, entry, recipes) for name, entry in results.items()]
    return environment().from_string(TEMPLATE.read_text(encoding="utf-8")).render(cards=cards)


def _card(name: str, entry: Mapping[str, Any], recipes: Mapping[str, str]) -> dict[str, Any]:
    accuracy, fps, link_fps = f"{100 * entry['accuracy']:.2f} %", f"{entry['fps']:,.0f}", f"{entry['link_fps']:,.0f}"
    clock = f"Fmax; runs at {entry['clock_mhz']:g} MHz"
    tiles = [
        (accuracy, f"of {entry['images']:,} test frames", ""),
        (
            f"{entry['mismatches']:,}",
            f"mismatches in {entry['frames']:,} simulated frames",
            "bad" if entry["mismatches"] else "good",
        ),
        (f"{entry['cycles_per_frame']:,}", "cycles per frame", ""),
        (f"{quantity(entry['latency_us'])} µs", f"latency, {entry['latency_cycles']:,} cycles", ""),
        (f"{entry['fmax_mhz']:.1f} MHz", clock, "good" if entry["timing_met"] else "bad"),
        (fps, "frames per second of the core", ""),
        (link_fps, "frames per second over the link", ""),
    ]
    used = {title: entry["used"][key] for key, title in RESOURCES.items() if entry["used"][key]["available"]}
    return {
        **{key: entry[key] for key in ("what", "dataset", "board", "device", "recipe")},
        "name": name,
        "accuracy": accuracy,
        "cycles": f"{entry['cycles_per_frame']:,}",
        "fps": fps,
        "link_fps": link_fps,
        "tiles": tiles,
        "used": utilization(used),
        "picture": picture(entry["network"], entry["fold"]),
        "commands": "\n".join(entry["commands"]),
        "text": recipes.get(entry["recipe"], ""),
    }
