"""The verbs on a board behind a parallel port: built, found again, run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bnnhw import boards
from bnnhw.flow.built import open_built
from bnnhw.flow.pins import pins_of, with_link
from bnnhw.links import board_link
from tests.cli.conftest import run
from tests.cli.linked import build

pytestmark = pytest.mark.xdist_group("virtual board")

Refused = Callable[..., str]
LINKED = {"d": "4 2 47 45 3 48 46 44", "rxf_n": "43", "txe_n": "38", "rd_n": "34", "wr_n": "31", "siwu_n": "42"}


def test_run(tmp_path: Path) -> None:
    folder = build(tmp_path / "bitstream", "icebreaker", "parallel")
    told = run("run", folder, "--virtual", "--random", "40", "--check", "--json")
    assert told.exit_code == 0, told.stderr
    data = json.loads(told.stdout)
    assert (data["frames"], data["differences"], data["resent"]) == (40, 0, 0)
    assert data["link"] == {"name": "parallel", "port": "virtual", "strobe_ns": 60, "quiet_ns": 40, "ready_ns": 63}
    assert 0.9 * data["link_fps"] < data["frames_per_s"] < data["link_fps"]
    # A byte there and one back take 13 cycles of 30 MHz, each of the 29 others 6: packets of 41 and 12 bytes.
    assert data["link_fps"] == 30e6 / (12 * 13 + 29 * 6)


PINS = "d=pmod_2,rxf_n=pmod_1:10,txe_n=pmod_1:9,rd_n=pmod_1:8,wr_n=pmod_1:7,siwu_n=pmod_1:4"


@pytest.mark.parametrize("name, pins", [("icebreaker", None), ("ulx3s-12f", None), ("icesugar", PINS)])
def test_a_build_is_found_again_with_its_pins(name: str, pins: str | None, tmp_path: Path) -> None:
    """Usual ones, a board's own, and chosen ones."""
    folder = build(tmp_path / "bitstream", name, "parallel", pins)
    built = open_built(folder)
    due = with_link(boards.get(name), "parallel", pins)
    assert built.link == board_link(due)
    assert pins_of(with_link(built.board, "parallel")) == pins_of(due)
    assert len(pins_of(due)["d"].split()) == 8


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_virtual_is_the_serial_port_of_the_far_end(tmp_path: Path) -> None:
    folder = build(tmp_path / "bitstream", "icebreaker", "parallel")
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", "virtual", str(folder), "--json", "-q"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        told = run("run", folder, "--port", port, "--random", "3", "--check", "--json")
        assert told.exit_code == 0, told.stderr
        data = json.loads(told.stdout)
        assert (data["differences"], data["link"]["port"]) == (0, port)
    finally:
        process.kill()
        process.communicate()


def test_boards_tell_where_the_link_is() -> None:
    told = run("boards", "icebreaker", "--link", "parallel", "--json")
    assert told.exit_code == 0, told.stderr
    link = json.loads(told.stdout)["boards"]["icebreaker"]["link"]
    assert link["pins"] == LINKED
    said = "parallel: d pmod_0 (4 2 47 45 3 48 46 44), rxf_n pmod_1:1 (43), txe_n pmod_1:2 (38), rd_n pmod_1:3 (34), "
    said += "wr_n pmod_1:4 (31), siwu_n pmod_1:7 (42), strobe_ns 60"
    assert said in run("boards", "icebreaker", "--link", "parallel").stdout.replace("\n", "")


def test_fold_and_generate(network: Path, tmp_path: Path, refused: Refused) -> None:
    """Frames per second are those of the link at the board's clock, and pins are told."""
    told = run("fold", network, "--board", "icebreaker", "--link", "parallel", "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["link_fps"] == 30e6 / (12 * 13 + 29 * 6)
    folder = tmp_path / "design"
    told = run("generate", network, "--board", "icebreaker", "--link", "parallel", "-o", folder, "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["top"] == "parallel_link"
    sidecar = json.loads((folder / "design.json").read_text())
    assert sidecar["link_fps"] == 30e6 / (12 * 13 + 29 * 6)
    assert {name: (port["direction"], port["width"]) for name, port in sidecar["ports"].items()} == {
        **dict.fromkeys(("clk", "rst", "rxf_n", "txe_n"), ("in", 1)),
        "d_i": ("in", 8),
        "d_o": ("out", 8),
        **dict.fromkeys(("driven", "rd_n", "wr_n", "siwu_n", "error", "activity"), ("out", 1)),
    }
    form = "d=PIN/.../PIN,rxf_n=PIN,txe_n=PIN,rd_n=PIN,wr_n=PIN,siwu_n=PIN"
    assert refused(2, "generate", network, "--board", "upduino-v3", "--link", "parallel", "-o", tmp_path / "no") == (
        f"upduino-v3 has no connector that is usual for link parallel; choose pins: --pins {form}"
    )
