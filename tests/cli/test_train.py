from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import run

QUICK = ("train", "digits", "--epochs", "2", "--device", "cpu", "-q", "--json")


def columns(folder: Path) -> list[list[str]]:
    """The rows of a run's metrics without their times."""
    rows = csv.DictReader((folder / "metrics.csv").read_text().splitlines())
    return [[value for name, value in row.items() if name != "wall_s"] for row in rows]


def test_a_run_is_kept_and_taken_up_again(tmp_path: Path) -> None:
    first, second, folder = tmp_path / "a.onnx", tmp_path / "b.onnx", tmp_path / "runs" / "quick"
    result = run(*QUICK, "--run", folder, "-o", first)
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["epochs"] == answer["best_epoch"] == 2
    assert answer["model"] == str(first)
    files = ["checkpoint.pt", "metrics.csv", "result.json"]
    assert sorted(path.name for path in folder.iterdir()) == [".bnnhw.json", *files]
    assert sorted(json.loads((folder / ".bnnhw.json").read_text())["files"]) == files
    assert json.loads((folder / "result.json").read_text())["accuracy"] == answer["accuracy"]
    before = columns(folder)
    assert [row[0] for row in before] == ["1", "2"]

    checkpoint = (folder / "checkpoint.pt").read_bytes()
    again = run(*QUICK, "--run", folder, "-o", second)
    assert json.loads(again.stdout)["accuracy"] == answer["accuracy"]
    # It was over: nothing is trained, the model is written from the checkpoint.
    assert (folder / "checkpoint.pt").read_bytes() == checkpoint
    assert columns(folder) == before
    assert first.read_bytes() == second.read_bytes()


def test_another_run_in_the_folder_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = tmp_path / "run"
    first = run("train", "digits", "--epochs", "1", "--device", "cpu", "--run", folder, "-o", tmp_path / "a.onnx")
    assert first.exit_code == 0
    assert refused(2, *QUICK[:-2], "--run", folder, "-o", tmp_path / "b.onnx") == (
        f"{folder / 'checkpoint.pt'}: its epochs must be '2', not '1'; give another folder, or remove it to start anew"
    )


def test_a_run_folder_that_is_a_file(tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    message = refused(2, *QUICK[:-2], "--run", folder, "-o", tmp_path / "a.onnx")
    assert message == f"{folder}: must be a folder, and is a file"


@pytest.mark.parametrize("words", ["--run DIR", "bnnhw train mnist-sfc --data DIR --run runs/sfc -o sfc.onnx"])
def test_help_shows_it(words: str) -> None:
    assert words in run("train", "--help").stdout
