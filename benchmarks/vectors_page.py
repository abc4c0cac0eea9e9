"""The section of docs/benchmarks.md on vectors that share weight words, made of benchmarks/results/vectors.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["vectors"]

_MEMORIES = {"lut": "logic", "block": "block RAM"}

_WORDS = {
    "one": "one, a tap per cycle",
    "several": "up to 4, taps in columns",
    "wanted": "up to 4, on a device with room",
}


def vectors(result: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    lanes = [
        (
            _MEMORIES[row["memory"]],
            *(row[key] for key in ("vectors", "lut4_per_lane", "lut4", "estimated_lut4", "ff", "bram")),
        )
        for row in result["lanes"]
    ]
    networks = [
        (
            *(name, _WORDS[word], row["cycles_per_frame"], f"{row['frames_per_s_at_board_clock']:,}"),
            *(row["estimated_lut4"], row["block_rams"], ", ".join(map(_folding, row["foldings"]))),
        )
        for name, rows in result["network"].items()
        for word, row in rows.items()
    ]
    parts = [
        "## Several vectors per weight word",
        "Made by `python benchmarks/measure_vectors.py`. First a unit of 16 x 64 lanes for each vector (SF = NF = "
        "4: weights in logic are a LUT4 per lane), everything in it, synthesized for the ECP5: what reads weights and "
        "thresholds, and what counts, is there once for all vectors.",
        table(("weights in", "vectors", "LUT4 per lane", "LUT4", "estimated", "FF", "block RAM"), lanes),
        "Then the fastest folding that the solver finds for the ULX3S-85F (`bnnhw fold --max`), frames per second "
        "being those at the board's clock of 80 MHz; and the cheapest for as many frames per second as FINN's fastest "
        "published CNV, on a device with room for it. A folding is PE x SIMD, with the vectors per weight word where "
        "there are several.",
        table(
            ("network", "vectors", "cycles per frame", "frames per second", "LUT4, estimated", "block RAM", "foldings"),
            networks,
        ),
    ]
    if result["synthesized"]:
        kinds = ("LUT4", "CCU2C", "TRELLIS_DPR16X4", "TRELLIS_FF", "DP16KD")
        rows = [(name, *(row[kind] for kind in kinds)) for name, row in result["synthesized"].items()]
        parts += ["Synthesized with their links, by kinds of cells:", table(("design", *kinds), rows)]
    if result["built"]:
        rows = [
            (
                *(name, _cells(row), f"{row['fmax_mhz']:.1f}", f"{row['clock_mhz']:g}"),
                *(
                    "yes" if row["timing_met"] else "no",
                    f"{_rate(row, result['simulated'].get(name)):,.0f}",
                    _minutes(row),
                ),
            )
            for name, row in result["built"].items()
        ]
        parts += [
            "Built with `bnnhw build`:",
            table(
                (
                    "design",
                    "cells",
                    "Fmax, MHz",
                    "clock, MHz",
                    "timing met",
                    "frames per second",
                    "place and route, min",
                ),
                rows,
            ),
        ]
    if result["simulated"]:
        rows = [
            (name, row["images"], row["mismatches"], row["cycles_per_frame"], row["predicted_cycles_per_frame"])
            for name, row in result["simulated"].items()
        ]
        parts += [
            "Their Verilog in Verilator, every layer compared with the reference (`bnnhw simulate`):",
            table(("design", "images", "mismatches", "cycles per frame", "predicted"), rows),
        ]
    return "\n\n".join(parts)


def _rate(row: dict[str, Any], simulated: dict[str, Any] | None) -> float:
    """Frames per second at the clock that was built for, by the cycles that were measured where some were."""
    return row["fps"] if simulated is None else row["clock_mhz"] * 1e6 / simulated["cycles_per_frame"]


def _folding(row: list[Any]) -> str:
    pe, simd, shared, _, columns = row
    return f"{pe} x {simd}" + f" ({shared})" * (shared > 1) + " columns" * columns


def _cells(row: dict[str, Any]) -> int:
    return int(row["utilization"]["TRELLIS_COMB"]["used"])


def _minutes(row: dict[str, Any]) -> str:
    return f"{row['stages_s']['place_route'] / 60:.0f}"
