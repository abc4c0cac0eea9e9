"""The virtual board of every board: its own pins, oscillator and clock around a tiny network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw import boards, reference
from bnnhw.boards import Board
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.protocol import pack_codes
from tests.build.networks import random_folded
from tests.sim.test_board import ICEBREAKER, open_port, rtl

TINY = random_folded([16, 8, 4], [(4, 8), (2, 4)])


SAMPLE = ("upduino-v3", "tang-nano-9k", "versa-ecp5", "supercon19badge")
"""With the one of the other tests: each way in which a family's design gets its clock."""

EVERY = [pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.slow]) for name in boards.BOARDS]

pytestmark = pytest.mark.xdist_group("virtual board")


def ways(board: Board) -> set[tuple[str, str]]:
    """Of a family: where the oscillator is, and what makes the design's clock of it."""
    place = "inside" if board.inside else type(board.platform().resources[board.oscillator, 0].ios[0]).__name__
    made = "oscillator" if board.reachable_mhz(board.clock_mhz) == board.oscillator_mhz else "generator"
    return {(board.family.name, place), (board.family.name, made)}


def test_each_way_to_a_clock_is_in_the_sample() -> None:
    every = {way for board in boards.BOARDS.values() for way in ways(board)}
    assert every == {way for name in (ICEBREAKER.name, *SAMPLE) for way in ways(boards.get(name))}


def check(board: Board, folder: Path, cache: Path) -> None:
    """Every class and score of 20 frames of the tiny network."""
    port = open_port(rtl(folder, board, TINY), board, cache)
    try:
        device = Device(port, clock=port.clock, settle_s=0.001)
        codes = np.random.default_rng(5).integers(0, 2, (20, 16)).astype(np.uint8)
        due = reference.evaluate(TINY.network, codes)
        found = list(device.run(pack_codes(row, 1) for row in codes))
        assert [answer.index for answer in found] == due.classes.tolist()
        assert [answer.score for answer in found] == due.scores.max(axis=1).tolist()
        assert (device.resent, port.faults) == (0, 0)
    finally:
        port.close()


@pytest.mark.parametrize("name", EVERY)
def test_frames_through_the_pins_of(name: str, tmp_path: Path, cache: Path) -> None:
    check(boards.get(name), tmp_path, cache)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, oscillator, oscillator_mhz, clock_mhz",
    [
        ("upduino-v3", "SB_HFOSC", 24.0, 36.0),
        ("icebreaker", "SB_HFOSC", 48.0, 48.0),
        ("icebreaker", "clk12", 12.0, 12.0),
        ("ulx3s-12f", "OSCG", 310 / 6, 310 / 6),
        ("ulx3s-12f", "OSCG", 31.0, 60.0),
        ("ulx3s-12f", "clk25", 25.0, 25.0),
        ("tang-nano-9k", "clk27", 27.0, 27.0),
    ],
)
def test_other_clocks(
    name: str, oscillator: str, oscillator_mhz: float, clock_mhz: float, tmp_path: Path, cache: Path
) -> None:
    """Those that no board has by default: inside and multiplied, at the pin and not."""
    board = replace(boards.get(name), oscillator=oscillator, oscillator_mhz=oscillator_mhz, clock_mhz=clock_mhz)
    check(board, tmp_path, cache)
