from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bnnhw.errors import FileError
from bnnhw.report import collect, render
from bnnhw.report.clocks import clock_bars
from bnnhw.report.collect import SECTIONS
from bnnhw.report.figures import Bar, bars, cycle_rows, hops, quantity, regions, utilization

NETWORK = {
    "layers": [
        {"name": "first", "kind": "dense", "inputs": 64, "outputs": 128},
        {"name": "second", "kind": "dense", "inputs": 128, "outputs": 10},
        {"name": "out", "kind": "output", "inputs": 10, "outputs": 10},
    ]
}
FOLD = {
    "board": "icebreaker",
    "fps": 46875.0,
    "link_fps": 2439.0,
    "cycles_per_frame": 512,
    "latency_cycles": 600,
    "layers": [
        {"name": "first", "pe": 4, "simd": 4, "memory": "block", "cycles": 512},
        {"name": "second", "pe": 10, "simd": 32, "memory": "lut", "planes": "serial", "cycles": 4},
    ],
}
SIMULATE = {
    "images": 360,
    "mismatches": 0,
    "accuracy": 0.95,
    "cycles_per_frame": 512,
    "predicted_cycles_per_frame": 512,
    "latency_cycles": 601,
    "predicted_latency_cycles": 600,
}
BUILD: dict[str, Any] = {
    "board": "icebreaker",
    "fmax_mhz": 31.25,
    "clock_mhz": 24.0,
    "timing_met": True,
    "fps": 46875.0,
    "link_fps": 2439.0,
    "latency_us": 25.0,
    "utilization": {"lut4": {"used": 2112, "available": 5280}, "bram": {"used": 36, "available": 30}},
    "stages_s": {"synthesis": 12.5, "place and route": 25.0},
}


def _write(directory: Path, **sections: dict[str, Any]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, section in sections.items():
        (directory / SECTIONS[name]).write_text(json.dumps(section))


class _Checker(HTMLParser):
    """Every element is closed in order, and nothing is loaded from elsewhere."""

    VOID = {"meta", "br", "link", "img"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _check(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert checker.references == []
    assert "url(http" not in page
    return checker


def test_page_of_everything(tmp_path: Path) -> None:
    _write(tmp_path, train={"recipe": "digits", "accuracy": 0.95}, network=NETWORK, fold=FOLD)
    _write(tmp_path / "simulation", simulate=SIMULATE)
    _write(tmp_path / "build", build=BUILD)
    sections = collect(tmp_path)
    assert set(sections) == {"train", "network", "fold", "simulate", "build"}
    page = render(sections)
    checker = _check(page)
    # A dot a lane: strokes without length, with round ends.
    assert [len(re.findall("M[0-9.]+ [0-9.]+h0", drawn)) for drawn in re.findall('"lanes" d="(.*?)"', page)] == [16, 64]
    assert "script" not in checker.seen
    assert "<title>bnnhw: digits on icebreaker</title>" in page
    assert '<b class="good">0</b><span>mismatches in 360 simulated frames' in page
    assert '<b class="good">31.2 MHz</b>' in page
    assert "36 of 30 (120.0 %)" in page
    assert 'td class="n bad">601<' in page
    assert 'td class="n good">512<' in page
    assert page.count("<details>") == 5


def test_fmax_over_seeds() -> None:
    """A bar for each attempt, those that missed the clock marked; a sentence; nothing without attempts."""
    assert "Fmax over seeds" not in render({"build": BUILD})
    attempts = [
        {"seed": 3, "options": [], "seconds": 9.0, "fmax_mhz": 31.25, "timing_met": True},
        {"seed": 4, "options": ["--tmg-ripup"], "seconds": 9.0, "fmax_mhz": 23.4, "timing_met": False},
        {"seed": 5, "options": [], "failed": "nextpnr failed"},
    ]
    explored = {
        "attempts": attempts, "met": 1, "fmax_min_mhz": 23.4, "fmax_median_mhz": 27.325, "fmax_max_mhz": 31.25,
    }  # fmt: skip
    build = {**BUILD, "seed": 3, "explored": explored}
    assert clock_bars(build) == (
        Bar("seed 3", "31.2 MHz", 1.0),
        Bar("seed 4 --tmg-ripup", "23.4 MHz", 23.4 / 31.25, True),
        Bar("seed 5", "not routed", 0.0, True),
    )
    page = render({"build": build})
    _check(page)
    assert "1 of 3 met timing for 24 MHz: 23.4 to 31.2 MHz, median 27.3. Kept is seed 3." in page
    assert all(bar.label in page and bar.text in page for bar in clock_bars(build))


FLOORPLAN: dict[str, Any] = {
    "width": 26,
    "height": 32,
    "units": [
        {"name": "first", "cells": 12, "tiles": [[3, 2, 8], [4, 2, 3], [5, 9, 1]]},
        {"name": "link", "cells": 2, "tiles": [[6, 1, 2]]},
    ],
    "critical_path": {
        "ns": 8.0, "logic_ns": 3.0, "routing_ns": 5.0, "levels": 4,
        "hops": [{"unit": "link", "ns": 2.0, "levels": 1}, {"unit": "gone", "ns": 6.0, "levels": 3}],
    },
}  # fmt: skip


def test_floorplan_and_slowest_path(tmp_path: Path) -> None:
    first, link = regions(FLOORPLAN)
    # Three shades, by how full a tile is of what the fullest holds.
    assert first.shades == ((0.35, "M5 9h1v1h-1z"), (0.65, "M4 2h1v1h-1z"), (1.0, "M3 2h1v1h-1z"))
    assert link.shades == ((1.0, "M6 1h1v1h-1z"),) and first.colour != link.colour
    through = hops(FLOORPLAN)
    assert [(hop.name, hop.share) for hop in through] == [("link", 0.25), ("gone", 0.75)]
    assert through[0].colour == link.colour
    _write(tmp_path, build=BUILD, floorplan=FLOORPLAN)
    page = render(collect(tmp_path))
    _check(page)
    assert "a square a tile, 26 × 32 in use" in page and "first, 12 cells</li>" in page
    assert "Slowest path: 8.00 ns, 5.00 of them on wires, 4 levels of logic" in page
    assert "6.00 ns, 3 levels of logic" in page
    # The tiles are the picture's, not text.
    assert "<summary>build</summary>" in page and "<summary>floorplan</summary>" not in page
    _write(tmp_path, floorplan=FLOORPLAN | {"critical_path": None})
    assert "Slowest path" not in render(collect(tmp_path))
    _write(tmp_path, floorplan={"width": 1, "height": 1, "units": [], "critical_path": None})
    assert "Floorplan" not in render(collect(tmp_path))


def test_classes_by_their_names(tmp_path: Path) -> None:
    row = {"name": "a <b> leaf", "images": 1200, "correct": 1100, "given": 1300}
    random = {"name": "other", "images": None, "correct": None, "given": 7}
    _write(tmp_path, evaluate={"accuracy": 0.5, "classes": [row]})
    page = render(collect(tmp_path))
    _check(page)
    assert (
        '<tr><td>a &lt;b&gt; leaf</td><td class="n">1,200</td><td class="n">1,100</td><td class="n">1,300</td>' in page
    )
    _write(tmp_path, simulate=SIMULATE | {"accuracy": None, "classes": [random]})
    page = render(collect(tmp_path))
    # Simulation counts for more; random frames have neither labels nor an accuracy of their own.
    assert '<tr><td>other</td><td class="n"></td><td class="n"></td><td class="n">7</td>' in page
    assert "50.00 %" in page
    _write(tmp_path, simulate=SIMULATE)
    (tmp_path / "evaluate.json").unlink()
    assert "<h2>Classes</h2>" not in render(collect(tmp_path))


def test_more_frames_say_more(tmp_path: Path) -> None:
    """Of a simulation of a few frames and an evaluation of all, accuracy and classes are of all."""
    row = {"name": "a", "images": 10_000, "correct": 9_000, "given": 9_500}
    whole = {"images": 10_000, "accuracy": 0.9, "classes": [row], "confusion": [[9_000]]}
    few = SIMULATE | {"classes": [row | {"images": 360}], "confusion": [[342]]}
    _write(tmp_path, evaluate=whole, simulate=few)
    page = render(collect(tmp_path))
    assert '<b class="">90.00 %</b>' in page and "95.00 %" not in page
    assert '<td class="n">10,000</td>' in page and '<td class="n">360</td>' not in page
    _write(tmp_path, evaluate=whole | {"images": 100}, simulate=few)
    page = render(collect(tmp_path))
    assert '<b class="">95.00 %</b>' in page and '<td class="n">360</td>' in page


def test_page_of_a_build_alone(tmp_path: Path) -> None:
    _write(tmp_path, build=BUILD | {"timing_met": False})
    page = render(collect(tmp_path))
    _check(page)
    assert '<b class="bad">31.2 MHz</b>' in page
    assert "Network:" not in page
    assert "Clock cycles" not in page


def test_names_are_escaped(tmp_path: Path) -> None:
    hostile = json.loads(json.dumps(NETWORK).replace("first", "<script>alert(1)</script>"))
    _write(tmp_path, network=hostile)
    page = render(collect(tmp_path))
    assert "script" not in _check(page).seen
    assert "&lt;script&gt;" in page


def test_own_files_come_before_those_of_folders(tmp_path: Path) -> None:
    _write(tmp_path, build=BUILD)
    _write(tmp_path / "earlier", build=BUILD | {"fmax_mhz": 1.0})
    assert collect(tmp_path)["build"]["fmax_mhz"] == 31.25


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=rf"^{re.escape(str(tmp_path / 'none'))}: no such folder$"):
        collect(tmp_path / "none")


def test_nothing_to_report(tmp_path: Path) -> None:
    message = (
        "must hold at least one of train.json, import.json, network.json, evaluate.json, fold.json, design.json, "
        "simulate.json, report.json, floorplan.json, demo.json, and holds none"
    )
    with pytest.raises(FileError, match=rf"^{re.escape(f'{tmp_path}: {message}')}$"):
        collect(tmp_path)


def test_truncated_json(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"fmax_mhz": ')
    message = f"{tmp_path}/report.json: can't be read as JSON: Expecting value: line 1 column 14 (char 13)"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        collect(tmp_path)


def test_json_that_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("[1]")
    with pytest.raises(
        FileError, match=rf"^{re.escape(f'{tmp_path}/report.json: must hold a JSON object, not list')}$"
    ):
        collect(tmp_path)


def test_bars_are_on_one_scale() -> None:
    assert [bar.share for bar in bars({"a": 1.0, "b": 4.0}, "s")] == [0.25, 1.0]
    assert [bar.share for bar in bars({"a": 0.0}, "s")] == [0.0]


def test_utilization_over_the_top_is_marked() -> None:
    lut, bram, none = utilization(BUILD["utilization"] | {"spram": {"used": 0, "available": 0}})
    assert (lut.share, lut.alert) == (0.4, False)
    assert (bram.share, bram.alert) == (1.0, True)
    assert (none.share, none.alert) == (0.0, False)


def test_cycles_before_and_after_simulation() -> None:
    assert cycle_rows({"fold": FOLD}) == (("cycles per frame", 512, None), ("latency", 600, None))
    assert cycle_rows({"fold": FOLD, "simulate": SIMULATE}) == (("cycles per frame", 512, 512), ("latency", 600, 601))
    assert cycle_rows({}) == ()


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (12345, "12,345"), (46875.0, "46,875"), (31.25, "31.2"), (2.5, "2.50"), (0.01234, "0.0123")],
)
def test_quantity(value: float, text: str) -> None:
    assert quantity(value) == text
