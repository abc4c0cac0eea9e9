"""Verbs that talk to a board, on a virtual one: of a small network, built into a folder without synthesis."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bnnhw
from bnnhw import boards, reference
from bnnhw.boards import Board
from bnnhw.build import synth
from bnnhw.build.design import TOP, design_files, write_design
from bnnhw.files import write_json
from bnnhw.flow.pins import pins_of, with_pins
from bnnhw.ir import archive
from bnnhw.links import board_link
from tests.build.networks import source
from tests.cli.conftest import heard, make_network, run
from tests.sim.virtual import FOLDED, NETWORK

BOARD = boards.get("icebreaker")
LINK = board_link(BOARD)

pytestmark = pytest.mark.xdist_group("virtual board")


def make_built(folder: Path, board: Board) -> Path:
    """What `build` leaves that a host and the virtual board need, without synthesis, place and route."""
    folder.mkdir()
    given = source(FOLDED)
    design = write_design(given, board, folder, link=LINK, clock_mhz=30.0)
    assert design == design_files(given, board, LINK, folder)
    (folder / f"{TOP}.ys").write_text(synth.script([path.name for path in design.sources], TOP, board.family))
    archive.save(NETWORK, folder / "network.bnn")
    report = {"board": board.name, "link": "uart", "baud": LINK.settings["baud"], "identity": given.identity}
    report |= {"protocol_version": LINK.protocol_version}
    write_json(folder / "report.json", {**report, "fps": 1e6, "link_fps": LINK.frames_per_s(given.frame, 30.0)})
    return folder


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return make_built(tmp_path / "bitstream", BOARD)


def change(built: Path, **said: object) -> None:
    path = built / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | said))


def test_run(built: Path) -> None:
    told = run("run", built, "--virtual", "--dataset", "digits", "--count", "12", "--check", "--json")
    assert told.exit_code == 0, told.stderr
    data = json.loads(told.stdout)
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    due = reference.evaluate(NETWORK, NETWORK.input.encode(samples[:12]))
    assert [row["class"] for row in data["results"]] == due.classes.tolist()
    assert [row["score"] for row in data["results"]] == due.scores.max(axis=1).tolist()
    assert [row["name"] for row in data["results"]] == [str(index) for index in due.classes]
    assert (data["frames"], data["differences"], data["resent"]) == (12, 0, 0)
    assert data["correct"] == int((due.classes == labels[:12]).sum())
    assert data["link"] == {"name": "uart", "port": "virtual", "baud": 1_000_000}
    # In simulated time the line is all that counts: 41 bytes of ten bits per frame, and the last answer's.
    assert 0.9 * data["link_fps"] < data["frames_per_s"] < data["link_fps"]
    text = run("run", built, "--virtual", "--random", "2", "--check")
    assert "2 frames, 0 differences from the reference" in text.stdout


def test_differences_are_told(built: Path) -> None:
    """The board has the weights that it was built with."""
    archive.save(make_network(seed=2), built / "network.bnn")
    told = run("run", built, "--virtual", "--random", "5", "--check", "--json")
    assert told.exit_code == 1
    data = json.loads(told.stdout)
    assert data["differences"] > 0
    first = data["details"][0]
    assert data["error"] == (
        f"{data['differences']} of 5 frames differ; the first: frame {first['frame']}: class {first['class']}, score "
        f"{first['score']}, and the reference says class {first['reference_class']}, score {first['reference_score']}"
    )
    unchecked = run("run", built, "--virtual", "--random", "5", "--json")
    assert (unchecked.exit_code, json.loads(unchecked.stdout)["differences"]) == (0, None)


def test_a_board_with_another_design(built: Path, refused: Callable[..., str]) -> None:
    change(built, identity="00c0ffee" + 56 * "0")
    assert re.fullmatch(
        r"the board holds design [0-9a-f]{8} \(32 bytes per frame, 10 classes\), not 00c0ffee \(32, 10\): "
        "program it first",
        refused(1, "run", built, "--virtual", "--random", "1"),
    )


INVERTED = """
from amaranth.build import Attrs, Clock, Pins, PinsN, Resource, Subsignal
from bnnhw.boards import Board
from bnnhw.boards.icebreaker import ICEBREAKER, ICEBreakerPlatform
from dataclasses import replace


class Mine(ICEBreakerPlatform):
    resources = [
        Resource("clk12", 0, PinsN("35", dir="i"), Clock(12e6), Attrs(IO_STANDARD="SB_LVCMOS")),
        Resource(
            "uart", 0, Subsignal("rx", PinsN("6", dir="i")), Subsignal("tx", PinsN("9", dir="o")),
            Attrs(IO_STANDARD="SB_LVCMOS"),
        ),
    ]


MINE = replace(ICEBREAKER, name="mine", platform=Mine, leds=())
"""


@pytest.mark.parametrize("pins", [pytest.param(None, marks=pytest.mark.slow), "rx=4,tx=2"])
def test_a_board_of_ones_own(pins: str | None, tmp_path: Path) -> None:
    """Its pins say 0 for 1, unless others are chosen for the build."""
    file = tmp_path / "mine.py"
    file.write_text(INVERTED)
    board = with_pins(boards.get(str(file)), pins)
    folder = make_built(tmp_path / "bitstream", board)
    change(folder, pins=pins_of(board))
    told = run("run", folder, "--board", file, "--virtual", "--random", "5", "--check", "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["differences"] == 0


def test_inputs(built: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    samples = bnnhw.datasets.load_split("digits", "test")[0][:3]
    due = reference.evaluate(NETWORK, NETWORK.input.encode(samples)).classes.tolist()
    names = {name: tmp_path / name for name in ("one.npy", "three.npz", "three.csv", "bad.csv", "short.npy", "not.npz")}
    np.save(names["one.npy"], samples[0].reshape(8, 8))
    np.savez(names["three.npz"], x=samples, y=np.zeros(3))
    header = ",".join(f"p{i}" for i in range(64))
    np.savetxt(names["three.csv"], samples, "%d", delimiter=",", header=header, comments="")
    files = [argument for name in ("one.npy", "three.npz", "three.csv") for argument in ("--input", names[name])]
    told = run("run", built, "--virtual", *files, "--json")
    assert told.exit_code == 0, told.stderr
    assert [row["class"] for row in json.loads(told.stdout)["results"]] == [due[0], *due, *due]
    names["bad.csv"].write_text("1,2,3\n")
    np.save(names["short.npy"], np.zeros((3, 5)))
    names["not.npz"].write_bytes(b"PK nothing")
    asked = ("run", built, "--virtual", "--input")
    assert refused(2, *asked, names["bad.csv"]) == f"{names['bad.csv']}:1: must have 64 numbers for this network, not 3"
    assert refused(2, *asked, names["short.npy"]) == (
        f"{names['short.npy']}: must be an array of 64 elements per frame for this network, not of shape (3, 5)"
    )
    assert refused(2, *asked, names["not.npz"]).startswith(f"{names['not.npz']}: must be a NumPy array or archive")


def test_what_is_refused(built: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    frames = ("--random", "1")
    assert refused(2, "run", built, *frames) == "one of a port and a virtual board must be given, and not both"
    assert refused(2, "run", built, "--port", "x", "--virtual", *frames).endswith("must be given, and not both")
    assert refused(2, "run", built, "--virtual") == "one of --input, --dataset and --random must be given"
    assert refused(2, "run", built, "--port", "x", "--netlist", *frames) == (
        "netlist must be given for a virtual board alone"
    )
    assert refused(2, "run", built, "--virtual", "--netlist", "--bitstream", *frames) == (
        "one of netlist and bitstream must be given, and not both"
    )
    assert refused(2, "run", built, "--virtual", "--netlist", *frames) == (
        f"{built / 'top.json'}: no such file; build it again"
    )
    missing = tmp_path / "nowhere-tty"
    assert refused(2, "run", built, "--port", missing, *frames).startswith(f"port {missing}: ")
    assert refused(2, "virtual", tmp_path) == (
        f"{tmp_path}: must be a folder that `bnnhw build` wrote, and has no report.json"
    )
    change(built, board="mine")
    assert refused(2, "run", built, "--virtual", *frames) == (
        f"{built}: was built for board mine, which is not known: --board FILE.py"
    )
    change(built, board="icebreaker", baud="fast")
    assert refused(2, "run", built, "--virtual", *frames) == f"{built / 'report.json'}: must say 'baud', and does not"


@pytest.mark.parametrize(
    "version, said", [(1, "version 1"), (3, "version 3"), (None, "an earlier version, which it does not name,")]
)
def test_a_build_that_speaks_another_version(
    version: int | None, said: str, built: Path, refused: Callable[..., str]
) -> None:
    """Told at once, by whoever would talk to it; a board is not waited for."""
    change(built, protocol_version=version)
    message = (
        f"{built / 'report.json'}: was built for {said} of what a host says over link uart, and this bnnhw speaks "
    )
    message += "version 2; build it again, and program the board with it"
    frames = ("--random", "1")
    assert refused(2, "run", built, "--virtual", *frames) == message
    assert refused(2, "run", built, "--port", "/nowhere", *frames) == message
    assert refused(2, "virtual", built) == message


def test_the_class_takes_codes(built: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 16, (5, 64)).astype(np.uint8)
    due = reference.evaluate(NETWORK, codes)
    with bnnhw.open_board(built, virtual=True) as board:
        results = board.run(codes, codes=True)
        empty = board.run(codes[:0], codes=True)
        with pytest.raises(bnnhw.BnnhwError, match=r"^codes must be in 0\.\.15, not 16\.\.16$"):
            board.run(np.full((1, 64), 16), codes=True)
        with pytest.raises(bnnhw.BnnhwError, match=r"^codes must be integers of shape \(frames, 64\), not"):
            board.run(codes[:, :3], codes=True)
    assert np.array_equal(results.classes, due.classes)
    assert np.array_equal(results.scores, due.scores.max(axis=1))
    assert (len(empty.classes), empty.frames_per_s) == (0, None)
    with pytest.raises(bnnhw.BnnhwError, match=r"^the board is closed$"):
        board.run(codes, codes=True)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_virtual_is_a_port_for_any_program(number: signal.Signals, built: Path) -> None:
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", "virtual", str(built), "--json", "-q"]
    with heard(number):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        for _ in range(2):
            # One host after the other.
            told = run("run", built, "--port", port, "--random", "3", "--check", "--json")
            assert told.exit_code == 0, told.stderr
            data = json.loads(told.stdout)
            assert (data["differences"], data["link"]["port"]) == (0, port)
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    assert not Path(port).exists()
