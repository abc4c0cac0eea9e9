"""The baud rate of a board's link."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.boards import Board
from bnnhw.build.bitstream import check_clock
from bnnhw.errors import RequestError
from bnnhw.links import board_link

__all__ = ["with_baud"]


def with_baud(board: Board, baud: int | None, freq_mhz: float | None = None) -> Board:
    """A board whose link has a baud rate of one's choice.

    Parameters
    ----------
    baud : int, optional
        None leaves the board as it is.
    freq_mhz : float, optional
        The clock that is divided; the board's when not given.

    Raises
    ------
    RequestError
        For a link that has no baud rate, a rate beyond that of the board's serial bridge, and one that the clock can't
        be divided to.
    """
    if baud is None:
        return board
    link = board_link(board)
    link.configured(baud=baud)
    if board.bridge_baud is not None and baud > board.bridge_baud:
        raise RequestError(
            f"baud rate must be at most {board.bridge_baud} on {board.name}, whose serial bridge carries no more, "
            f"not {baud}"
        )
    board = replace(board, settings={**board.settings, link.name: {**board.settings.get(link.name, {}), "baud": baud}})
    check_clock(board, board_link(board), freq_mhz)
    return board
