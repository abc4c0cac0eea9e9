"""Every unit's emitted Verilog through every scenario, in one simulation (:mod:`rtl_tests.cocotb_units`)."""

from __future__ import annotations

import pytest

from rtl_tests import link, scenarios
from rtl_tests.top import FREE_UNITS, STREAM_UNITS

pytestmark = pytest.mark.xdist_group("rtl")

TESTS = (
    *(f"stream/unit={unit}/scenario={scenario}" for unit in STREAM_UNITS for scenario in scenarios.SCENARIOS),
    *(f"free_running/unit={unit}" for unit in FREE_UNITS),
    *(f"uart/scenario={scenario}" for scenario in link.SCENARIOS),
)


@pytest.mark.parametrize("name", TESTS)
def test_unit(results: dict[str, str | None], name: str) -> None:
    assert results[name] is None, results[name]


def test_nothing_else_ran(results: dict[str, str | None]) -> None:
    """Each test of the simulation has its line above."""
    assert sorted(results) == sorted(TESTS)
