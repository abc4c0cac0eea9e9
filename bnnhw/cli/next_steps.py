"""What to do next: the commands that follow a verb, to be copied."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.boards import Board

__all__ = ["after_build", "command", "show_next", "show_steps"]

NAME = "bnnhw"


def command(*words: str | Path) -> str:
    """A command of this program, as it is to be typed here: by its path where it is not the one on ``PATH``."""
    return shlex.join([_called(), *map(str, words)])


def _called() -> str:
    called = Path(sys.argv[0])
    found = shutil.which(NAME)
    if called.stem != NAME or (found is not None and Path(found).resolve() == called.resolve()):
        return NAME
    try:
        return str(called.relative_to(Path.cwd())) if called.is_absolute() else str(called)
    except (ValueError, OSError):
        return str(called)


def after_build(folder: Path, board: Board, asked: str, samples: tuple[str, ...]) -> dict[str, str]:
    """From a built folder to classes: what is done -> the command, or what stands in its place.

    Parameters
    ----------
    folder : Path
    board : Board
    asked : str
        The board as it was asked for: one of the user's own is asked for again, by its file.
    samples : tuple of str
        The options of ``bnnhw run`` that say which samples.
    """
    own = () if asked == board.name else ("--board", asked)
    steps = {
        # Of a board that nothing known here loads the note says how it is loaded.
        "program": command("program", folder, *own) if board.programmers else board.note,
        "run": command("run", folder, *own, "--port", "PORT", *samples),
    }
    if board.family.board_models is not None:
        steps["without a board"] = command("run", folder, *own, "--virtual", *samples)
    return {what: how for what, how in steps.items() if how}


def show_next(console: Console, *words: str | Path) -> None:
    """Shows the one command that follows."""
    console.print(f"next: {command(*words)}", markup=False, soft_wrap=True)


def show_steps(console: Console, steps: Mapping[str, str]) -> None:
    """Shows commands by what they do, each alone to the end of its line."""
    console.print("next")
    width = max(map(len, steps))
    for what, how in steps.items():
        console.print(f"  {what:<{width}}  {how}", markup=False, soft_wrap=True)
