"""How nextpnr is asked."""

from __future__ import annotations

import pytest

from bnnhw import devices


@pytest.mark.parametrize(
    ("family", "lut4", "options"),
    [
        ("ice40", 150_000, ()),
        ("ecp5", 15_000, ()),
        ("ecp5", 15_001, ("--placer", "static", "--router", "router2")),
    ],
)
def test_large_ecp5_designs_get_the_static_placer_and_router2(family: str, lut4: int, options: tuple[str, ...]) -> None:
    assert devices.family(family).build_tools().options_for(lut4)[0] == options
