"""Runs one tool, keeps what it says."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from bnnhw import processes
from bnnhw.errors import FileError
from bnnhw.files import scratch
from bnnhw.tools import Tool

__all__ = ["SilentError", "run_logged"]


class SilentError(Exception):
    """A tool said nothing for longer than it may."""


def run_logged(
    tool: Tool, arguments: Sequence[str], folder: Path, log: Path, line: Callable[[str], float | None] | None = None
) -> int:
    """Runs a tool in ``folder``, both its outputs to the file ``log``.

    A process of its own, so that a crash or a want of memory does not take the caller along. It ends with
    the caller's interruption too.

    Parameters
    ----------
    line : callable, optional
        Told every line as it comes; returns for how many seconds the tool may be silent after it, or None: for ever.

    Returns
    -------
    int
        The exit status; negative for a signal.

    Raises
    ------
    SilentError
        When the tool was silent for longer, and was ended.
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


def _tell(file: TextIO, line: Callable[[str], float | None] | None, text: str) -> float | None:
    file.write(text)
    return None if line is None else line(text.rstrip())


def _run(
    tool: Tool, arguments: Sequence[str], folder: Path, temporary: Path, tell: Callable[[str], float | None]
) -> int:
    environment = {**tool.full_environment(), "TMPDIR": str(temporary)}
    process = processes.start([*tool.command, *arguments], cwd=folder, env=environment, stderr=subprocess.STDOUT)
    silence = _Silence(partial(processes.stop, process))
    try:
        with process:
            assert process.stdout is not None
            try:
                for text in process.stdout:
                    silence.ends()
                    silence.begins(tell(text))
            except BaseException:
                processes.stop(process)
                raise
    finally:
        silence.ends()
        processes.stop(process)
    if silence.too_long.is_set():
        raise SilentError(f"{tool.name} was silent for too long")
    return process.returncode


class _Silence:
    """Ends a process that says nothing for too long.

    Attributes
    ----------
    too_long : threading.Event
        Set when that has happened.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self.too_long = threading.Event()
        self._end = end
        self._timer: threading.Timer | None = None

    def begins(self, limit: float | None) -> None:
        """For so many seconds at most; None: for ever."""
        if limit is not None:
            self._timer = threading.Timer(limit, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def ends(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self.too_long.set()
        self._end()
