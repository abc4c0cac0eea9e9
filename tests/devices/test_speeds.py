"""How fast devices are: the formula, and which boards are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.devices.speeds import Speed, speed, speeds

PART = Speed(control_ns=8.0, memory_ns=10.0, shift=1.2, cells=0.5, bits=0.25, routed=3)


@pytest.mark.parametrize(
    "cells, bits, memory, ns",
    [
        (1000, 32, False, 8.0),
        (4000, 32, False, 16.0),
        (4000, 512, False, 32.0),
        (1000, 32, True, 10.0),
        (1500, 32, True, 10.0),
        (4000, 32, True, 16.0),
        # Control is slower than the memory.
        (4000, 512, True, 32.0),
    ],
)
def test_the_slower_path_decides(cells: int, bits: int, memory: bool, ns: float) -> None:
    assert PART.fmax_mhz(cells, bits, memory=memory, aligned=True) == pytest.approx(1e3 / ns)


def test_bytes_that_are_shifted_take_longer() -> None:
    assert PART.fmax_mhz(1000, 32, memory=True, aligned=False) == pytest.approx(1e3 / 12.0)
    assert PART.fmax_mhz(1000, 32, memory=False, aligned=False) == PART.fmax_mhz(1000, 32, memory=False, aligned=True)


def test_what_was_not_measured_is_not_said() -> None:
    part = replace(PART, memory_ns=None)
    assert part.fmax_mhz(1000, 32, memory=True, aligned=True) is None
    assert part.fmax_mhz(1000, 32, memory=False, aligned=False) == 125.0
    assert speed("no such part") is None


def test_where_memory_is_never_slower() -> None:
    assert replace(PART, memory_ns=0.0).fmax_mhz(1000, 32, memory=True, aligned=True) == 125.0


@pytest.mark.parametrize("board", boards.BOARDS.values(), ids=lambda board: board.name)
def test_every_board_is_of_a_kind(board: Board) -> None:
    """Options and kind agree: what nextpnr is told is what the table's row was routed with."""
    toolchain = board.family.toolchain
    assert board.part.speed
    if toolchain is not None and toolchain.grade_option:
        number = board.place_route_options.index(toolchain.grade_option)
        assert board.speed == f"{board.part.speed}-{board.place_route_options[number + 1]}"
    else:
        assert board.speed == board.part.speed


def test_every_row_is_of_a_board() -> None:
    assert set(speeds()) <= {board.speed for board in boards.BOARDS.values()}


def test_faster_parts_are_faster() -> None:
    """Of what data sheets order: grades of the ECP5, and the three kinds of iCE40."""
    kinds = ("ecp5-8", "ecp5-6", "ice40-hx", "ice40-lp", "ice40-u")
    ns = [speeds()[kind].control_ns for kind in kinds]
    assert ns == sorted(ns)
