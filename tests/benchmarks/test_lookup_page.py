"""What docs/benchmarks.md says of networks that take a frame per cycle is what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import pytest

from tests.benchmarks.neighbours import neighbour

ENTRY: dict[str, Any] = {
    "network": "mnist-lookup-up5k",
    "board": "icebreaker",
    "neurons": [1400],
    "latency_cycles": 14,
    "simulated": {"frames": 10_000, "mismatches": 3, "accuracy": 0.97641},
    "core": {"lut4": 4321, "ff": 3210, "packed": 4567},
    "top": {
        "fmax_mhz": {"0": 76.26, "1": 71.04},
        "utilization": {
            seed: {"ICESTORM_LC": {"used": 4600, "available": 5280}, "SB_IO": {"used": 3, "available": 39}}
            for seed in ("0", "1")
        },
    },
    "frames_per_s": 71_040_000,
    "link_frames_per_s": 943.4,
    "latency_ns": 197.1,
}


@pytest.fixture(scope="module")
def lookup_page() -> ModuleType:
    return neighbour("lookup_page")


def table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(headings)
    lines = [names, *([str(cell) for cell in row] for row in rows)]
    assert len({len(line) for line in lines}) == 1
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def test_section(lookup_page: ModuleType) -> None:
    """Every seed's clock, the slowest one's rate, the mismatches; what was only half measured has no row."""
    half = {key: value for key, value in ENTRY.items() if key != "top"}
    lines = lookup_page.lookup(
        {"a": ENTRY, "b": half, "c": {**ENTRY, "chosen_options": "--router router1"}}, table
    ).splitlines()
    assert [line for line in lines if line.startswith("|")][1:] == [
        "| `mnist-lookup-up5k` | 1,400 | 97.64 % | 10,000, 3 | icebreaker | 4,321, 3,210 | 4,567 | 4,600 of 5,280 "
        f"| {chosen} | 76.3, 71.0 | 71.0 | 943 | 14 cycles, 197 ns |"
        for chosen in ("default", "--router router1")
    ]
