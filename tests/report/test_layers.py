"""What a page says of each layer and class: the roofline, the units, the confusion matrix; by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bnnhw import boards
from bnnhw.flow.chip import chip_json
from bnnhw.report import collect, render
from bnnhw.report.collect import SECTIONS
from bnnhw.report.confusion import confusion
from bnnhw.report.roofline import WIDTH, loads, roofline
from bnnhw.report.units import unit_rows
from bnnhw.rtl.popcount_plan import plan

NETWORK = {
    "layers": [
        {"name": "first", "kind": "dense", "inputs": 64, "outputs": 128, "macs": 8192, "weight_bits": 1,
         "input_bits": 4, "residual": None, "branch": None},
        {"name": "pool", "kind": "max_pool", "inputs": 128, "outputs": 32, "macs": 0, "weight_bits": 0,
         "input_bits": 1, "residual": None, "branch": None},
        {"name": "second", "kind": "dense", "inputs": 32, "outputs": 10, "macs": 320, "weight_bits": 2,
         "input_bits": 1, "residual": None, "branch": None},
        {"name": "out", "kind": "output", "inputs": 10, "outputs": 10, "macs": 0, "weight_bits": 0,
         "input_bits": None, "residual": None, "branch": None},
    ]
}  # fmt: skip
FOLD: dict[str, Any] = {
    "board": "icebreaker",
    "cycles_per_frame": 512,
    "layers": [
        {"name": "first", "pe": 4, "simd": 4, "memory": "block", "planes": "parallel", "cycles": 512},
        {"name": "second", "pe": 10, "simd": 32, "memory": "lut", "planes": "parallel", "cycles": 4},
    ],
    "units": [
        {"name": "first", "unit": "width", "cycles": 64, "node": "layer0_first_width",
         "estimate": {"lut4": 20, "ff": 30, "bram": 0}},
        {"name": "first", "unit": "mvu", "cycles": 512, "node": "layer0_first",
         "estimate": {"lut4": 400, "ff": 300, "bram": 8}},
        {"name": "second", "unit": "mvu", "cycles": 4, "node": "layer2_second",
         "estimate": {"lut4": 900, "ff": 700, "bram": 0}},
    ],
    "estimate": {"lut4": 2000, "ff": 1500, "bram": 9, "spram": 0},
    "chip": {"lut4": 5280, "block_rams": 30, "xnors_per_cycle": 2048, "weight_bits_per_cycle": 256},
}  # fmt: skip
FLOORPLAN: dict[str, Any] = {
    "width": 4, "height": 4, "units": [], "critical_path": None,
    "resources": {
        "layer0_first": {"lut4": 380, "ff": 310, "bram": 8},
        "layer2_second": {"lut4": 850, "ff": 650, "bram": 0},
        "link": {"lut4": 500, "ff": 400, "bram": 1},
    },
}  # fmt: skip


def page(folder: Path, **sections: dict[str, Any]) -> str:
    for name, section in sections.items():
        (folder / SECTIONS[name]).write_text(json.dumps(section))
    return render(collect(folder))


def test_what_layers_ask_of_the_chip() -> None:
    first, second = loads(NETWORK, FOLD)
    # Each weight bit meets the four bits of an input element; 8,192 of them are read in 512 cycles.
    assert (first.peak, first.average, first.intensity, first.bits) == (64.0, 64.0, 4.0, 16.0)
    # Two weight bits per synapse, in logic: none is read; busy in 4 cycles of 512.
    assert (second.peak, second.average, second.intensity, second.bits) == (160.0, 1.25, None, 0.0)
    serial = FOLD | {"layers": [FOLD["layers"][0] | {"planes": "serial"}]}
    (one,) = loads(NETWORK, serial)
    assert (one.peak, one.intensity, one.bits) == (64.0, 1.0, 64.0)
    # Four vectors share what is read.
    (one,) = loads(NETWORK, FOLD | {"layers": [FOLD["layers"][0] | {"vectors": 4}]})
    assert (one.peak, one.intensity, one.bits) == (64.0, 16.0, 4.0)


def test_a_roof_of_two_ceilings() -> None:
    found = roofline(NETWORK, FOLD)
    assert found is not None
    # 1 to 16 XNORs per bit, 1 to 10,000 per cycle; the slope meets the level at 2048 / 256 = 8.
    assert [tick.text for tick in found.across] == ["1", "2", "4", "8", "16"]
    assert [tick.text for tick in found.up] == ["1", "10", "100", "1k", "10k"]
    eight = found.across[3].at
    slope, level = found.roof.removeprefix("M").split("L")
    assert level.startswith(f"{eight} ") and level.endswith(f"H{found.right}")
    assert slope.startswith(f"{found.across[0].at} ") and found.left + 8 < found.across[0].at < found.across[1].at
    first, second = found.dots
    assert first.x == found.across[2].at and second.x > found.right
    assert first.y == first.foot and second.y < second.foot <= found.bottom
    assert [(row[0], row[2], row[3]) for row in found.rows] == [(1, 64 / 2048, 16 / 256), (2, 160 / 2048, None)]


@pytest.mark.parametrize("without", ["chip", "layers"])
def test_no_roof_without_a_chip_or_a_folding(without: str, tmp_path: Path) -> None:
    fold = {key: value for key, value in FOLD.items() if key != without}
    assert roofline(NETWORK, fold) is None and roofline({}, FOLD) is None
    assert "Roofline" not in page(tmp_path, network=NETWORK, fold=fold)


def test_a_chip_without_block_ram() -> None:
    bare = FOLD | {"chip": FOLD["chip"] | {"weight_bits_per_cycle": 0, "block_rams": 0}}
    lut = [layer | {"memory": "lut"} for layer in FOLD["layers"]]
    found = roofline(NETWORK, bare | {"layers": lut})
    assert found is not None and "L" not in found.roof
    assert all(row[3] is None and dot.x > found.right for row, dot in zip(found.rows, found.dots, strict=True))


def test_dots_at_one_place_are_drawn_side_by_side() -> None:
    names = [f"l{number}" for number in range(40)]
    network = {"layers": [NETWORK["layers"][0] | {"name": name} for name in names]}
    found = roofline(network, FOLD | {"layers": [FOLD["layers"][0] | {"name": name} for name in names]})
    assert found is not None
    assert len({dot.x for dot in found.dots}) > 5
    assert all(found.left <= dot.x < found.right for dot in found.dots)
    lut = [FOLD["layers"][0] | {"name": name, "memory": "lut"} for name in names]
    found = roofline(network, FOLD | {"layers": lut})
    assert found is not None
    assert all(found.right < dot.x <= WIDTH - 8 for dot in found.dots)


def test_ceilings_of_a_board() -> None:
    board = boards.get("icebreaker")
    lanes = plan(64, board.family.technology).luts
    assert chip_json(board) == {
        "lut4": 5280, "block_rams": 30, "xnors_per_cycle": 64 * 5280 // lanes, "weight_bits_per_cycle": 30 * 16,
    }  # fmt: skip


def test_units_estimated_and_real() -> None:
    rows = unit_rows(FOLD, FLOORPLAN)
    assert [(row.name, row.what, row.cycles, row.slowest) for row in rows] == [
        ("first", "width", 64, False), ("first", "mvu, 4 × 4, block", 512, True),
        ("second", "mvu, 10 × 32, lut", 4, False), ("link", "", None, False), ("all, with the link", "", 512, False),
    ]  # fmt: skip
    # Of the width converter synthesis left nothing under its name.
    assert [row.lut4 for row in rows] == [(20, 0), (400, 380), (900, 850), (None, 500), (2000, 1730)]
    assert [(row.bram, row.ff) for row in rows][1:] == [((8, 8), 310), ((0, 0), 650), ((None, 1), 400), ((9, 9), 1360)]
    assert [row.lut4 for row in unit_rows(FOLD, {})] == [(20, None), (400, None), (900, None), (2000, None)]
    shared = FOLD | {"layers": [layer | {"vectors": 2} for layer in FOLD["layers"]]}
    assert [row.what for row in unit_rows(shared, {})][1:3] == [
        "mvu, 4 × 4 × 2 vectors, block",
        "mvu, 10 × 32 × 2 vectors, lut",
    ]
    block = FOLD | {"layers": [layer | {"thresholds": "block"} for layer in FOLD["layers"]]}
    assert unit_rows(block, {})[1].what == "mvu, 4 × 4, block, thresholds in block"
    earlier = FOLD | {"units": [{"name": "first", "unit": "mvu", "cycles": 512}]}
    assert unit_rows(earlier, FLOORPLAN) == () == unit_rows({}, {})


def test_page_of_a_folding_and_of_its_build(tmp_path: Path) -> None:
    text = page(tmp_path, network=NETWORK, fold=FOLD)
    assert "<h2>Units: estimated</h2>" in text and "<th>real</th>" not in text
    assert "2,048 XNORs per cycle" in text and "256 weight bits per cycle" in text
    text = page(tmp_path, network=NETWORK, fold=FOLD, floorplan=FLOORPLAN)
    assert "<h2>Units: estimated, and as synthesized</h2>" in text and text.count("<th>real</th>") == 2


MATRIX = [[8, 2, 0], [0, 10, 0], [3, 0, 7]]
CLASSES = [{"name": name, "images": 10, "correct": 8, "given": 11} for name in ("cat", "dog", "a <b> bird")]


def test_confusion() -> None:
    found = confusion({"confusion": MATRIX, "classes": CLASSES})
    assert found is not None
    assert [name for name, _ in found.rows] == ["0 cat", "1 dog", "2 a <b> bird"] and found.heads == ("0", "1", "2")
    assert [cell.share for cell in found.rows[2][1]] == [30.0, 0.0, 70.0]
    assert [cell.right for cell in found.rows[1][1]] == [False, True, False]
    assert found.pairs == ((3, "a <b> bird", "cat"), (2, "cat", "dog")) and found.numbered
    short = confusion({"confusion": MATRIX, "classes": [{"name": name} for name in "abc"]})
    assert short is not None and short.heads == ("a", "b", "c") and short.rows[0][0] == "a"
    # A label behind the last class has a row without a name; a class without frames no share.
    found = confusion({"confusion": [[0, 0], [1, 0]], "classes": [{"name": "0"}]})
    assert found is not None and [name for name, _ in found.rows] == ["0", "1"] and found.rows[0][1][0].share == 0
    assert confusion({}) is None and confusion({"confusion": None}) is None
    large = [[0] * 17 for _ in range(17)]
    found = confusion({"confusion": large, "classes": []})
    assert found is not None and not found.numbered and found.pairs == ()
    assert confusion({"confusion": [[0] * 41 for _ in range(41)]}) is None


def test_page_of_an_evaluation_alone(tmp_path: Path) -> None:
    text = page(tmp_path, evaluate={"accuracy": 0.83, "confusion": MATRIX, "classes": CLASSES})
    assert "a &lt;b&gt; bird taken for cat (3), cat taken for dog (2)." in text
    assert 'class="hit" style="--share: 80.0%"' in text and 'class="miss" style="--share: 30.0%"' in text
    assert "<h2>Confusion" not in page(tmp_path, evaluate={"accuracy": None, "confusion": None, "classes": []})
