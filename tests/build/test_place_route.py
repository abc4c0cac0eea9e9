"""How nextpnr is asked and how its log is read."""

from __future__ import annotations

import pytest

from bnnhw import devices
from bnnhw.build import place_route


@pytest.mark.parametrize(
    ("family", "lut4", "options"),
    [
        ("ice40", 150_000, ()),
        ("ecp5", 15_000, ()),
        ("ecp5", 15_001, ("--placer", "static", "--router", "router2")),
    ],
)
def test_large_ecp5_designs_get_the_static_placer_and_router2(family: str, lut4: int, options: tuple[str, ...]) -> None:
    assert devices.family(family).build_tools().large_design_options(lut4) == options


def test_progress_of_router2_follows_the_overused_wires() -> None:
    told: list[tuple[float, str]] = []
    watcher = place_route._Watcher(lambda fraction, what: told.append((fraction, what)))
    for line in (
        "Info:     iter=1 wires=497000 overused=40000 overuse=45000 archfail=NA",
        "Info:     iter=2 wires=498000 overused=10000 overuse=11000 archfail=NA",
        "Info:     iter=3 wires=499000 overused=0 overuse=0 archfail=0",
    ):
        watcher(line)
    assert told == [(0.5, "routing"), (0.5 + 0.48 * 0.75, "routing"), (0.98, "routing")]
