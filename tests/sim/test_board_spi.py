"""A board behind its SPI pins: a master whose clock is its own, the host's own code."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnhw import boards
from bnnhw.flow.pins import with_link
from bnnhw.links import board_link
from tests.build.networks import source
from tests.sim.linked import check_frames
from tests.sim.test_board import cache, netlist, open_port, rtl
from tests.sim.virtual import FOLDED

__all__ = ["cache"]

BOARD = with_link(boards.get("icebreaker"), "spi")

pytestmark = pytest.mark.xdist_group("virtual board")


def test_frames_through_the_pins(tmp_path: Path, cache: Path) -> None:
    """As many as the link carries, but for the last, whose answers are asked for."""
    link = board_link(BOARD)
    port = open_port(rtl(tmp_path, BOARD), BOARD, cache)
    try:
        per_frame = check_frames(port, link, 60)
        assert 1 < per_frame * link.frames_per_s(source(FOLDED, "ice40").frame, BOARD.clock_mhz) < 1.1
        # A transaction that ends within a packet: the board reports it, and the frame behind it is answered.
        port.write(b"\xa5\x02\x21")
        assert port.read(100) == b"\x3c" * 3
        check_frames(port, link)
    finally:
        port.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pico-ice", "icestick", "colorlight-i5"])
def test_frames_of_other_boards(name: str, tmp_path: Path, cache: Path) -> None:
    """At their own clocks, pins and families."""
    board = with_link(boards.get(name), "spi")
    if board.family.board_models is None:
        pytest.skip(f"no models of the pins of {board.family.name}")
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
