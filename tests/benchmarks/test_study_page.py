"""The study's front, its table and its picture, and whether docs/ has what the JSON says."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.benchmarks.neighbours import neighbour


@pytest.fixture(scope="module")
def study() -> ModuleType:
    return neighbour("study_page")


def row(accuracy: float, lut4: int, bram: int = 0, **more: Any) -> dict[str, Any]:
    costs = {"lut4": lut4, "bram": bram, "estimated_lut4": lut4}
    return {
        "dataset": "digits", "axis": "width", "widths": [lut4], "input_bits": 4, "activation_bits": 1, "fan_in": None,
        "accuracy": accuracy, "weight_bits": 9, "cycles_per_frame": 256, "fits": True, "seed": 0, "epochs": 200,
        "recipe_epochs": 200, "logic": costs, "chosen": costs, **more,
    }  # fmt: skip


def test_front(study: ModuleType) -> None:
    a, b, c, d, e = row(90, 100), row(95, 300), row(94, 310), row(95, 400), row(80, 100)
    found = study.front([d, c, b, a, e], lambda r: (r["logic"]["lut4"],))
    assert found == [b, a]
    # A second cost saves what is worse in the first.
    f = row(95, 400, bram=-1)
    both = study.front([a, b, d, f], lambda r: (r["logic"]["lut4"], r["logic"]["bram"]))
    assert both == [a, b, f]
    # Equals stand side by side.
    assert study.front([a, row(90, 100)], lambda r: (r["logic"]["lut4"],)) == [a, row(90, 100)]


@pytest.mark.parametrize(
    "more, text",
    [
        ({"widths": [96, 64]}, "96-64; 4, 1 bits"),
        ({"widths": [], "input_bits": 1}, "no hidden layer; 1 bit"),
        ({"widths": [8], "input_bits": 1}, "8; 1, 1 bit"),
        ({"widths": [8], "activation_bits": 2, "fan_in": 4}, "8; 4, 2 bits; fan-in 4"),
    ],
)
def test_label(study: ModuleType, more: dict[str, Any], text: str) -> None:
    assert study.label(row(90, 1, **more)) == text


def test_every_network_is_a_point_of_both_diagrams(study: ModuleType) -> None:
    rows = [row(90, 100), row(95, 300), row(94, 310, axis="fan-in")]
    picture = ET.fromstring(study.plot(rows, "digits"))
    points = [e for e in picture.iter("{http://www.w3.org/2000/svg}circle") if len(e)]
    assert len(points) == 2 * len(rows)
    for first, second in zip(points[:3], points[1:3], strict=False):
        assert float(first.attrib["cx"]) < float(second.attrib["cx"])
    assert [e.attrib["fill"] for e in points[:3]] == [study.AXES[r["axis"]] for r in rows]


def test_documents_are_those_of_the_results(root: Path, study: ModuleType) -> None:
    path = root / "benchmarks" / "results" / "study.json"
    result = json.loads(path.read_text())
    page = (root / "docs" / "study.md").read_text()

    def table(headings: Any, rows: Any) -> str:
        return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in [headings, ["---"] * len(headings), *rows])

    assert page == study.page(result, table)
    for dataset in {r["dataset"] for r in result["rows"]}:
        rows = [r for r in result["rows"] if r["dataset"] == dataset and r["fits"]]
        assert (root / "docs" / f"study-{dataset}.svg").read_text() == study.plot(rows, dataset)
