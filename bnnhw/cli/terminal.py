"""What goes to stdout and stderr, whatever these are: closed, full, a pipe that nobody reads, another encoding."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from bnnhw.errors import FileError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "finish", "prepare", "write_out"]

PIPE_WIDTH = 240
"""Columns of a table that goes to a file or another program."""


def console() -> Console:
    """For tables on stdout; silent when nobody reads it any more."""
    from rich.console import Console

    class Patient(Console):
        def on_broken_pipe(self) -> None:
            _silence()

    # Into a file or a pipe tables are as wide as they need to be.
    return Patient(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def prepare() -> None:
    """Lets every text be written, in whatever encoding: what that has not is written as an escape."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by whoever started the program.
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_out(text: str) -> None:
    """Writes to stdout.

    Raises
    ------
    FileError
        When it can't be written. A reader who has seen enough (``head``) is no error.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    except OSError as error:
        _silence()
        raise FileError(f"stdout: can't be written: {error.strerror or error}") from None


def finish() -> None:
    """Writes what is still in memory; errors as :func:`write_out`."""
    write_out("")


def _silence() -> None:
    """From now on stdout leads nowhere; Python would complain once more while it closes the broken one."""
    stream: TextIO = sys.stdout
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        sys.stdout = io.StringIO()
