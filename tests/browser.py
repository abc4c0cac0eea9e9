"""Chromium, in which tests look at pages; they say why they do not where it is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["OUTSIDE", "VIEWS", "started", "viewed"]

_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip

VIEWS = {
    "desk": (1280, "light"),
    "phone": (390, "dark"),
    "desk at night": (1280, "dark"),
    "phone by day": (390, "light"),
}
"""Widths in pixels, and colour schemes."""

OUTSIDE = """() => [...document.querySelectorAll("section *, .tile *")].filter(part => {
  const scroll = part.parentElement.closest(".scroll, svg, pre");
  const card = part.closest("section, .tile");
  if ((scroll && card.contains(scroll)) || !part.checkVisibility()) return false;
  const [inner, outer] = [part.getBoundingClientRect(), card.getBoundingClientRect()];
  const past = inner.right > outer.right + 0.5 || inner.bottom > outer.bottom + 0.5;
  return inner.width && inner.height && (inner.left < outer.left || past);
}).map(part => part.outerHTML.slice(0, 100))"""
"""JavaScript: what reaches out of the card that it is in."""


@contextmanager
def started() -> Iterator[Browser]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("chromium is missing (Debian: apt install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


@contextmanager
def viewed(browser: Browser, url: str, view: str) -> Iterator[Page]:
    """A page at one of :data:`VIEWS`; nothing may fail in it, or be fetched from elsewhere, or reach past its width."""
    width, scheme = VIEWS[view]
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    # A machine that is busy is no failure.
    page.set_default_timeout(120_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else wrong.append(asked.url))
    page.goto(url)
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
    assert wrong == []
