"""``--baud``: the rate of the serial link, from the folding to the host."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnnhw import boards
from bnnhw.build.design import Source
from bnnhw.errors import RequestError
from bnnhw.files import write_json
from bnnhw.flow import build as flow_build
from bnnhw.flow.baud import with_baud
from bnnhw.flow.build import build_bitstream
from bnnhw.flow.built import open_built
from bnnhw.flow.design import open_design
from bnnhw.flow.pins import with_pins
from bnnhw.ir import archive
from bnnhw.links import board_link
from bnnhw.links.packets import serial_port
from bnnhw.links.uart import Uart
from tests.cli.conftest import run

BOARD = "icebreaker"
FAST = ("--baud", "3000000")


def said(*arguments: object) -> dict[str, Any]:
    told = run(*arguments, "--json")
    assert told.exit_code == 0, told.stderr
    return json.loads(told.stdout)


def test_fold_says_what_the_faster_link_carries(network: Path) -> None:
    usual = said("fold", network, "--board", BOARD)
    fast = said("fold", network, "--board", BOARD, *FAST)
    assert fast["link_fps"] == pytest.approx(3 * usual["link_fps"], rel=1e-12)
    assert fast["fastest"]["link_fps"] == fast["link_fps"]
    assert fast["fps"] == usual["fps"]


class Built(Exception):
    """What was about to be built."""


@pytest.fixture
def link_built(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Uart]:
    """The link that a build is made with, without a build."""

    def stop(source: Source, board: boards.Board, folder: Path, *, link: Uart, **options: object) -> None:
        raise Built(link)

    monkeypatch.setattr(flow_build, "run", stop)

    def link_of(design: Path, folder: Path, **options: Any) -> Uart:
        with pytest.raises(Built) as caught:
            build_bitstream(open_design(design), BOARD, folder, **options)
        return caught.value.args[0]

    return link_of


def test_build_takes_the_rate_of_the_design(network: Path, tmp_path: Path, link_built: Callable[..., Uart]) -> None:
    designs, out = {link: tmp_path / link for link in ("uart", "stream")}, tmp_path / "out"
    for link, design in designs.items():
        data = said("generate", network, "--board", BOARD, "--link", link, *FAST, "-o", design)
        frame = open_design(design).seen.frame
        assert data["link_fps"] == Uart(3_000_000).frames_per_s(frame, 30.0)
        assert link_built(design, out) == Uart(3_000_000)
    line = open_design(designs["uart"]).sidecar["interface"]["input"]
    assert (line["baud"], line["cycles_per_bit"]) == (3_000_000, 10)
    assert link_built(designs["stream"], out, baud=500_000) == Uart(500_000)
    with pytest.raises(RequestError, match=r"its link was generated for baud 3000000, not 500000; generate it again"):
        build_bitstream(open_design(designs["uart"]), BOARD, out, baud=500_000)
    # A rate that the board's clock does not make may suit another one.
    assert link_built(designs["stream"], out, baud=4_000_000, freq_mhz=36.0) == Uart(4_000_000)


def test_the_host_takes_the_rate_of_the_build(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said_there = {"board": BOARD, "link": "uart", "baud": 3_000_000, "identity": "00", "fps": 1.0, "link_fps": 1.0}
    write_json(tmp_path / "report.json", said_there)
    archive.save(archive.load(network), tmp_path / "network.bnn")
    opened: list[int] = []
    monkeypatch.setattr(serial_port, "open_serial", lambda name, baud: opened.append(baud))
    open_built(tmp_path).link.open_port("/dev/some")
    assert opened == [3_000_000]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ("fold", "--board", "ulx3s-12f", "--baud", "4000000"),
            "baud rate must be at most 3000000 on ulx3s-12f, whose serial bridge carries no more, not 4000000",
        ),
        (
            ("fold", "--board", "nandland-go", *FAST),
            "clock must be within 2 % of 24 or 27 MHz for the 3000000 baud of the serial link, not 25; 25 MHz makes "
            "3125000 or 2777778 baud",
        ),
        (
            ("build", "--board", BOARD, "--baud", "6000000", "-o", "out"),
            "clock must be at least 48 MHz for the 6000000 baud of the serial link, not 30; 30 MHz makes 3750000 baud "
            "at most",
        ),
        (("generate", *FAST, "-o", "out"), "--baud must come with --board, whose link it is"),
        (("fold", "--board", BOARD, "--baud", "0"), "Invalid value for '--baud': 0 is not in the range x>=1."),
    ],
)
def test_refused(
    network: Path,
    arguments: tuple[str, ...],
    message: str,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(network.parent)
    verb, *options = arguments
    assert re.sub(r"\s+", " ", refused(2, verb, network, *options)) == message


def test_another_adapter_has_no_ceiling_of_the_board() -> None:
    """A serial adapter at pins of one's choice is not the board's bridge."""
    board = boards.get("ulx3s-12f")
    elsewhere = with_baud(with_pins(board, "rx=gpio_0:0+,tx=gpio_0:1+"), 4_000_000)
    assert board_link(elsewhere) == Uart(4_000_000)
    with pytest.raises(RequestError, match=r"^baud rate must be at most 3000000 on ulx3s-12f"):
        with_baud(board, 4_000_000)
