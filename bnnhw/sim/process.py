"""A run of a compiled bench: its progress, its end, and what an end before the last word means."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from bnnhw import processes
from bnnhw.errors import CheckError

__all__ = ["Process", "failure"]


class Process:
    """One run of the program over a range of frames."""

    def __init__(
        self, arguments: list[str], folder: Path, first: int, count: int, on_progress: Callable[[], None] | None
    ) -> None:
        self.folder, self.first, self.count, self.done = folder, first, count, 0
        self._errors = (folder / "errors").open("w+b")
        self._process = processes.start(arguments, stderr=self._errors)
        self._on_progress = on_progress
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.done = int(line)
            if self._on_progress is not None:
                self._on_progress()

    def kill(self) -> None:
        """End it, whatever it does, and wait for it."""
        processes.stop(self._process)
        self._thread.join()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._errors.close()

    def wait(self) -> tuple[int, str]:
        """Exit status and last line of its errors."""
        self._thread.join()
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return status, lines[-1] if lines else ""


def failure(status: int, message: str, process: Process, top: str, finding: str | None) -> Exception:
    """What a run that failed means; ``finding`` tells more of it."""
    if status != 3:
        return RuntimeError(f"the simulation ended with status {status}: {message}")
    more = "" if finding is None else f"; {finding}"
    kind, frame, cycle = message.split()
    where = f"frame {process.first + int(frame)}, cycle {cycle}"
    if kind == "stuck":
        return CheckError(f"{top}: stuck at {where}: no word moved on either side{more}")
    if kind == "invented":
        return CheckError(f"{top}: offers a word after the last of {process.count} frames{more}")
    change = {"changed": "changed an output word", "withdrawn": "withdrew an output word"}[kind]
    return CheckError(f"{top}: {change} before it was taken at {where}{more}")
