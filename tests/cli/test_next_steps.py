"""What a verb says is to be done next: commands that can be copied."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bnnhw.boards import BOARDS, get
from bnnhw.cli.next_steps import after_build, command

FRAMES = ("--dataset", "digits")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program in a folder that is not on PATH."""
    program = tmp_path / ".venv" / "bin" / "bnnhw"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_the_program_is_named_as_it_was_called(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word, said in (
        (".venv/bin/bnnhw", ".venv/bin/bnnhw"),
        (str(called), ".venv/bin/bnnhw"),
        ("/elsewhere/bnnhw", "/elsewhere/bnnhw"),
        ("pytest", "bnnhw"),
    ):
        monkeypatch.setattr(sys, "argv", [word])
        assert command("run", Path("a folder")) == f"{said} run 'a folder'"
    monkeypatch.setattr(sys, "argv", [str(called)])
    monkeypatch.setenv("PATH", str(called.parent))
    assert command("run") == "bnnhw run"


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_says_how_it_is_loaded_and_driven(name: str) -> None:
    board = get(name)
    steps = after_build(Path("b"), board, name, FRAMES)
    assert steps["program"] == ("bnnhw program b" if board.programmers else board.note)
    assert steps["run"] == "bnnhw run b --port PORT --dataset digits"
    virtual = steps.get("without a board")
    assert virtual == (None if board.family.board_models is None else "bnnhw run b --virtual --dataset digits")


def test_a_board_of_ones_own_is_asked_for_by_its_file() -> None:
    mine = replace(get("icebreaker"), name="mine")
    assert after_build(Path("b"), mine, "my board.py:mine", FRAMES) == {
        "program": "bnnhw program b --board 'my board.py:mine'",
        "run": "bnnhw run b --board 'my board.py:mine' --port PORT --dataset digits",
        "without a board": "bnnhw run b --board 'my board.py:mine' --virtual --dataset digits",
    }
