"""Boards from elsewhere: a file that a user names, and the entry points of other packages."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bnnhw import boards
from bnnhw.cli import cli
from bnnhw.devices.ice40 import ICE40
from bnnhw.errors import BnnhwError, FileError, RequestError
from bnnhw.ir import archive
from tests.build.networks import random_network
from tests.needs import SIMULATION, needs, needs_build

TEXT = '''
"""An iCE40HX4K on a board of our own."""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import UARTResource

from bnnhw.boards import Board
from bnnhw.devices.ice40 import ICE40


class MyPlatform(LatticeICE40Platform):
    device = "iCE40HX4K"
    package = "TQ144"
    default_clk = "clk12"
    resources = [
        Resource("clk12", 0, Pins("129", dir="i"), Clock(12e6), Attrs(GLOBAL=True, IO_STANDARD="SB_LVCMOS")),
        Resource("led", 0, Pins("99", dir="o")),
        Resource("led", 1, Pins("98", dir="o")),
        UARTResource(0, rx="9", tx="8"),
    ]
    connectors = []


MINE = Board(
    name="mine",
    family=ICE40,
    part=ICE40.part("iCE40HX4K"),
    package="TQ144",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=24.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=MyPlatform,
    place_route=("--package", "tq144"),
)
'''


THEIRS = "board 'a' of the package theirs: "


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "myboard.py"
    path.write_text(TEXT)
    return path


def test_a_file_is_a_board(board: Path) -> None:
    mine = boards.get(str(board))
    assert (mine.name, mine.device, mine.lut4, mine.bram_bits) == ("mine", "iCE40HX4K", 3520, 80 * 1024)
    assert mine.reachable_mhz(24.0) == 24.0
    result = CliRunner().invoke(cli, ["boards", str(board), "--json"])
    assert json.loads(result.stdout)["boards"]["mine"]["clock_mhz"] == 24.0


@pytest.mark.slow
def test_it_builds(board: Path, tmp_path: Path) -> None:
    """Mapped for the delays of its own part, constrained to its own pins."""
    needs_build(ICE40)
    archive.save(random_network([16, 8, 4]), tmp_path / "tiny.bnn")
    out = tmp_path / "out"
    arguments = ["build", str(tmp_path / "tiny.bnn"), "--board", str(board), "-o", str(out), "--json"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["timing_met"] and answer["clock_mhz"] == 24.0 and answer["board"] == "mine"
    assert Path(answer["bitstream"]).stat().st_size > 30_000
    assert "synth_ice40 -run begin:map_ffs -device hx" in (out / "top.ys").read_text()
    assert "set_io uart_0__rx__io 9" in (out / "top.pcf").read_text()


def test_it_goes_through_all_verbs(
    board: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lamps, no serial port, its clock inside: pins are chosen once, and are in sidecar and constraints."""
    needs_build(ICE40)
    needs(*SIMULATION)
    board.write_text(
        TEXT.replace('        UARTResource(0, rx="9", tx="8"),\n', "")
        .replace('    leds=(("led", 0), ("led", 1)),\n', "    programmers=(Iceprog(),),\n")
        .replace('iCE40HX4K"', 'iCE40UP5K"')
        .replace('"TQ144"', '"SG48"')
        .replace(
            '    oscillator="clk12",\n    oscillator_mhz=12.0,\n',
            '    oscillator="SB_HFOSC",\n    oscillator_mhz=24.0,\n',
        )
        .replace('    place_route=("--package", "tq144"),\n', "")
        .replace("connectors = []", 'connectors = [Connector("pmod", 0, "4 2 47 45")]')
        .replace("import Attrs, Clock, Pins", "import Attrs, Clock, Connector, Pins")
        .replace("\n\nclass My", "\nfrom bnnhw.programmers.iceprog import Iceprog\n\n\nclass My")
    )
    archive.save(random_network([16, 8, 4]), tmp_path / "tiny.bnn")

    def verb(*arguments: object) -> dict[str, Any]:
        result = CliRunner().invoke(cli, [*map(str, arguments), "--json"])
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    refused = CliRunner().invoke(
        cli, ["build", str(tmp_path / "tiny.bnn"), "--board", str(board), "-o", str(tmp_path / "x")]
    )
    assert refused.exit_code == 2
    assert refused.stderr.endswith("mine: the platform has no resource uart; choose pins: --pins rx=PIN,tx=PIN\n")
    assert verb("boards", board)["boards"]["mine"]["link"]["pins"] == {}
    pins = "rx=pmod_0:2,tx=46"
    shown = verb("boards", board, "--pins", pins)["boards"]["mine"]
    assert shown["link"]["pins"] == {"rx": "2", "tx": "46"} and shown["lamps"] == {} and not shown["tried"]
    design, out, folding = tmp_path / "design", tmp_path / "out", tmp_path / "folding.json"
    assert verb("fold", tmp_path / "tiny.bnn", "--board", board, "-o", folding)["clock_mhz"] == 24.0
    chosen = ("--board", board, "--folding", folding)
    verb("generate", tmp_path / "tiny.bnn", *chosen, "--link", "uart", "--pins", pins, "-o", design)
    assert json.loads((design / "design.json").read_text())["pins"] == pins
    built = verb("build", design, "--board", board, "-o", out)
    assert built["timing_met"] and built["clock_mhz"] == 24.0
    constraints = (out / "top.pcf").read_text()
    assert "set_io uart_0__rx__io 2" in constraints and "set_io uart_0__tx__io 46" in constraints
    assert json.loads((out / "report.json").read_text())["pins"] == {"rx": "2", "tx": "46"}
    # Of a build other pins can be asked for: the Verilog is the same.
    from bnnhw.flow.design import open_design
    from bnnhw.flow.pins import pins_of, with_pins

    assert open_design(design).pins == pins
    assert pins_of(with_pins(boards.get(str(board)), "rx=3,tx=4")) == {"rx": "3", "tx": "4"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    ran = verb("run", out, "--board", board, "--virtual", "--random", 20, "--check")
    assert (ran["frames"], ran["differences"], ran["resent"]) == (20, 0, 0)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "iceprog").write_text(f"#!/bin/sh\necho $1 > {programs / 'log'}\n")
    (programs / "iceprog").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    assert verb("program", out, "--board", board)["programmed"]
    assert (programs / "log").read_text() == f"{out / 'top.bin'}\n"


def test_one_of_several(board: Path) -> None:
    board.write_text(f'{TEXT}\nfrom dataclasses import replace\n\nFAST = replace(MINE, name="fast", clock_mhz=48.0)\n')
    assert boards.get(f"{board}:fast").clock_mhz == 48.0
    for name, message in (
        (str(board), f"{board}: holds several boards (mine, fast); name one, as in {board}:mine"),
        (f"{board}:slow", f"board of {board} must be one of mine, fast, not 'slow'"),
    ):
        with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
            boards.get(name)


def test_a_board_of_ours_changed(board: Path) -> None:
    """What a file imports to start from is not what it defines."""
    board.write_text(
        "from dataclasses import replace\n"
        "from bnnhw.boards.icebreaker import ICEBREAKER\n"
        'SLOW = replace(ICEBREAKER, name="slow", clock_mhz=12.0)\n'
    )
    assert boards.get(str(board)).name == "slow"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (1,\n", "line 1: '(' was never closed"),
        ("x = 1\n", "must define a board, a value that is a bnnhw.boards.Board, and does not"),
        ("\nimport no_such_package\n", "line 2: ModuleNotFoundError: No module named 'no_such_package'"),
        (
            'from bnnhw.devices.ecp5 import ECP5\nECP5.part("LFE5U-99F")\n',
            "line 2: part of ecp5 must be one of LFE5U-12F, LFE5U-25F, LFE5U-45F, LFE5U-85F, "
            "LFE5UM-25F, LFE5UM-45F, LFE5UM-85F, LFE5UM5G-25F, LFE5UM5G-45F, LFE5UM5G-85F, not 'LFE5U-99F'",
        ),
    ],
)
def test_a_file_that_is_no_board(text: str, message: str, board: Path) -> None:
    board.write_text(text)
    with pytest.raises(FileError, match=f"^{re.escape(f'{board}: ' + message)}$"):
        boards.get(str(board))


def test_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "none.py"
    result = CliRunner().invoke(cli, ["boards", str(path)])
    assert result.exit_code == 2
    assert result.stderr == f"bnnhw: error: {path}: no such file\n"


def test_the_fingerprint_follows_the_pins(board: Path) -> None:
    """What is built depends on the platform's text too: an edited board is built again."""
    before = boards.get(str(board)).fingerprint()
    assert boards.get(str(board)).fingerprint() == before
    board.write_text(TEXT.replace('rx="9"', 'rx="10"'))
    assert boards.get(str(board)).fingerprint() != before


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, points: str, module: str = TEXT) -> None:
    """An installed package ``theirs``: a module, and metadata with entry points."""
    (folder / "their_boards.py").write_text(module)
    metadata = folder / "theirs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[bnnhw.boards]\n{points}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "their_boards", raising=False)


def test_boards_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, monkeypatch, "mine = their_boards:MINE")
    assert list(boards.all_boards()) == [*boards.BOARDS, "mine"]
    assert boards.get("mine").device == "iCE40HX4K"
    result = CliRunner().invoke(cli, ["boards", "--json"])
    assert json.loads(result.stdout)["boards"]["mine"]["device"] == "iCE40HX4K"
    assert "mine" in CliRunner().invoke(cli, ["boards"]).stdout


@pytest.mark.parametrize(
    ("points", "module", "message"),
    [
        (
            "a = their_boards:NONE",
            TEXT,
            "can't be loaded: AttributeError: module 'their_boards' has no attribute 'NONE'",
        ),
        ("a = their_boards:x", "x = 1\n", "their_boards:x must be a Board or a sequence of them, and is not"),
        (
            "a = their_boards:MINE",
            TEXT.replace('name="mine"', 'name="icebreaker"'),
            "the name 'icebreaker' is taken by another board",
        ),
    ],
)
def test_a_broken_package_is_named(
    points: str, module: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, monkeypatch, points, module)
    with pytest.raises(BnnhwError, match=f"^{re.escape(THEIRS + message)}$"):
        boards.all_boards()
    # It stands in nobody's way but its own.
    assert boards.get("icebreaker") is boards.BOARDS["icebreaker"]
