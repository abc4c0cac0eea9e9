"""The report in Chromium: right on a desk and on a phone, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bnnhw.flow.fold import as_board, fold_json
from bnnhw.flow.pictures import picture_of
from bnnhw.flow.show import describe
from bnnhw.ir import DataType, InputSpec
from bnnhw.report import render
from tests.browser import OUTSIDE, VIEWS, started, viewed
from tests.report.residual import residual_network
from tests.report.test_report import BUILD, FLOORPLAN, SIMULATE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.xdist_group("live page")

LONG = "a-class-with-a-name-that-no-card-of-a-phone-has-room-for"


def everything() -> dict[str, dict[str, Any]]:
    folded = residual_network().folded()
    spec = InputSpec((3, 8, 8), DataType("uint", 8))
    codes = np.random.default_rng(1).integers(0, 256, 192, np.uint8)
    rows = [{"name": name, "images": 20, "correct": 15, "given": 20} for name in ("a", LONG, "c")]
    simulate = SIMULATE | {
        "classes": rows,
        "confusion": [[15, 5, 0], [0, 15, 5], [5, 0, 15]],
        "worst": [
            {"frame": n, "label": LONG, "given": "c", "short": 5, "picture": picture_of(spec, codes)} for n in range(12)
        ],
        "frame": [
            {"unit": f"layer{n}_with_a_long_name_window_width", "kind": "mvu", "layer": "x", "words": 30}
            | {"moved": [[9 * n, 2, 30]], "waited": [[9 * n + 1, 2, 10]]}
            for n in range(12)
        ],
    }
    return {
        "network": describe(folded.network),
        "fold": fold_json(folded, as_board("ulx3s-12f")),
        "simulate": simulate,
        "build": BUILD,
        "floorplan": FLOORPLAN,
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(everything()), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("view", VIEWS)
def test_it_stays_in_its_cards(browser: Browser, address: str, view: str) -> None:
    with viewed(browser, address, view) as page:
        assert page.evaluate(OUTSIDE) == []
        # Text is told from the card that it is on.
        shades = page.evaluate(
            """() => [...document.querySelectorAll("section h2, .tile b, td, figcaption, .label")].map(part => {
              const of = (element, what) => getComputedStyle(element)[what].match(/[\\d.]+/g).slice(0, 3).map(Number);
              const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
              const light = (rgb) => rgb.map(v => linear(v / 255))
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const [a, b] = [of(part, "color"), of(part.closest("section, .tile"), "backgroundColor")].map(light);
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            })"""
        )
        # WCAG 2, AA: https://www.w3.org/TR/WCAG21/#contrast-minimum
        assert min(shades) >= 4.5


def test_a_frame_is_stepped_through(browser: Browser, address: str) -> None:
    with viewed(browser, address, "phone") as page:
        # The last stream's last word: 9 * 11 + 2 * 29.
        assert page.inner_text("#cycle-text") == "cycle 157 of 157"
        assert page.inner_text("#now") == "now: layer11_with_a_long_name_window_width"
        page.click("#step-back")
        assert page.inner_text("#cycle-text") == "cycle 156 of 157"
        assert page.inner_text("#now") == ""
        page.locator("#cycle").fill("0")
        assert page.inner_text("#now") == "now: layer0_with_a_long_name_window_width"
        page.click("#play")
        page.wait_for_selector("#play >> text=Pause")
        page.click("#play")
        assert page.inner_text("#play") == "Play"
