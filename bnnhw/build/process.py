"""Runs one tool, keeps what it says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from bnnhw import processes
from bnnhw.errors import FileError
from bnnhw.files import scratch
from bnnhw.tools import Tool

__all__ = ["run_logged"]


def run_logged(
    tool: Tool, arguments: Sequence[str], folder: Path, log: Path, line: Callable[[str], None] | None = None
) -> int:
    """Runs a tool in ``folder``, both its outputs to the file ``log``.

    A process of its own, so that a crash or a want of memory does not take the caller along. It ends with
    the caller's interruption too.

    Parameters
    ----------
    line : callable, optional
        Told every line as it comes.

    Returns
    -------
    int
        The exit status; negative for a signal.
    """
    with scratch() as temporary:
        try:
            # Made anew: what another name for the old one holds stays.
            log.unlink(missing_ok=True)
            # By lines: who waits for long may look into it.
            with log.open("w", encoding="utf-8", buffering=1) as file:
                return _run(tool, arguments, folder, temporary, partial(_tell, file, line))
        except OSError as error:
            if error.filename not in (None, str(log)):
                raise
            raise FileError(f"{log}: can't be written: {error.strerror or error}") from None


def _tell(file: TextIO, line: Callable[[str], None] | None, text: str) -> None:
    file.write(text)
    if line is not None:
        line(text.rstrip())


def _run(tool: Tool, arguments: Sequence[str], folder: Path, temporary: Path, tell: Callable[[str], None]) -> int:
    environment = {**tool.full_environment(), "TMPDIR": str(temporary)}
    process = processes.start([*tool.command, *arguments], cwd=folder, env=environment, stderr=subprocess.STDOUT)
    try:
        with process:
            assert process.stdout is not None
            try:
                for text in process.stdout:
                    tell(text)
            except BaseException:
                processes.stop(process)
                raise
    finally:
        processes.stop(process)
    return process.returncode
