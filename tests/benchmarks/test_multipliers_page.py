"""What docs/benchmarks.md says of multipliers is what was measured, and sums that are compared are right."""

from __future__ import annotations

import pytest

from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table


def test_section() -> None:
    ways = {
        "a popcount for each bit": {"lut4": 500, "ff": 300, "dsp": 0},
        "adders": {"lut4": 400, "ff": 200, "dsp": 0},
        "multipliers and adders": {"lut4": 110, "ff": 200, "dsp": 13},
    }
    page = neighbour("multipliers_page").multipliers({"inputs": 27, "bits": 8, "part": "P", "ways": ways}, table)
    assert "| a popcount for each bit | 500 | 300 | 0 |" in page.splitlines()
    assert "in place of 30 LUT4" in page


@pytest.mark.parametrize("way", ["a popcount for each bit", "adders", "multipliers and adders"])
def test_sums(way: str) -> None:
    assert neighbour("measure_multipliers").equal(way)
