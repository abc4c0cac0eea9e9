"""The gallery: its list is whole, and its pages say what was measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bnnhw.boards import BOARDS
from bnnhw.datasets import KNOWN
from bnnhw.training.recipes import find_recipe
from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_virtual_page import table
from tests.browser import OUTSIDE, VIEWS, started, viewed
from tests.report.test_report import FOLD, NETWORK

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.xdist_group("live page")

networks, measure, page = (neighbour(name) for name in ("gallery_networks", "measure_gallery", "gallery_page"))
index = neighbour("gallery_index").index
NAMES = [shown.name for shown in networks.NETWORKS]

USED = {"lut4": (2112, 5280), "cells": (3000, 5280), "bram": (30, 30), "spram": (0, 0)}
ENTRY: dict[str, Any] = {
    "what": "handwritten <b> digits", "recipe": "digits", "dataset": "digits", "board": "icebreaker",
    "device": "iCE40UP5K", "commands": ["bnnhw train digits -o digits.onnx", "bnnhw report ."], "images": 359,
    "accuracy": 0.975, "frames": 300, "mismatches": 0, "cycles_per_frame": 512, "latency_cycles": 601,
    "latency_us": 20.04, "used": {name: {"used": used, "available": of} for name, (used, of) in USED.items()},
    "fmax_mhz": 45.26, "clock_mhz": 30.0, "timing_met": True, "fps": 58593.75, "link_fps": 2439.0, "build_s": 9.0,
    "network": NETWORK, "fold": FOLD,
}  # fmt: skip
LONG = "a-network-with-a-name-that-no-card-of-a-phone-has-room-for"
RESULTS = {
    "digits": ENTRY,
    LONG: ENTRY | {"recipe": "", "mismatches": 2, "timing_met": False, "fps": 30e6, "commands": ["bnnhw " + 90 * "x"]},
}


def test_the_list_is_whole(root: Path) -> None:
    """Names are there once; recipes, boards, data sets and files are known; published networks say what to give."""
    assert len(NAMES) == len(set(NAMES)) >= 8
    for shown in networks.NETWORKS:
        assert shown.board in BOARDS and shown.dataset in KNOWN
        if shown.recipe:
            assert find_recipe(shown.recipe).dataset == shown.dataset
        if shown.model.startswith("models/"):
            assert (root / shown.model).is_file()
        else:
            assert bool(shown.model.startswith(f"{networks.MODELS}/")) != bool(shown.recipe)
        told = [command.verb for command in networks.commands(shown)]
        assert told[-6:] == ["evaluate", "fold", "generate", "simulate", "build", "report"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_said(name: str, tmp_path: Path) -> None:
    shown = next(shown for shown in networks.NETWORKS if shown.name == name)
    why = measure.missing(shown, tmp_path / "models", tmp_path / "data")
    published = shown.model.startswith(networks.MODELS)
    assert why.endswith(": --models DIR" if published else ": --data DIR" if networks.needs_data(shown) else "")
    assert bool(why) == (published or networks.needs_data(shown))


def test_commands_anywhere(root: Path, tmp_path: Path) -> None:
    shown = next(shown for shown in networks.NETWORKS if shown.name == "tfc-w1a1")
    first, second, *_ = networks.commands(shown)
    assert str(first) == "bnnhw import MODELS/tfc-w1a1/TFC_1W1A.onnx --input-scale 1/255 -o tfc-w1a1.bnn"
    assert first.real(tmp_path, root)[1] == str(tmp_path / "tfc-w1a1" / "TFC_1W1A.onnx")
    assert str(second) == "bnnhw evaluate tfc-w1a1.bnn --dataset mnist --data DIR --json > evaluate.json"
    assert second.real(tmp_path, root)[-1] == str(root)
    own = networks.Command(("import", "models/digits.onnx"))
    assert own.real(tmp_path, root) == ("import", str(root / "models" / "digits.onnx"))


def test_a_network_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until something that it depends on changes, or its report is gone."""
    ran: list[str] = []

    def measured(shown: Any, folder: Path, *_: object) -> dict[str, Any]:
        ran.append(shown.name)
        for name in ("report.html", "evaluate.json"):
            (folder / name).write_text(shown.what)
        return {"what": shown.what}

    monkeypatch.setattr(measure, "measure", measured)
    shown = networks.NETWORKS[0]
    given = (tmp_path, tmp_path, tmp_path, lambda verb: None)
    assert [measure.made(shown, *given) for _ in range(2)] == [
        ({"what": shown.what}, True),
        ({"what": shown.what}, False),
    ]
    (tmp_path / shown.name / "report.html").unlink()
    assert measure.made(shown, *given)[1]
    monkeypatch.setattr(measure, "package_digest", lambda: "another")
    assert measure.made(shown, *given)[1]
    assert ran == 3 * [shown.name]


def test_page() -> None:
    text = page.gallery(RESULTS, table)
    assert "600 frames, 2 mismatches" in text
    assert (
        "| [digits](#digits) | digits | 97.50 % of 359 | icebreaker | 512 | 601 cycles, 20 us | 58,594 | 2,439 |"
        in text
    )
    assert "| digits | 2,112 | 3,000 of 5,280 | 30 of 30 | 0 of 0 | 30 | 45.3 | 300 | 0 |" in text
    assert "45.3, missed | 300 | 2 |" in text
    assert "```sh\nbnnhw train digits -o digits.onnx\nbnnhw report .\n```" in text
    assert "; recipe `digits`; icebreaker (iCE40UP5K)." in text and "; trained by others; " in text


def test_the_document_is_that_of_the_results(root: Path) -> None:
    """All networks of the list, without a mismatch, by the commands of today; pictures small enough to keep."""
    document = neighbour("document")
    results = json.loads((root / "benchmarks" / "results" / "gallery.json").read_text())
    assert list(results) == NAMES
    assert page.gallery(results, document.table) + "\n" == (root / "docs" / "gallery.md").read_text()
    for shown in networks.NETWORKS:
        entry = results[shown.name]
        assert entry["mismatches"] == 0 and entry["timing_met"]
        assert entry["commands"] == [str(command) for command in networks.commands(shown)]
        drawn = (root / "docs" / "gallery" / f"{shown.name}.svg").read_text()
        assert drawn == page.drawn(entry) and len(drawn) < 20_000
        assert re.search(r'"https?://(?!www\.w3\.org/2000/svg)', drawn) is None
    assert {path.stem for path in (root / "docs" / "gallery").iterdir()} == set(NAMES)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("gallery") / "index.html"
    path.write_text(index(RESULTS, {"digits": f'name = "digits" # {200 * "long "}'}), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("view", VIEWS)
def test_cards(browser: Browser, address: str, view: str) -> None:
    with viewed(browser, address, view) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert shown.evaluate(OUTSIDE) == []
        assert shown.inner_text(f"[id='{LONG}'] .bad >> nth=0") == "2"
        assert shown.inner_text("#digits .note") == "handwritten <b> digits; data set digits, device iCE40UP5K"
        links = shown.evaluate("[...document.querySelectorAll('a')].map(link => link.getAttribute('href'))")
        assert links == ["#digits", f"#{LONG}", "digits/report.html", f"{LONG}/report.html"]
        assert shown.locator("details").count() == 3
        # A chip without SPRAM has no bar for it.
        assert shown.locator("#digits .chart .label").all_inner_texts() == ["logic cells", "LUT4", "block RAM"]
