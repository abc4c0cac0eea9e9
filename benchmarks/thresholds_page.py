"""The section of docs/benchmarks.md on thresholds in block RAM, made of benchmarks/results/thresholds.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["thresholds"]


def thresholds(rows: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    return "\n\n".join(
        [
            "## Thresholds in block RAM",
            "Made by `python benchmarks/measure_thresholds.py`. A network of the size of jet taggers, 16 inputs of 8 "
            "bits and 64-32-32-5 neurons with 4,256 binary weights, random ones, and several-bit activations. *Look-up "
            "tables*: thresholds are there alone; *chosen*: the solver says where they are. Synthesized without a link "
            "and packed by nextpnr; cells that were estimated in brackets. Cycles are those of the Verilog in "
            "Verilator, its results compared with the reference, and frames/s the core's, not the link's, at the "
            "board's clock. A folding is PE x SIMD, with `t` where thresholds are in block RAM; one row where the "
            "solver chooses look-up tables anyway.",
            table(
                (
                    *(
                        "board",
                        "activations",
                        "folding",
                        "cycles per frame",
                        "frames/s of the core, not the link",
                        "LUT4",
                        "cells",
                    ),
                    *("block RAM", "frames, mismatches", "layers"),
                ),
                [_row(row) for row in rows.values()],
            ),
        ]
    )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    made, cycles = row["synthesis"], row["cycles_per_frame"]
    return (
        row["board"],
        f"{row['bits']} bits",
        row["how"],
        f"{cycles:,}",
        f"{row['clock_mhz'] * 1e6 / cycles:,.0f}",
        f"{made['lut4']:,}",
        f"{made['cells']:,} ({row['estimate']['cells']:,})",
        str(made["bram"]),
        f"{row['frames']:,}, {row['mismatches']}",
        ", ".join(_layer(folding) for folding in row["foldings"]),
    )


def _layer(folding: dict[str, Any]) -> str:
    return f"{folding['pe']} x {folding['simd']}{' t' if folding['thresholds'] == 'block' else ''}"
