"""The section of docs/benchmarks.md on weights in SPRAM, made of benchmarks/results/spram.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["spram"]


def spram(results: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    parts = [
        "## Weights in SPRAM",
        "Made by `python benchmarks/measure_spram.py`, for the iCEBreaker (UP5K: 30 block RAMs, 122,880 bits; four "
        "SPRAMs). The folding is what `fold` chooses; *build* is the design behind the serial link at 30 MHz, its "
        "loader included. *From power-up*: the board's top in Verilator, at its pins, behind the parallel link, with "
        "the weights read from the model of its flash; classes and scores compared with the reference. *Cycles* are "
        "the core's, as predicted, and in brackets those per frame of the whole board, with the time to fill and drain "
        "it.",
        table(
            (
                *(
                    "network",
                    "weight bits",
                    "estimate: LUT4, block RAM, SPRAM",
                    "build: LUT4, block RAM, SPRAM",
                    "cells",
                ),
                *("Fmax, MHz", "cycles", "frames/s of the core, not the link", "from power-up", "differ", "accuracy"),
            ),
            [_row(name, entry) for name, entry in results.items()],
        ),
    ]
    if any("build" not in entry for entry in results.values()):
        parts.append("Without a build: folded and simulated alone.")
    return "\n\n".join(parts)


def _row(name: str, entry: dict[str, Any]) -> tuple[str, ...]:
    fold, build, frames = entry["fold"], entry.get("build"), entry["frames"]
    needs = ("", "", "")
    if build is not None:
        fmax = entry.get("fmax_mhz") or [build["fmax_mhz"]]
        needs = (
            _memories(build["estimate"]),
            f"{build['utilization']['ICESTORM_LC']['used']:,}",
            ", ".join(f"{mhz:.1f}" for mhz in fmax),
        )
    accuracy = frames["accuracy"]
    return (
        name,
        f"{entry['weight_bits']:,}",
        _memories(fold["estimate"]),
        *needs,
        f"{fold['cycles_per_frame']:,} ({frames['cycles_per_frame']:,.0f})",
        f"{fold['fps']:,.0f}",
        f"{frames['frames']:,}",
        str(frames["differences"]),
        "" if accuracy is None else f"{100 * accuracy:.2f} %",
    )


def _memories(needs: dict[str, int]) -> str:
    return f"{needs['lut4']:,}, {needs['bram']}, {needs['spram']}"
