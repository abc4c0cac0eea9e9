"""The section of docs/benchmarks.md on the clock, made of benchmarks/results/clock.json and the table fitted to it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["clock", "error"]


def error(row: Mapping[str, Any]) -> float:
    """By how much the estimate of a row is off, as a fraction of the median of its seeds."""
    return row["fmax_estimate_mhz"] / statistics.median(_reached(row)) - 1


def _reached(row: Mapping[str, Any]) -> list[float]:
    return [seed["fmax_mhz"] for seed in row["seeds"].values()]


def clock(rows: Mapping[str, dict[str, Any]], fitted: Mapping[str, Any], table: Callable[..., str]) -> str:
    """The section, given the rows, the fitted table, and what makes a table of headings and rows."""
    known = {label: row for label, row in rows.items() if row["seeds"] and row["fmax_estimate_mhz"] is not None}
    share = [
        seed["routing_ns"] / (seed["logic_ns"] + seed["routing_ns"])
        for row in known.values()
        for seed in row["seeds"].values()
    ]
    parts = [
        (
            name,
            part["control_ns"],
            "" if part["memory_ns"] is None else part["memory_ns"] or "-",
            part["cells"],
            part["routed"],
        )
        for name, part in fitted["parts"].items()
    ]
    return "\n\n".join(
        [
            "## The clock that is estimated",
            "Made by `python benchmarks/measure_clock.py` and `python benchmarks/fit_clock.py`: whole networks with "
            "their links, routed for the clock of their boards; some of them out of the folders of other builds "
            f"(`--built`). Wires make {100 * statistics.median(share):.0f} % of a slowest path in the median. The "
            "nanoseconds that a path takes in a design of 1,000 logic cells whose widest stream has 32 bits: "
            "*control*, from a register to the enables of others; *memory*, out of the block RAM in which frames wait "
            f"(-: never slower there; nothing: not measured), {fitted['shift']:g} times as many where words of the "
            "accelerator's input are no whole bytes, nor parts of one, so that bytes are shifted. Control grows by a "
            f"power of the cells, and by the power {fitted['bits']:g} of the bits.",
            table(("part and grade", "control, ns", "memory, ns", "power of the cells", "routes"), parts),
            "Networks that were not fitted on are what it is held to. Cells are those that nextpnr counts and, before "
            f"any synthesis, those that are estimated; the error is of the clock. {_summary(known, False)} "
            f"{_summary(known, True)}",
            table(
                (
                    *("network", "board", "fitted on", "cells", "estimated", "bits", "Fmax, MHz"),
                    *("estimated, MHz", "error", "slowest path through"),
                ),
                (_cells(label, row) for label, row in sorted(known.items(), key=lambda item: item[1]["fitted"])),
            ),
        ]
    )


def _summary(rows: Mapping[str, dict[str, Any]], fitted: bool) -> str:
    """Median and worst, in a sentence."""
    sizes = [abs(error(row)) for row in rows.values() if row["fitted"] == fitted]
    which = "Fitted on" if fitted else "Not fitted on"
    middle, most = (f"{100 * size:.1f} %" for size in (statistics.median(sizes), max(sizes)))
    return f"{which}: {len(sizes)}, off by {middle} in the median, {most} at most."


def _cells(label: str, row: Mapping[str, Any]) -> tuple[object, ...]:
    """A line of the table of networks."""
    slowest = min(row["seeds"].values(), key=lambda seed: seed["fmax_mhz"])
    return (
        label.split(",", maxsplit=1)[0],
        row["board"],
        "yes" if row["fitted"] else "",
        "" if row["cells"] is None else f"{row['cells']['used']:,}",
        f"{row['estimate']:,}",
        row["bits"],
        ", ".join(f"{mhz:.1f}" for mhz in _reached(row)),
        f"{row['fmax_estimate_mhz']:.1f}",
        f"{error(row):+.1%}",
        ", ".join(dict.fromkeys(slowest["units"])),
    )
