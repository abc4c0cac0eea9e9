"""A board behind its SPI pins: a master whose clock is its own, the host's own code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw import boards, reference
from bnnhw.errors import CheckError
from bnnhw.flow.pins import with_link
from bnnhw.links import board_link
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.links.spi.host import open_host
from bnnhw.sim.board import SimulatedPort
from tests.build.networks import source
from tests.sim.test_board import cache, netlist, open_port, rtl
from tests.sim.virtual import FOLDED, NETWORK

__all__ = ["cache"]

BOARD = with_link(boards.get("icebreaker"), "spi")

pytestmark = pytest.mark.xdist_group("virtual board")


def check_frames(port: SimulatedPort, frames: int = 20) -> float:
    """Random frames: every class and score is the reference's; simulated seconds per frame."""
    device = open_host(port, port.clock)
    assert device.info.identity == int(source(FOLDED, "ice40").identity[:8], 16)
    codes = np.random.default_rng(5).integers(0, 16, (frames, 64)).astype(np.uint8)
    due = reference.evaluate(NETWORK, codes)
    start = port.clock()
    found = list(device.run(pack_codes(row, 4) for row in codes))
    assert [answer.index for answer in found] == due.classes.tolist()
    assert [answer.score for answer in found] == due.scores.max(axis=1).tolist()
    assert (device.resent, port.faults) == (0, 0)
    with pytest.raises(CheckError, match=r"program it first$"):
        device.check(1, 32, 10)
    return (port.clock() - start) / frames


def test_frames_through_the_pins(tmp_path: Path, cache: Path) -> None:
    """As many as the link carries, but for the last, whose answers are asked for."""
    port = open_port(rtl(tmp_path, BOARD), BOARD, cache)
    try:
        link = board_link(BOARD)
        per_frame = check_frames(port, 60)
        assert 1 < per_frame * link.frames_per_s(source(FOLDED, "ice40").frame) < 1.1
        # A transaction that ends within a packet: the board reports it, and the frame behind it is answered.
        port.write(b"\xa5\x02\x21")
        assert port.read(100) == b"\x3c" * 3
        check_frames(port)
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
        check_frames(port)
    finally:
        port.close()


@pytest.mark.slow
def test_the_netlist_through_the_pins(tmp_path: Path, cache: Path) -> None:
    port = open_port(netlist(tmp_path, BOARD), BOARD, cache)
    try:
        check_frames(port)
    finally:
        port.close()
