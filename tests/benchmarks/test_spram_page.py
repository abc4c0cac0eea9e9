"""What docs/benchmarks.md says of weights in SPRAM is what was measured."""

from __future__ import annotations

from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table


def test_section() -> None:
    estimate = {"lut4": 2484, "ff": 1, "bram": 30, "spram": 4}
    entry = {
        "weight_bits": 334336,
        "fold": {"estimate": estimate, "cycles_per_frame": 3784, "fps": 7928.1},
        "frames": {"frames": 10000, "differences": 0, "accuracy": 0.9812, "cycles_per_frame": 3845.07},
    }
    build = {"estimate": {**estimate, "lut4": 2762}, "utilization": {"ICESTORM_LC": {"used": 3612}}, "fmax_mhz": 42.9}
    page = neighbour("spram_page").spram
    text = page({"a": {**entry, "build": build, "fmax_mhz": [42.9, 41.0]}}, table)
    due = "| a | 334,336 | 2,484, 30, 4 | 2,762, 30, 4 | 3,612 | 42.9, 41.0 | 3,784 (3,845) | 7,928 | 10,000 | 0 | "
    assert f"{due}98.12 % |" in text.splitlines()
    assert "Without a build" not in text
    assert "Without a build: folded and simulated alone." in page({"a": {**entry, "build": build}, "b": entry}, table)
