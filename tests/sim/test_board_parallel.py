"""A board behind a FIFO of FTDI's on its parallel port: the chip's own times, the host's own code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bnnhw import boards
from bnnhw.flow.pins import with_link
from bnnhw.links import board_link
from bnnhw.links.packets.protocol import encode_info_request
from tests.build.networks import source
from tests.sim.linked import check_frames
from tests.sim.test_board import cache, netlist, open_port, rtl
from tests.sim.virtual import FOLDED

__all__ = ["cache"]

BOARD = with_link(boards.get("icebreaker"), "parallel")

pytestmark = pytest.mark.xdist_group("virtual board")


def test_frames_through_the_pins(tmp_path: Path, cache: Path) -> None:
    """As many as the port carries, but for the first, whose answers nothing was waiting for."""
    link = board_link(BOARD)
    port = open_port(rtl(tmp_path, BOARD), BOARD, cache)
    try:
        per_frame = check_frames(port, link, 60)
        assert 1 < per_frame * link.frames_per_s(source(FOLDED, "ice40").frame, BOARD.clock_mhz) < 1.1
    finally:
        port.close()


def test_what_the_far_end_calls_a_fault(tmp_path: Path, cache: Path) -> None:
    """Strobes of one cycle at 48 MHz, which are too short for it; bytes come through all the same here."""
    quick = replace(BOARD, clock_mhz=48.0, settings={"parallel": {"strobe_ns": 20}})
    port = open_port(rtl(tmp_path, quick), quick, cache)
    try:
        port.read(1, wait_s=1e-3)
        port.write(encode_info_request())
        assert len(port.read(100, wait_s=1e-3)) > 0
        assert port.faults > 0
    finally:
        port.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["colorlight-i5", "icestick", "tang-nano-9k"])
def test_frames_of_other_boards(name: str, tmp_path: Path, cache: Path) -> None:
    """At their own clocks, pins and families."""
    pins = {"tang-nano-9k": "d=25/26/27/28/29/30/33/34,rxf_n=40,txe_n=35,rd_n=41,wr_n=42,siwu_n=51"}
    board = with_link(boards.get(name), "parallel", pins.get(name))
    port = open_port(rtl(tmp_path, board), board, cache)
    try:
        check_frames(port, board_link(board))
    finally:
        port.close()


@pytest.mark.slow
def test_the_netlist_through_the_pins(tmp_path: Path, cache: Path) -> None:
    port = open_port(netlist(tmp_path, BOARD), BOARD, cache)
    try:
        check_frames(port, board_link(BOARD))
    finally:
        port.close()
