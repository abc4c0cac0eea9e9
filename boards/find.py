"""Where boards come from: files here, packages that others installed, and files that a user names."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from bnnhw.boards.board import Board
from bnnhw.errors import BnnhwError, FileError, RequestError
from bnnhw.files import digest

__all__ = ["GROUP", "board_file", "boards_in", "installed", "named_file"]

GROUP = "bnnhw.boards"
"""The entry points that bring boards: each names a :class:`Board` or a sequence of them."""


def boards_in(module: ModuleType) -> Iterator[Board]:
    """The boards that are values of a module, or in tuples or lists that are."""
    for value in vars(module).values():
        yield from _boards(value)


def _boards(value: object) -> Iterator[Board]:
    if isinstance(value, Board):
        yield value
    elif isinstance(value, tuple | list):
        yield from (item for item in value if isinstance(item, Board))


def installed(known: Iterable[str]) -> dict[str, Board]:
    """The boards of other packages' entry points, by name.

    Raises
    ------
    RequestError
        For an entry point that can't be loaded, holds no board, or one whose name is in ``known`` or another's.
    """
    taken = set(known)
    found: dict[str, Board] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        for board in _loaded(point):
            if board.name in taken:
                raise RequestError(f"{_origin(point)}: the name {board.name!r} is taken by another board")
            taken.add(board.name)
            found[board.name] = board
    return found


def _origin(point: EntryPoint) -> str:
    package = "a package" if point.dist is None else f"the package {point.dist.name}"
    return f"board {point.name!r} of {package}"


def _loaded(point: EntryPoint) -> list[Board]:
    try:
        value = point.load()
    except Exception as error:
        raise RequestError(f"{_origin(point)}: can't be loaded: {_reason(error)}") from error
    boards = list(_boards(value))
    if not boards:
        raise RequestError(f"{_origin(point)}: {point.value} must be a Board or a sequence of them, and is not")
    return boards


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BnnhwError) else f"{type(error).__name__}: {error}"


def named_file(name: str) -> tuple[Path, str | None] | None:
    """The file, and the name of a board in it, where a board is asked for by ``FILE.py`` or ``FILE.py:NAME``."""
    match = re.fullmatch(r"(.+\.py)(?::([^:/\\]+))?", name)
    return (Path(match[1]), match[2]) if match else None


def board_file(path: Path, name: str | None, known: Iterable[Board]) -> Board:
    """A board that a Python file defines.

    Parameters
    ----------
    path : Path
        Is run: it is the user's own.
    name : str, optional
        Which of several.
    known : iterable of Board
        Boards that the file may import and that are not its own.

    Raises
    ------
    FileError
        When the file is missing, can't be run, or holds no board.
    RequestError
        When it holds several and none of them is named, or not the one that is.
    """
    others = {id(board) for board in known}
    boards = {board.name: board for board in boards_in(_run(path)) if id(board) not in others}
    if not boards:
        raise FileError(f"{path}: must define a board, a value that is a bnnhw.boards.Board, and does not")
    if name is None and len(boards) > 1:
        first = next(iter(boards))
        raise RequestError(f"{path}: holds several boards ({', '.join(boards)}); name one, as in {path}:{first}")
    if name is not None and name not in boards:
        raise RequestError(f"board of {path} must be one of {', '.join(boards)}, not {name!r}")
    return next(iter(boards.values())) if name is None else boards[name]


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    # Not the name of any package's module, whatever the file is called; and in sys.modules, where the source of a class
    # is looked up.
    name = f"_bnnhw_board_{digest(str(path.absolute()))[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise FileError(f"{path}: line {error.lineno}: {error.msg}") from error
    except Exception as error:
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if Path(frame.filename) == path.absolute()]
        where = f"line {lines[-1]}: " if lines else ""
        raise FileError(f"{path}: {where}{_reason(error)}") from error
    return module
