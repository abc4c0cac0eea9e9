"""The page in Chromium, as a person uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bnnhw.serve.app import Page as Served
from tests.browser import OUTSIDE, started, viewed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("live page")

THREE = ((70, 60), (110, 40), (160, 40), (195, 65), (195, 100), (160, 130), (125, 135), (165, 140), (200, 170),
         (200, 215), (165, 242), (110, 242), (70, 222))  # fmt: skip
"""A 3 on a board of 280 x 280."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(params=["desk", "phone"])
def view(browser: Browser, page: Served, request: pytest.FixtureRequest) -> Iterator[Page]:
    with viewed(browser, page.url, request.param) as opened:
        yield opened


def draw(view: Page, points: tuple[tuple[int, int], ...]) -> None:
    box = view.locator("#board").bounding_box()
    assert box is not None
    scale = box["width"] / 280
    (x, y), *others = points
    view.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
    view.mouse.down()
    for x, y in others:
        view.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=4)
    view.mouse.up()
    # What is drawn is asked about a moment after the pen rests, and when it paused on the way.
    view.wait_for_selector("body[data-class]:not([data-busy]):not(:has(#board[data-due]))")


def bright(view: Page, number: int) -> int:
    """Pixels of a picture that have the colour of the greatest number."""
    return (
        view.locator("#pictures canvas")
        .nth(number)
        .evaluate(
            """canvas => {
          const [r, g, b] = rgb("--accent");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          let count = 0;
          for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
          return count;
        }"""
        )
    )


def test_a_three_is_a_three(view: Page) -> None:
    draw(view, THREE)
    assert view.inner_text("#class") == "3"
    assert "All words of 3 layers as the reference." in view.inner_text("#verdict")
    captions = view.locator("#pictures figcaption").all_inner_texts()
    assert [caption.split()[0] for caption in captions] == ["input", "dense0", "dense1", "dense2"]
    # Neurons of the first layer that fire, at the end; before its first word none is to be seen.
    firing = bright(view, 1)
    assert 0 < firing < 96
    view.locator("#cycle").fill("0")
    assert view.inner_text("#cycle-text").startswith("cycle 0 of ")
    assert bright(view, 1) == 0
    view.locator("#cycle").fill("40")
    view.click("#step-next")
    assert view.inner_text("#cycle-text").startswith("cycle 41 of ")
    assert 0 < bright(view, 1) < firing
    view.click("#clear")
    draw(view, ((140, 30), (140, 250)))
    view.wait_for_selector('body[data-class="1"]')


def test_frames_and_files(view: Page) -> None:
    view.click("#choose-test")
    view.wait_for_selector("body[data-class]")
    assert view.inner_text("#class").endswith("as labelled")
    view.click("#test-back")
    assert view.input_value("#test-number") == "358"
    view.click("#choose-drop")
    view.set_input_files("#file", {"name": "bad.csv", "mimeType": "text/csv", "buffer": b"1,2,3"})
    view.wait_for_selector("#error:not([hidden])")
    assert view.inner_text("#error") == "bad.csv:1: must have 64 numbers for this network, not 3"


def test_it_stays_in_its_cards(view: Page) -> None:
    draw(view, THREE)
    assert view.evaluate(OUTSIDE) == []
