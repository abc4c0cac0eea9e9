"""Runs one tool, keeps what it says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

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
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [*tool.command, *arguments],
            cwd=folder,
            env=tool.full_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for text in process.stdout:
                file.write(text)
                if line is not None:
                    line(text.rstrip())
        except BaseException:
            process.kill()
            raise
        return process.wait()
