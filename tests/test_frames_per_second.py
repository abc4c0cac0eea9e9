"""Frames per second of the core never stand alone: beside them stand those that its link carries."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "bnnhw").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

CORE = re.compile(r"\d (?:million )?frames per second(?! simulated| of processor)")
"""A figure in a text."""


def _names(path: Path) -> Iterator[tuple[int, set[str]]]:
    """The keys of each dictionary that a source file writes out, and its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            yield node.lineno, {key.value for key in node.keys if isinstance(key, ast.Constant)}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Texts that a source file fills with figures."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in node.values),
            )


def alone(text: str) -> bool:
    return CORE.search(text) is not None and "link" not in text


def test_what_is_found() -> None:
    assert alone("0 frames per second, latency 5 us") and alone("1.04 million frames per second")
    assert not alone("0 frames per second, 0 over the link") and not alone("0 frames per second of processor time")


def test_in_json() -> None:
    found = [(path, line, names) for path in SOURCES for line, names in _names(path) if "fps" in names]
    assert len(found) >= 6
    assert [f"{path}:{line}" for path, line, names in found if "link_fps" not in names] == []


def test_on_the_console() -> None:
    texts = [(path, line, text) for path in SOURCES for line, text in _lines(path)]
    assert sum("frames per second" in text for _, _, text in texts) >= 3
    assert [f"{path}:{line}: {text}" for path, line, text in texts if alone(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_in_pages(path: Path) -> None:
    """In a paragraph, and in the heads of a table."""
    for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
        assert not alone(paragraph), paragraph
        head = paragraph.strip().partition("\n")[0]
        if head.startswith("|") and "frames/s" in head:
            assert "link" in head, head
