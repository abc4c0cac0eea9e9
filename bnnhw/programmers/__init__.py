"""What puts a bitstream on a board: one file per program, found by its being here."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["PROGRAMMERS", "Memory", "Programmer", "programs"]


def _found() -> dict[str, type[Programmer]]:
    modules = [import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    kinds = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Programmer) and value is not Programmer
    ]
    return {kind.program.name: kind for kind in kinds}


PROGRAMMERS = _found()
"""The kinds of programmers, by the names of their programs."""


def programs() -> tuple[Program, ...]:
    """The programs that boards are programmed with."""
    return tuple(kind.program for kind in PROGRAMMERS.values())
