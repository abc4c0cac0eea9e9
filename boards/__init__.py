"""The boards: one file each, found by its being here; other packages' boards, and files of a user's own."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bnnhw.boards.board import Board, Lamp
from bnnhw.boards.find import board_file, boards_in, installed, named_file
from bnnhw.errors import RequestError

__all__ = ["BOARDS", "Board", "Lamp", "all_boards", "get", "usual"]


def _own() -> dict[str, Board]:
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    boards = {board.name: board for module in modules for board in boards_in(module)}
    return {board.name: board for board in sorted(boards.values(), key=lambda board: (board.lut4, board.name))}


BOARDS = _own()
"""The boards that come with bnnhw, by name, the smallest first."""


def usual() -> list[Board]:
    """Those that a network is folded for where no board is named, the smallest first."""
    return [board for board in BOARDS.values() if board.usual]


def all_boards() -> dict[str, Board]:
    """These, and after them those of installed packages (entry points of the group ``bnnhw.boards``)."""
    return {**BOARDS, **installed(BOARDS)}


def get(name: str) -> Board:
    """A board by its name, or by a Python file that defines it: ``FILE.py``, or ``FILE.py:NAME`` where it has several.

    Raises
    ------
    RequestError
        For an unknown name; the message lists the known ones.
    FileError
        For a file that is missing, can't be run, or holds no board.
    """
    if (named := named_file(name)) is not None:
        return board_file(*named, BOARDS.values())
    # A broken package of others must not stand in the way of a board of ours.
    boards = BOARDS if name in BOARDS else all_boards()
    if name not in boards:
        raise RequestError(f"board must be one of {', '.join(boards)}, not {name!r}")
    return boards[name]
