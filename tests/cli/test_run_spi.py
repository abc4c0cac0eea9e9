"""The verbs on a board behind SPI: chosen, built, found again, run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnnhw import boards
from bnnhw.build.design import Source
from bnnhw.flow import build as flow_build
from bnnhw.flow.built import open_built
from bnnhw.flow.pins import pins_of, with_link
from bnnhw.folding import LayerFolding
from bnnhw.folding import file as folding_file
from bnnhw.links import board_link
from tests.cli.conftest import make_network, run
from tests.cli.linked import build

pytestmark = pytest.mark.xdist_group("virtual board")

Refused = Callable[..., str]
PMOD = "sck=pmod_0:4,cs_n=pmod_0:1,mosi=pmod_0:2,miso=pmod_0:3"


def test_run(tmp_path: Path) -> None:
    folder = build(tmp_path / "bitstream", "icebreaker", "spi")
    told = run("run", folder, "--virtual", "--random", "40", "--check", "--json")
    assert told.exit_code == 0, told.stderr
    data = json.loads(told.stdout)
    assert (data["frames"], data["differences"], data["resent"]) == (40, 0, 0)
    assert data["link"] == {"name": "spi", "port": "virtual", "sck_hz": 20_000_000}
    assert 0.9 * data["link_fps"] < data["frames_per_s"] < data["link_fps"]
    # 41 bytes of a packet at 20 MHz.
    assert data["link_fps"] == 20e6 / (8 * 41)


@pytest.mark.parametrize(
    "name, pins", [("icebreaker", PMOD), ("icestick", None), ("tinyfpga-bx", "sck=A2,cs_n=A1,mosi=B1,miso=C2")]
)
def test_a_build_is_found_again_with_its_link_and_pins(name: str, pins: str | None, tmp_path: Path) -> None:
    """Whether the board names the link or not, and whether its pins were chosen or usual."""
    folder = build(tmp_path / "bitstream", name, "spi", pins)
    built = open_built(folder)
    assert built.link == board_link(with_link(boards.get(name), "spi", pins))
    found = with_link(built.board, "spi")
    assert pins_of(found) == pins_of(with_link(boards.get(name), "spi", pins))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_virtual_is_the_port_of_a_microcontroller(tmp_path: Path) -> None:
    """Two hosts, one after the other."""
    folder = build(tmp_path / "bitstream", "icebreaker", "spi")
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", "virtual", str(folder), "--json", "-q"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        for _ in range(2):
            told = run("run", folder, "--port", port, "--random", "3", "--check", "--json")
            assert told.exit_code == 0, told.stderr
            data = json.loads(told.stdout)
            assert (data["differences"], data["link"]["port"]) == (0, port)
    finally:
        process.kill()
        process.communicate()


def test_what_is_refused(tmp_path: Path, refused: Refused) -> None:
    folder = build(tmp_path / "bitstream", "icestick", "spi")
    missing = tmp_path / "nowhere-tty"
    assert refused(2, "run", folder, "--port", missing, "--random", "1").startswith(f"port {missing}: ")
    path = folder / "report.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "sck_hz": None}))
    assert refused(2, "run", folder, "--virtual", "--random", "1") == f"{path}: must say 'sck_hz', and does not"


def test_boards_tell_where_the_link_is(refused: Refused) -> None:
    told = run("boards", "icestick", "--link", "spi", "--json")
    assert told.exit_code == 0, told.stderr
    link = json.loads(told.stdout)["boards"]["icestick"]["link"]
    assert link == {
        "name": "spi",
        "sck_hz": 20_000_000,
        "pins": {"sck": "81", "cs_n": "78", "mosi": "79", "miso": "80"},
    }
    said = "spi: sck pmod_0:4 (81), cs_n pmod_0:1 (78), mosi pmod_0:2 (79), miso pmod_0:3 (80), sck_hz 20000000"
    assert said in run("boards", "icestick", "--link", "spi").stdout.replace("\n", "")
    assert refused(2, "boards", "--link", "spi") == "--link must come with a board's name, whose link it is"


def test_fold_and_generate(network: Path, tmp_path: Path, refused: Refused) -> None:
    """Frames per second are those of the link that was asked for, and pins are told."""
    told = run("fold", network, "--board", "icesugar", "--link", "spi", "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["link_fps"] == 20e6 / (8 * 41)
    folder = tmp_path / "design"
    told = run("generate", network, "--board", "icesugar", "--link", "spi", "-o", folder, "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["top"] == "spi_link"
    sidecar = json.loads((folder / "design.json").read_text())
    assert sidecar["link_fps"] == 20e6 / (8 * 41)
    assert {name: port["direction"] for name, port in sidecar["ports"].items()} == {
        **dict.fromkeys(("clk", "rst", "sck", "cs_n", "mosi"), "in"),
        **dict.fromkeys(("miso", "selected", "error", "activity"), "out"),
    }
    assert refused(2, "generate", network, "--board", "upduino-v3", "--link", "spi", "-o", tmp_path / "no") == (
        "upduino-v3 has no connector that is usual for link spi; choose pins: --pins sck=PIN,cs_n=PIN,mosi=PIN,miso=PIN"
    )
    # A folding needs no pins.
    assert run("fold", network, "--board", "upduino-v3", "--link", "spi").exit_code == 0
    assert refused(2, "fold", network, "--board", "icebreaker", "--link", "axis") == (
        "Invalid value for '--link': 'axis' is not one of 'parallel', 'spi', 'uart'."
    )


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Source, Any]]:
    """What would be built, and with which link."""
    seen: list[tuple[Source, Any]] = []

    def build_nothing(given: Source, board: Any, folder: Path, *, link: Any, extra: Any, **rest: Any) -> None:
        del board, folder, rest
        seen.append((given, (link.name, extra["pins"])))
        raise KeyboardInterrupt

    monkeypatch.setattr(flow_build, "run", build_nothing)
    return seen


def test_a_design_is_built_with_its_own_link(
    network: Path, tmp_path: Path, sources: list[tuple[Source, Any]], refused: Refused
) -> None:
    folding, folder = tmp_path / "folding.json", tmp_path / "design"
    folding_file.save((LayerFolding(5, 8), LayerFolding(2, 5, "lut")), make_network(), folding)
    board = ("--board", "icebreaker")
    made = run("generate", network, *board, "--link", "spi", "--pins", PMOD, "--folding", folding, "-o", folder)
    assert made.exit_code == 0, made.stderr
    pins = {"sck": "45", "cs_n": "4", "mosi": "2", "miso": "47"}
    run("build", folder, *board, "-o", tmp_path / "out")
    run("build", folder, *board, "--link", "spi", "-o", tmp_path / "out")
    assert [(given.linked, given.module, said) for given, said in sources] == 2 * [(True, "spi_link", ("spi", pins))]
    assert refused(2, "build", folder, *board, "--link", "uart", "-o", tmp_path / "out") == (
        f"{folder}: was generated with link spi, and a bitstream for icebreaker has link uart; generate it again"
    )
    # Bare streams get the one that is asked for, at the board's own pins.
    bare = tmp_path / "bare"
    assert run("generate", network, *board, "--folding", folding, "-o", bare).exit_code == 0
    run("build", bare, *board, "--link", "spi", "-o", tmp_path / "out")
    own = {"sck": "15", "cs_n": "16", "mosi": "14", "miso": "17"}
    assert (sources[-1][0].linked, sources[-1][1]) == (False, ("spi", own))
