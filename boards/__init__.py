"""One file per board."""

from __future__ import annotations

from bnnhw.boards import icebreaker, ulx3s
from bnnhw.boards.board import Board
from bnnhw.errors import RequestError

__all__ = ["BOARDS", "Board", "get"]

BOARDS: dict[str, Board] = {board.name: board for board in (icebreaker.ICEBREAKER, *ulx3s.VARIANTS)}
"""Every board, by name."""


def get(name: str) -> Board:
    """A board by its name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    if name not in BOARDS:
        raise RequestError(f"board must be one of {', '.join(BOARDS)}, not {name!r}")
    return BOARDS[name]
