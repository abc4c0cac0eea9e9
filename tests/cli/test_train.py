from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import heard, run

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


# Trains until the second epoch is reported, says so, and waits for a signal there.
WAITING = """
import os, time
from pathlib import Path
from bnnhw.cli import main
from bnnhw.training import train as module
from tests.cli.conftest import heard

real = module.train

def train(*args, progress, **options):
    def report(epoch, loss, accuracy):
        progress(epoch, loss, accuracy)
        if epoch == 2:
            Path(os.environ["SIGN"]).touch()
            time.sleep(60)
    return real(*args, progress=report, **options)

module.train = train
main()
"""


def test_a_signal_leaves_what_goes_on(tmp_path: Path) -> None:
    """No model, no temporary file, PyTorch's own included; the run's folder, from which the same command goes on."""
    number = signal.SIGTERM
    sign, work, temporary = tmp_path / "sign", tmp_path / "work", tmp_path / "temporary"
    for folder in (work, temporary):
        folder.mkdir()
    arguments = ["train", "digits", "--epochs", "3", "--device", "cpu", "-q", "--json", "-o", str(work / "m.onnx")]
    arguments += ["--run", str(work / "kept")]
    with heard(number):
        process = subprocess.Popen(
            [sys.executable, "-c", WAITING, *arguments],
            env={**os.environ, "TMPDIR": str(temporary), "SIGN": str(sign)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    while not sign.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + number, f"bnnhw: ended by {number.name}\n")
    assert json.loads(out) == {"error": f"ended by {number.name}", "exit": 128 + number}
    left = sorted(path.relative_to(work).as_posix() for path in work.rglob("*"))
    # A checkpoint is written from time to time.
    left = [name for name in left if name != "kept/checkpoint.pt"]
    assert left == ["kept", "kept/.bnnhw.json", "kept/metrics.csv"]
    assert list(temporary.iterdir()) == []
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert [row[0] for row in columns(work / "kept")] == ["1", "2", "3"] and (work / "m.onnx").is_file()
