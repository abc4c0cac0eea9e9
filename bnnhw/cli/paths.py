"""Paths and numbers on the command line: what a verb reads, what it writes, and what is a number at all.

Every path of a verb has one of these types: what it writes is held apart from what it reads before it begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bnnhw.files import Output, OutputFolder, check_apart, check_output

__all__ = [
    "BoardName",
    "DatasetName",
    "InputPath",
    "Number",
    "OutputDirectory",
    "OutputFile",
    "RecipeName",
    "check_paths",
]


class InputPath(click.Path):
    """A file or folder that is read."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)


class BoardName(click.ParamType[str]):
    """A board: a name, or a Python file that is read."""

    name = "board"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)


class DatasetName(click.ParamType[str]):
    """A data set: a name, or a file or folder that is read."""

    name = "data set"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)


class RecipeName(click.ParamType[str]):
    """A recipe: a name, or a TOML file that is read."""

    name = "recipe"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)


class OutputFile(click.Path):
    """A file that is written.

    Parameters
    ----------
    kind : str
        What will be in it, one of :data:`bnnhw.files.SEALED`.
    suffixes : mapping of str to str, optional
        What will be in files whose names end so instead.
    """

    def __init__(self, kind: str, suffixes: Mapping[str, str] | None = None) -> None:
        super().__init__(path_type=Path)
        self._kind, self._suffixes = kind, suffixes or {}

    def kind(self, path: Path) -> str:
        """What will be in the file."""
        return self._suffixes.get(path.suffix.lower(), self._kind)


class OutputDirectory(click.Path):
    """A folder that is written; parameters as of :class:`~bnnhw.files.OutputFolder`."""

    def __init__(self, kind: str, *, shared: bool = False) -> None:
        super().__init__(path_type=Path)
        self.kind, self.shared = kind, shared


class Number(click.FloatRange):
    """A number: neither infinite nor none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"must be a finite number, not {value}", param, ctx)
        return number


def _inputs(given: list[tuple[click.ParamType[Any], Any]]) -> Iterator[Path]:
    for kind, value in given:
        if isinstance(kind, InputPath):
            yield from value if isinstance(value, tuple) else (value,)
        elif isinstance(kind, BoardName) and ".py" in value:
            from bnnhw.boards.find import named_file

            if (named := named_file(value)) is not None:
                yield named[0]
        elif isinstance(kind, RecipeName) and value.endswith(".toml"):
            yield Path(value)
        elif isinstance(kind, DatasetName):
            from bnnhw.datasets import KNOWN

            if value not in KNOWN:
                yield Path(value)


def _outputs(given: list[tuple[click.ParamType[Any], Any]]) -> Iterator[Output]:
    for kind, value in given:
        if isinstance(kind, OutputFile | OutputDirectory):
            yield Output(value, folder=isinstance(kind, OutputDirectory))


def check_paths(context: click.Context) -> None:
    """Refuses, before any work, what a verb must not write: over what it reads, and over what bnnhw did not write.

    Raises
    ------
    RequestError
        Names the path.
    """
    values = [(param.type, context.params.get(param.name or "")) for param in context.command.params]
    given = [(kind, value) for kind, value in values if value is not None]
    check_apart(_inputs(given), _outputs(given))
    for kind, value in given:
        if isinstance(kind, OutputFile):
            check_output(value, kind.kind(value))
        elif isinstance(kind, OutputDirectory):
            OutputFolder(value, kind.kind, shared=kind.shared).check()
