"""The section of docs/run.md on what was run on the virtual board, made of benchmarks/results/virtual.json."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["replaced", "virtual_section"]

HEADING = "### Measured"

LEVELS = {"rtl": "what was synthesized", "netlist": "netlist", "bitstream": "bitstream, unpacked"}


def virtual_section(results: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    rows = [
        (
            entry["network"],
            f"{entry['board']} ({entry['device']})",
            _link(entry["link"]),
            LEVELS[entry["level"]],
            f"{entry['frames']:,}",
            f"{entry['differences']:,}",
            f"{entry['resent']:,}",
            f"{entry['frames_per_s']:,.0f} of {entry['link_fps']:,.0f}",
            f"{entry['fps']:,.0f}",
        )
        for entry in results.values()
    ]
    frames, wrong = (sum(entry[key] for entry in results.values()) for key in ("frames", "differences"))
    return "\n\n".join(
        [
            HEADING,
            "Made by `python benchmarks/measure_virtual.py [--link LINK] --models DIR --data DIR`: each network as "
            "`bnnhw build` builds it for the board, and the first frames of its data set through `bnnhw run --virtual "
            "--check`. "
            f"Every class and every score was compared with the reference: {frames:,} frames, {wrong:,} differences. "
            "Frames per second are in the board's time, beside what the link carries at most.",
            table(
                (
                    *("network", "board", "link", "what ran", "frames", "differences", "sent again"),
                    *("frames/s over the link", "accelerator, frames/s"),
                ),
                rows,
            ),
        ]
    )


UNITS = {"hz": "Hz", "ns": "ns"}
"""What the names of settings end in."""


def _link(link: dict[str, Any]) -> str:
    settings = [_setting(name, value) for name, value in link.items() if name != "name"]
    return ", ".join([link["name"], *settings])


def _setting(name: str, value: int) -> str:
    stem, _, unit = name.rpartition("_")
    return f"{stem} {value:,} {UNITS[unit]}" if unit in UNITS else f"{value:,} {name}"


def replaced(page: str, text: str) -> str:
    """A page with its section of this heading, up to the next heading, made anew."""
    found, count = re.subn(rf"^{HEADING}\n.*?(?=^##|\Z)", lambda _: f"{text}\n\n", page, flags=re.M | re.S)
    if count != 1:
        raise ValueError(f"page must have one heading {HEADING!r}, not {count}")
    return found
