"""The README's first screen, as a new user follows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bnnhw import boards
from bnnhw.folding import solve
from tests.cli.conftest import run
from tests.needs import SIMULATION, needs, needs_build
from tests.readme import DATA, commands, smaller, table

pytestmark = pytest.mark.xdist_group("virtual board")


def test_from_a_table_to_classes(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five commands, each of which says what the next one is."""
    pytest.importorskip("torch")
    needs(*SIMULATION)
    needs_build(boards.get("icebreaker").family)
    # A folding that is placed and routed in seconds.
    monkeypatch.setattr(solve, "MODEST_CELLS", 1300)
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "leaves.csv")
    said = ""
    for words in commands(root):
        words = [word.replace(DATA, "leaves.csv") for word in words]
        if following := re.search(r"^next: bnnhw (.*)$", said, re.MULTILINE):
            assert following[1].replace("BOARD", "icebreaker") == " ".join(words)
        told = run(*words)
        assert told.exit_code == 0, told.stderr
        said = told.stdout
        if words[0] == "new":
            smaller(tmp_path / "leaves.toml")
        if words[0] == "build":
            assert "  without a board  bnnhw run bitstream --virtual --input FILE\n" in said
    assert re.findall(r"^ +\d+  (\w+)  \(score -?\d+\)$", said, re.MULTILINE)[:3] != []
    assert set(re.findall(r"\d  (\w+)  \(", said)) <= {"oak", "elm", "ash"}
    assert "18 frames, 0 differences from the reference\n" in said
    # One sample of which the class is not known, by its numbers alone.
    Path("one.csv").write_text("3.9,10.2\n")
    found = run("run", "bitstream", "--virtual", "--input", "one.csv", "--json")
    assert json.loads(found.stdout)["results"][0]["name"] in ("oak", "elm", "ash")
