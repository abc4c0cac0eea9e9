"""What docs/benchmarks.md says of thresholds in block RAM is what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "thresholds.json"


def test_section() -> None:
    one = {"pe": 2, "simd": 8, "thresholds": "block"}
    row: dict[str, Any] = {
        "board": "icebreaker",
        "bits": 4,
        "how": "fastest",
        "foldings": [one, {**one, "pe": 1, "thresholds": "lut"}],
        "clock_mhz": 30,
        "cycles_per_frame": 1200,
        "frames": 1500,
        "mismatches": 2,
        "estimate": {"cells": 1100},
        "synthesis": {"lut4": 900, "cells": 1000, "bram": 7},
    }
    lines = neighbour("thresholds_page").thresholds({"a": row}, table).splitlines()
    assert [line for line in lines if line.startswith("|")][1:] == [
        "| icebreaker | 4 bits | fastest | 1,200 | 25,000 | 900 | 1,000 (1,100) | 7 | 1,500, 2 | 2 x 8 t, 1 x 8 |"
    ]


def test_block_ram_saves_what_it_is_said_to() -> None:
    """The same cycles, as predicted, and no mismatch; fewer cells wherever a layer's thresholds are in block RAM."""
    rows: dict[str, Any] = json.loads(RESULT.read_text())
    assert all(row["mismatches"] == 0 and row["frames"] > 0 for row in rows.values())
    assert all(row["cycles_per_frame"] == row["predicted_cycles_per_frame"] for row in rows.values())
    pairs = [
        (rows[label.removesuffix(", but look-up tables")], row)
        for label, row in rows.items()
        if label.endswith(", but look-up tables")
    ]
    assert pairs
    for chosen, tables in pairs:
        assert chosen["cycles_per_frame"] == tables["cycles_per_frame"]
        if any(folding["thresholds"] == "block" for folding in chosen["foldings"]):
            assert chosen["synthesis"]["cells"] < tables["synthesis"]["cells"]
            assert chosen["synthesis"]["bram"] > tables["synthesis"]["bram"]
