"""``bnnhw serve`` as a process: its page, its board, its end; and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from bnnhw.boards import Board
from tests.cli.conftest import run
from tests.cli.test_run import BOARD, make_built

pytestmark = pytest.mark.xdist_group("virtual board")


def make_folder(folder: Path, board: Board) -> Path:
    """A built folder with the design that it was made of."""
    built = make_built(folder, board)
    told = run("generate", built / "network.bnn", "-o", built / "design", "-q")
    assert told.exit_code == 0, told.stderr
    return built


def test_a_page_and_a_board(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "built", BOARD)
    main = (sys.executable, "-c", "from bnnhw.cli import main; main()")
    command = [*main, "serve", str(folder), "--virtual", "--random", "4", "--port", "0", "--json", "-q"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        for number in range(4):
            with urllib.request.urlopen(f"{url}frame/test/{number}") as answer:
                frame = json.load(answer)
            assert (frame["board"]["name"], frame["board"]["score"]) == (frame["name"], frame["score"])
            assert (frame["differences"], frame["label"]) == ([], None)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_what_it_refuses(tmp_path: Path, network: Path, refused: Callable[..., str]) -> None:
    assert "must be a folder that `bnnhw generate` wrote" in refused(2, "serve", tmp_path)
    assert refused(2, "serve", network, "--board", "icebreaker") == "--board must come with --serial or --virtual"
    assert "must be a folder that `bnnhw build` wrote" in refused(2, "serve", network, "--virtual")
    assert "is not in the range" in refused(2, "serve", network, "--port", "65536")
