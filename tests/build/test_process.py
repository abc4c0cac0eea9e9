"""Tools that are run: what they say, and how they end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bnnhw.build.process import SilentError, run_logged
from bnnhw.tools import Tool

SAYS = "import sys, time\nfor text, s in {words}:\n    print(text, flush=True)\n    time.sleep(s)\nsys.exit(3)"


def run(folder: Path, words: list[tuple[str, float]], limits: dict[str, float | None]) -> tuple[int, list[str]]:
    """A tool that says each word and waits, where it may be silent for so long after each."""
    told: list[str] = []

    def line(text: str) -> float | None:
        told.append(text)
        return limits.get(text)

    tool = Tool("python", True, None, Path(sys.executable), "", "", {}, (sys.executable,))
    return run_logged(tool, ["-c", SAYS.format(words=words)], folder, folder / "log", line), told


def test_every_line_is_told_and_kept(tmp_path: Path) -> None:
    assert run(tmp_path, [("a", 0), ("b", 0)], {}) == (3, ["a", "b"])
    assert (tmp_path / "log").read_text() == "a\nb\n"


def test_silence_that_is_allowed(tmp_path: Path) -> None:
    """A limit holds up to the next line."""
    assert run(tmp_path, [("a", 0), ("b", 0.5)], {"a": 30.0}) == (3, ["a", "b"])


def test_silence_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(SilentError, match="python was silent"):
        run(tmp_path, [("a", 0), ("b", 600)], {"b": 0.2})
    assert (tmp_path / "log").read_text() == "a\nb\n"
