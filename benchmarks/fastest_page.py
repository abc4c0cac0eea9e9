"""The section of docs/benchmarks.md on the fastest foldings, made of benchmarks/results/fastest.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnnhw import boards

__all__ = ["fastest"]


def fastest(results: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    return "\n\n".join(
        (
            "## Networks by `fold` and `build`",
            "Made by `python benchmarks/measure_fastest.py --models DIR --data DIR`: no folding is written by hand. In "
            "each pair the estimate of `fold`, and what was built, link included; cells and memories as nextpnr "
            "counts them. Frames per second are the core's, at the clock built for. *Images* went through the Verilog, "
            "every word of every layer's stream compared. *nextpnr* is the one that `pip` brings, WebAssembly in one "
            "thread, or a native one on the PATH.",
            table(
                (
                    *("network", "board", "aim", "accuracy", "cycles", "LUT4", "cells", "block RAM", "SPRAM"),
                    *("built for, MHz", "Fmax, MHz, by seed", "timing", "frames/s of the core, not the link"),
                    *("images", "differ", "minutes", "nextpnr"),
                ),
                [_row(name, entry) for name, entry in results.items()],
            ),
        )
    )


def _row(name: str, entry: dict[str, Any]) -> tuple[str, ...]:
    fold, seeds = entry["fold"], list(entry["build"].values())
    row = [
        name,
        entry["board"],
        f"`{entry['aim']}`",
        f"{100 * entry['accuracy']:.2f} %",
        f"{fold['cycles_per_frame']:,}",
    ]
    estimate = fold["estimate"]
    built = seeds[0]["utilization"] if seeds else None
    for key in ("lut4", "cells", "bram", "spram"):
        word = boards.get(entry["board"]).family.build_tools().logic_cell if key == "cells" else key
        used = "-" if built is None else f"{built[word]['used']:,}"
        row.append(f"{estimate[key]:,} / {used}")
    simulated = entry.get("simulate")
    if seeds:
        clock = seeds[0]["clock_mhz"]
        met = sum(seed["timing_met"] for seed in seeds)
        minutes = [sum(seed["stages_s"].values()) / 60 for seed in seeds]
        row += [
            f"{clock:g}",
            ", ".join(f"{seed['fmax_mhz']:.1f}" for seed in seeds),
            f"{met} of {len(seeds)}",
            f"{clock * 1e6 / fold['cycles_per_frame']:,.0f}",
        ]
    else:
        minutes = []
        row += ["", "", "not placed", f"{fold['fps']:,.0f}"]
    row += ["", ""] if simulated is None else [f"{simulated['images']:,}", str(simulated["mismatches"])]
    row.append(f"{min(minutes):.1f} to {max(minutes):.1f}" if minutes else "")
    row.append(", ".join(sorted({_kind(seed["nextpnr"]) for seed in seeds})))
    return tuple(row)


def _kind(nextpnr: str) -> str:
    return "WebAssembly" if nextpnr.startswith("yowasp") else "native"
