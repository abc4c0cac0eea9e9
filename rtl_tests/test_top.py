"""All units together: nothing is simulated that no unit reports on."""

from __future__ import annotations

import pytest

from rtl_tests import top


@pytest.mark.xdist_group("rtl")
@pytest.mark.parametrize(
    "cocotb_tests", [[name for unit in top.UNITS.values() for name in top.tests_of(unit)]], ids=["all"]
)
def test_nothing_else_ran(results: dict[str, str | None], cocotb_tests: list[str]) -> None:
    """Each test of the simulation has its line in a unit's folder."""
    assert sorted(results) == sorted(cocotb_tests)


@pytest.mark.xdist_group("rtl")
def test_a_group_stays_on_one_worker(request: pytest.FixtureRequest) -> None:
    """Pytest and xdist agree on groups: without, each worker would wait for the simulation of the other."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not run with --dist loadgroup")
    assert request.node.nodeid.endswith("@rtl")
