"""Which attempt to place and route is kept, what is made again, and what is left of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bnnhw.build.cache import StepCache
from bnnhw.build.explore import Attempt, Explored, attempts, explore, first_placed
from bnnhw.build.watch import GivenUpError
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.ice40 import ICE40
from bnnhw.errors import BnnhwError, CheckError

ATTEMPTS = tuple(Attempt(seed, ()) for seed in range(5))


class Runs:
    """Attempts whose clocks are given: a number of MHz, for a goal of 40, or an error."""

    def __init__(self, folder: Path, *clocks: float | Exception) -> None:
        self.folder, self.clocks = folder, clocks
        self.made: list[int] = []
        self.told: list[tuple[float, str]] = []

    def run(self, attempt: Attempt, where: Path, told: Callable[[float, str], None]) -> dict[str, Any]:
        self.made.append(attempt.seed)
        told(0.5, "routing")
        clock = self.clocks[attempt.seed]
        if isinstance(clock, Exception):
            raise clock
        (where / "top.asc").write_text(f"configuration {attempt.seed}")
        return {"fmax_mhz": clock, "margin": clock / 40, "timing_met": clock >= 40}

    def explore(self, count: int, workers: int = 2) -> Explored:
        scratch = self.folder / f"scratch{len(list(self.folder.iterdir()))}"
        scratch.mkdir()
        return explore(
            ATTEMPTS[:count],
            self.run,
            lambda attempt: (attempt.seed, "netlist"),
            scratch,
            StepCache(self.folder),
            workers=workers,
            progress=lambda fraction, what: self.told.append((fraction, what)),
        )


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_best_is_kept(tmp_path: Path, workers: int) -> None:
    """Of equal ones the first; the others' files are gone, and what they reached is said, in order."""
    runs = Runs(tmp_path, 38.0, 44.5, 41.0, 44.5, 39.9)
    found = runs.explore(5, workers)
    assert sorted(runs.made) == [0, 1, 2, 3, 4]
    assert (found.best, found.result["fmax_mhz"]) == (Attempt(1, ()), 44.5)
    assert found.files is not None
    assert [path.read_text() for path in found.files.parent.rglob("top.asc")] == ["configuration 1"]
    figures = found.figures()
    assert [one["fmax_mhz"] for one in figures["attempts"]] == [38.0, 44.5, 41.0, 44.5, 39.9]
    assert [one["timing_met"] for one in figures["attempts"]] == [False, True, True, True, False]
    assert (figures["met"], figures["fmax_min_mhz"], figures["fmax_median_mhz"], figures["fmax_max_mhz"]) == (
        3, 38.0, 41.0, 44.5,
    )  # fmt: skip
    assert runs.told[-1] == (1.0, "5 of 5 done, best 44.5 MHz")
    assert [fraction for fraction, _ in runs.told] == sorted(fraction for fraction, _ in runs.told)


def test_attempts_are_not_made_twice(tmp_path: Path) -> None:
    """More of them: only the new ones; none: the best is known, and its files are not here."""
    runs = Runs(tmp_path, 38.0, 44.5, 41.0)
    runs.explore(2)
    runs.made.clear()
    found = runs.explore(3)
    assert runs.made == [2]
    assert (found.best.seed, found.files) == (1, None)
    assert [one["fmax_mhz"] for one in found.tried] == [38.0, 44.5, 41.0]


def test_an_attempt_that_fails_is_no_end(tmp_path: Path) -> None:
    """It is named, and made again the next time: what stopped it may have come from outside."""
    runs = Runs(tmp_path, BnnhwError("nextpnr failed: it ended with status -9"), 41.0)
    found = runs.explore(2)
    assert found.best.seed == 1
    assert found.tried[0] == {"seed": 0, "options": [], "failed": "nextpnr failed: it ended with status -9"}
    assert found.figures()["met"] == 1
    runs.clocks = 43.0, 41.0
    assert runs.explore(2).best.seed == 0
    assert sorted(runs.made) == [0, 0, 1]


def test_what_ends_it(tmp_path: Path) -> None:
    """All attempts failing is an error, the first one's; so is a design that does not fit, whichever sees it."""
    with pytest.raises(BnnhwError, match="first"):
        Runs(tmp_path, BnnhwError("first"), BnnhwError("second")).explore(2)
    with pytest.raises(CheckError, match="does not fit"):
        Runs(tmp_path, 40.0, CheckError("the design does not fit")).explore(2)


def test_seeds_and_options() -> None:
    """Every seed with each of the options; large designs have options of their own, and seeds wrap around."""
    toolchain = replace(ICE40.build_tools(), options=((), ("--a",)))
    assert attempts(toolchain, 100, 7, 3) == (Attempt(7, ()), Attempt(7, ("--a",)), Attempt(8, ()))
    assert attempts(toolchain, 100, 2**31 - 1, 3)[-1] == Attempt(0, ())
    large = ECP5.build_tools()
    first, second = large.options_for(20_000)
    assert attempts(large, 20_000, 0, 3) == (Attempt(0, first), Attempt(0, second), Attempt(1, first))
    assert attempts(large, 20_000, 5, 0) == (Attempt(5, first), Attempt(5, second))
    # What is tried first is what a build without --explore does.
    for family in (ICE40, ECP5):
        assert attempts(family.build_tools(), 100, 3, 1) == (Attempt(3, ()),)


def test_where_nextpnr_gives_up_other_options_are_tried() -> None:
    """In order, each once; it is told. Where all are given up the last one's error; other errors end it."""
    ways = tuple(Attempt(3, options) for options in ((), ("--placer", "a"), ("--placer", "b")))
    told: list[str] = []

    def run(*ends: Exception | None) -> Callable[[Attempt], dict[str, Any]]:
        def run(attempt: Attempt) -> dict[str, Any]:
            end = ends[ways.index(attempt)]
            if end is not None:
                raise end
            return {"options": attempt.options}

        return run

    def watch(fraction: float, what: str) -> None:
        told.append(what)

    assert first_placed(ways, run(None, None, None), watch) == {"options": ()}
    assert told == []
    given_up = GivenUpError("no way"), GivenUpError("no place")
    assert first_placed(ways, run(*given_up, None), watch) == {"options": ("--placer", "b")}
    assert told == [f"given up; placing anew with --placer {name}" for name in "ab"]
    with pytest.raises(GivenUpError, match="at last"):
        first_placed(ways, run(*given_up, GivenUpError("at last")), watch)
    with pytest.raises(BnnhwError, match="crash"):
        first_placed(ways, run(given_up[0], BnnhwError("crash"), None), watch)


def test_results_are_kept_as_json(tmp_path: Path) -> None:
    """A stamp of each attempt, which an interrupted exploration goes on from."""
    Runs(tmp_path, 38.0, 44.5).explore(2)
    stamps = sorted((tmp_path / ".steps" / "explore").iterdir())
    assert [json.loads(stamp.read_text())["result"]["fmax_mhz"] for stamp in stamps] == [38.0, 44.5]
