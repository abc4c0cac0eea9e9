"""Frames through the serial pins of a board's top, I/O cells and reset included (:mod:`rtl_tests.board.top`)."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.xdist_group("rtl_board")

TESTS = ("board_good_frames", "board_corrupted_frame_is_dropped")


@pytest.mark.parametrize("name", TESTS)
def test_board(board_results: dict[str, str | None], name: str) -> None:
    assert board_results[name] is None, board_results[name]


def test_nothing_else_ran(board_results: dict[str, str | None]) -> None:
    """Each test of the simulation has its line above."""
    assert sorted(board_results) == sorted(TESTS)
