"""What people are told while synthesis, placement and routing run, from lines of their logs."""

from __future__ import annotations

import pytest

from bnnhw.build.watch import GivenUpError, NextpnrWatcher, Progress, YosysWatcher


def told_by(*lines: str) -> list[tuple[float, str]]:
    told: list[tuple[float, str]] = []
    watcher = NextpnrWatcher(lambda fraction, what: told.append((fraction, what)))
    for line in lines:
        watcher(line)
    return [(round(fraction, 3), what) for fraction, what in told]


def test_a_full_device_is_told_in_figures() -> None:
    """Whether or not anybody is told of progress."""
    for watcher in (NextpnrWatcher(None), NextpnrWatcher(lambda fraction, what: None)):
        for line in (
            "Info: Packing constants..",
            "Info: Device utilisation:",
            "Info: \t         ICESTORM_LC:    6000/   5280   113%",
            "Info: \t        ICESTORM_RAM:      30/     30   100%",
            "ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_LC'",
        ):
            watcher(line)
        assert watcher.too_big() == "ICESTORM_LC 6000 of 5280"
        assert watcher.errors == ["Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_LC'"]


def test_the_analytic_placer_and_router1() -> None:
    """Rounds of the placer, of the one that refines it, and connections that are left; never backwards."""
    told = told_by(
        "Info: Packing constants..",
        "Info: Creating initial analytic placement for 3168 cells, random placement wirelen = 354446.",
        "Info:     at initial placer iter 0, wirelen = 1582",
        "Info: Running main analytical placer, max placement attempts per cell = 4973858.",
        "Info:     at iteration #3, type ALL: wirelen solved = 7095, spread = 19908, legal = 21773; time = 0.24s",
        "Info:     at iteration #60, type ALL: wirelen solved = 1422, spread = 15548, legal = 17337; time = 0.22s",
        "Info: HeAP Placer Time: 4.64s",
        "Info: Running simulated annealing placer for refinement.",
        "Info:   at iteration #5: temp = 0.000000, timing cost = 171, wirelen = 16220",
        "Info: Routing 4000 arcs.",
        "Info:       1000 |       28        971 |   28   971 |      3000|       0.54       0.54|",
        "Info:       4000 |       28       3971 |    0     0 |         0|       1.54       1.54|",
    )
    assert told == [
        (0.02, "packing"),
        (0.08, "placing"),
        (0.08, "placing"),
        (0.134, "placing, round 3"),
        (0.35, "placing, round 60"),
        (0.35, "refining"),
        (0.4, "refining, round 5"),
        (0.5, "routing"),
        (0.62, "routing, 3,000 connections left"),
        (0.98, "routing, 0 connections left"),
    ]
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)


def test_the_static_placer_and_router2() -> None:
    """What lies on each other, and wires that are used twice."""
    assert told_by(
        "Info: Running Static placer...",
        "Info: iter=500 steplen=2.671167 a=252.379166 penalty=[7.11, 7.11, 7.11, 7.11]",
        "Info: overlap: COMB=98.9%, FF=99.0%, RAM=0.0%, MUL=0.0%",
        "Info: overlap: COMB=10.0%, FF=6.2%, RAM=0.0%, MUL=0.0%",
        "Info: Running simulated annealing placer for refinement.",
        "Info:     iter=1 wires=497000 overused=40000 overuse=45000 archfail=NA",
        "Info:     iter=2 wires=498000 overused=10000 overuse=11000 archfail=NA",
        "Info:     iter=3 wires=499000 overused=0 overuse=0 archfail=0",
    ) == [
        (0.08, "placing"),
        (0.083, "placing, 99 % overlap"),
        (0.323, "placing, 10 % overlap"),
        (0.35, "refining"),
        (0.5, "routing, 40,000 wires used twice"),
        (0.86, "routing, 10,000 wires used twice"),
        (0.98, "routing, 0 wires used twice"),
    ]


@pytest.mark.parametrize("progress", [None, lambda fraction, what: None])
def test_routing_that_goes_astray_is_ended(progress: Progress | None) -> None:
    def read(*overused: int) -> None:
        watcher = NextpnrWatcher(progress)
        for number, count in enumerate(overused, 1):
            watcher(f"Info:     iter={number} wires=386541 overused={count} overuse={count} archfail=NA")

    falls, rises = (60_000, 9_000, 3_000), [3_000 + 170 * number for number in range(1, 20)]
    with pytest.raises(GivenUpError, match=r"after 13 rounds 4,700 wires are used twice, 3,000 in the best round"):
        read(*falls, *rises)
    # Not at once; not where it comes back; not for a few wires that are the last.
    read(*falls, *rises[:9])
    read(*falls, *rises[:9], 2_000, *rises[:9], 1_000, 0)
    read(*falls, 9, 5, 1, *[11] * 30, 0)
    read(*falls, *[3_400] * 30, 0)


def test_the_static_placer_may_be_silent_for_as_long_as_it_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it makes a placement legal, and for two minutes at least; before and after it for ever."""
    now = 1000.0
    monkeypatch.setattr("bnnhw.build.watch.time.monotonic", lambda: now)
    watcher = NextpnrWatcher(None)
    assert watcher("Info: Running Static placer...") is None
    now += 7
    assert watcher("Info: Strict legalising 14 cells...") == 120
    assert watcher("Info: HPWL after legalise: 601073.125000 (delta: 303515.187500)") is None
    now += 500
    assert watcher("Info: Strict legalising 3154 cells...") == 507
    assert watcher("Info: HPWL after legalise: 785355.000000 (delta: 32490.187500)") is None
    assert watcher("Info:     iter=1 wires=497000 overused=40000 overuse=45000 archfail=NA") is None


def test_what_is_full_is_told() -> None:
    watcher = NextpnrWatcher(None)
    assert watcher.fullest() == "less than half of everything"
    watcher("Info: \t        TRELLIS_COMB:   33795/  43848    77%")
    watcher("Info: \t              DP16KD:      53/    108    49%")
    watcher("Info: \t          TRELLIS_FF:   21924/  43848    50%")
    assert watcher.fullest() == "TRELLIS_COMB 33795 of 43848, TRELLIS_FF 21924 of 43848"


def test_a_design_with_nothing_to_route() -> None:
    assert told_by(
        "Info: Routing 0 arcs.",
        "Info:          0 |        0          0 |    0     0 |         0|       0.00       0.00|",
    ) == [(0.5, "routing"), (0.98, "routing, 0 connections left")]


def test_synthesis_goes_on_and_never_ends_by_itself() -> None:
    """What a pass does, in Yosys' words where it has any; every one of them is further."""
    told: list[tuple[float, str]] = []
    watcher = YosysWatcher(lambda fraction, what: told.append((fraction, what)))
    for line in (
        "-- Executing script file `top.ys' --",
        "1. Executing Verilog-2005 frontend: accelerator.v",
        "4.2. Executing HIERARCHY pass (managing design hierarchy).",
        "Parsing Verilog input from `accelerator.v' to AST representation.",
        "4.23. Executing MEMORY pass.",
        "ERROR: Module `x' is not part of the design.",
    ):
        watcher(line)
    assert [what for _, what in told] == ["Verilog-2005", "managing design hierarchy", "MEMORY"]
    assert [fraction for fraction, _ in told] == [pytest.approx(n / (n + YosysWatcher.HALF)) for n in (1, 2, 3)]
    assert watcher.errors == ["Module `x' is not part of the design."]
