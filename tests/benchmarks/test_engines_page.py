"""The study of engines: its diagrams, its clocks, and whether docs/ has what the JSON says."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.benchmarks.neighbours import neighbour

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def draw() -> ModuleType:
    return neighbour("engines_plot")


@pytest.fixture(scope="module")
def page(draw: ModuleType) -> ModuleType:
    neighbour("elsewhere")
    return neighbour("engines_page")


def row(engine: str, correct: int, lut4: int, cycles: int, **more: Any) -> dict[str, Any]:
    return {
        "dataset": "digits", "engine": engine, "network": "n", "board": "b", "device": "d", "images": 100,
        "correct": correct, "input_bits": 4, "cycles_per_frame": cycles, "latency_cycles": cycles + 9,
        "estimated_lut4": lut4, "cells": {"lut4": lut4, "ff": 1, "bram": 0}, "cells_source": "synthesis",
        "clock": {"mhz": 50.0, "measured": [50.0, 60.0], "source": "x"}, **more,
    }  # fmt: skip


def table(headings: Any, rows: Any) -> str:
    names = list(headings)
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in [names, ["---"] * len(names), *rows])


def test_marks_lie_where_their_figures_are(page: ModuleType) -> None:
    """Ten times as far is as far again, whatever the unit; higher is better; what was not clocked is hollow."""
    guessed = {"mhz": 5.0, "measured": [], "source": "board"}
    rows = [row("folded", 90, 100, 50), row("spatial", 95, 1_000, 5), row("lookup", 92, 10_000, 5, clock=guessed)]
    marks = [mark for mark in ET.fromstring(page.plot(rows, "digits")).iter(f"{SVG}path") if "d" in mark.attrib]
    marks = [mark for mark in marks if mark.get("class") == "mark"][3:]
    assert [len(mark) for mark in marks] == [1] * 6
    at = [tuple(map(float, re.findall(r"[\d.]+", mark.attrib["d"])[:2])) for mark in marks]
    # Squares begin at their left, triangles at their middle, discs at their left.
    middles = [(x + 5 * (kind != 1), y + 5 * (kind != 2)) for (x, y), kind in zip(at, [0, 1, 2] * 2, strict=True)]
    (a, b, c), (d, e, f) = middles[:3], middles[3:]
    assert c[0] - b[0] == pytest.approx(b[0] - a[0], abs=0.2) and b[1] < c[1] < a[1]
    # 1, 10 and 1 million frames per second.
    assert d[0] == pytest.approx(f[0], abs=0.2) and e[0] > d[0]
    fills = [mark.get("fill") for mark in marks]
    assert [fill == "#fff" for fill in fills] == [False] * 5 + [True]
    # What was not placed has no rate, and no mark of one.
    rows.append(row("spatial", 91, 500, 1, clock={"mhz": None, "measured": [], "source": "x"}))
    assert page.plot(rows, "digits").count('class="mark"') == 3 + 4 + 3
    assert "1,000,000 frames" in (marks[3][0].text or "") and "100 LUT4" in (marks[0][0].text or "")


def test_extremes_of_a_data_set(page: ModuleType) -> None:
    """Of two equally accurate networks the smaller one, and a rate of the clock by the cycles."""
    rows = [
        row("folded", 95, 100, 50, network="a"),
        row("spatial", 97, 900, 1, network="b"),
        row("lookup", 97, 800, 2, network="c"),
    ]
    text = page.engines({"rows": {r["network"]: r for r in rows}, "command": "x", "tools": {}}, table)
    assert "Most accurate: `c`, lookup (97.00 %). Fewest LUT4: `a`, folded (100)." in text
    assert "Most frames per second: `b`, spatial (50.0 million)." in text
    assert (
        "| 3 | `c`, input of 4 bits | lookup | d | 97.00 | 800 | 1 | 0 | 2 | 11 | 50.0 | 25,000,000 | synthesis |"
        in text
    )


def test_it_reads_at_390_pixels_and_in_grey(root: Path, draw: ModuleType) -> None:
    """No smaller text than 12 pixels at that width, nothing outside, and greys that differ."""
    pictures = sorted((root / "docs").glob("study-engines-*.svg"))
    assert len(pictures) == 4
    for path in pictures:
        picture = ET.fromstring(path.read_text())
        _, _, width, height = map(float, picture.attrib["viewBox"].split())
        assert width <= 390 and re.findall(r"font:(\d+)px", path.read_text()) == ["12"]
        for text in picture.iter(f"{SVG}text"):
            size = 6.6 * len(text.text or "")
            left = (
                float(text.attrib["x"])
                - {"start": 0, "middle": size / 2, "end": size}[text.get("text-anchor", "start")]
            )
            assert left >= 0 and left + size <= width and 0 < float(text.attrib["y"]) < height, text.text

    def grey(colour: str) -> float:
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    greys = sorted(grey(colour) for name, (colour, _) in draw.KINDS.items() if name != "elsewhere")
    assert all(b - a > 25 for a, b in itertools.pairwise(greys))


def test_labels_keep_apart(draw: ModuleType) -> None:
    """Two marks beside each other: the first label goes where the second mark is not."""
    (x, y, anchor), second = draw.placed([(100.0, 100.0, "1"), (112.0, 100.0, "2")])
    assert anchor == "end" and x < 100 and y == 104
    assert second[2] == "start" and second[0] > 112


def test_a_clock_is_the_slowest_of_the_same_design_or_the_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = neighbour("study_engines")
    point = engines.Point("mnist", "lookup", "net", "icebreaker")
    board = engines.boards.get("icebreaker")
    entries = {"lookup.json": {"net icebreaker": {"board": "icebreaker", "latency_cycles": 15,
                                                  "top": {"fmax_mhz": {"0": 79.64, "1": 76.3}}}},
               "published.json": {"net": {"board": "icebreaker", "generate": {"latency_cycles": 20},
                                          "build": {"0": {"fmax_mhz": 47.66}, "1": {"fmax_mhz": 47.42}}}}}  # fmt: skip

    class Folder:
        def __truediv__(self, name: str) -> Folder:
            self.name = name
            return self

        def read_text(self) -> str:
            return json.dumps(entries[self.name])

    monkeypatch.setattr(engines, "RESULTS", Folder())
    assert engines.clock_of(point, board, 15) == {
        "mhz": 76.3, "measured": [79.6, 76.3], "source": "benchmarks/results/lookup.json"
    }  # fmt: skip
    # Another latency is another design; another engine has its figures elsewhere.
    assert engines.clock_of(point, board, 16) == {"mhz": 30, "measured": [], "source": "board"}
    folded = engines.Point("mnist", "folded", "net", "icebreaker")
    assert engines.clock_of(folded, board, 20)["measured"] == [47.7, 47.4]
    assert engines.clock_of(folded, engines.boards.get("ulx3s-85f"), 20)["source"] == "board"
    slower = engines.Point("mnist", "folded", "else", "icebreaker", mhz=12.5)
    assert engines.clock_of(slower, board, 20) == {"mhz": 12.5, "measured": [], "source": "board"}
    # Tables that take more than a cycle per frame are built with a link, and not between a store and a counter.
    tables = engines.Point("mnist", "lookup", "net", "icebreaker")
    assert engines.clock_of(tables, board, 20)["measured"] == [47.7, 47.4]


def test_documents_are_those_of_the_results(root: Path, page: ModuleType) -> None:
    result = json.loads((root / "benchmarks" / "results" / "engines.json").read_text())
    assert (root / "docs" / "study-engines.md").read_text() == page.engines(result, table)
    rows = list(result["rows"].values())
    for dataset in page.DATASETS:
        assert {row["engine"] for row in rows if row["dataset"] == dataset} == {"folded", "spatial", "lookup"}
        assert (root / "docs" / f"study-engines-{dataset}.svg").read_text() == page.plot(rows, dataset)
