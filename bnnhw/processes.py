"""Programs of others, run so that whatever ends bnnhw ends them too, and what they started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Any

__all__ = ["Processes", "Terminated", "end_on_signals", "run", "start", "stop", "talk"]

GRACE_S = 2.0
"""Time to tidy up that a program gets before it is killed."""


class Terminated(BaseException):
    """A signal that ends programs has come.

    Parameters
    ----------
    number : int
        The signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number


class Processes:
    """Programs that run at the same time and end together.

    Parameters
    ----------
    parent : Processes, optional
        Those that end these when they end.
    """

    def __init__(self, parent: Processes | None = None) -> None:
        self._parent = parent
        self._lock = threading.RLock()
        self._running: set[subprocess.Popen[Any]] = set()
        self._ended = False

    def start(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[Any] = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Starts a program in a process group of its own: what it starts is found by that.

        Its output is a pipe, of text. :meth:`stop` must follow.
        """
        text = {"text": True, "encoding": "utf-8", "errors": "replace"}
        return self._start(arguments, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stderr=stderr, **text)

    def talk(self, arguments: Sequence[str | Path], *, stderr: int | IO[Any]) -> subprocess.Popen[bytes]:
        """The same of a program that is talked to: its input and its output are pipes, of bytes."""
        return self._start(arguments, stdin=subprocess.PIPE, stderr=stderr)

    def _start(self, arguments: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
        group: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
        with self._lock:
            if self.ended:
                raise InterruptedError("programs are being ended")
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, **options, **group)
            self._add(process)
        return process

    def stop(self, process: subprocess.Popen[Any]) -> None:
        """Ends a program that still runs, and what it started; waits for it."""
        try:
            if process.poll() is None:
                _signal(process, signal.SIGTERM)
                try:
                    process.wait(GRACE_S)
                except subprocess.TimeoutExpired:
                    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
                    process.wait()
        finally:
            self._discard(process)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end, which is the end of this call too, however that ends."""
        process = self.start(arguments, cwd=cwd, env=env)
        try:
            with process:
                try:
                    out, errors = process.communicate(timeout=timeout)
                except BaseException:
                    self.stop(process)
                    raise
        finally:
            self.stop(process)
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)

    @property
    def ended(self) -> bool:
        """Whether no program is started any more."""
        return self._ended or (self._parent is not None and self._parent.ended)

    def end(self) -> None:
        """Ends all that run, without waiting for them; none is started any more."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        if running:
            timer = threading.Timer(GRACE_S, self._kill, [running])
            timer.daemon = True
            timer.start()

    def _kill(self, processes: list[subprocess.Popen[Any]]) -> None:
        with self._lock:
            for process in self._running.intersection(processes):
                _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))

    def _add(self, process: subprocess.Popen[Any]) -> None:
        with self._lock:
            self._running.add(process)
            if self._parent is not None:
                self._parent._add(process)

    def _discard(self, process: subprocess.Popen[Any]) -> None:
        with self._lock:
            self._running.discard(process)
            if self._parent is not None:
                self._parent._discard(process)


def _signal(process: subprocess.Popen[Any], number: int) -> None:
    """Sends a signal to a program and to what it started; a program that was waited for is not there any more."""
    if process.returncode is not None:
        return
    try:
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except (ProcessLookupError, PermissionError):
        pass


EVERY = Processes()
"""All programs that this one runs."""

run, start, stop, talk = EVERY.run, EVERY.start, EVERY.stop, EVERY.talk


def end_on_signals() -> None:
    """From now on a signal that ends this program is an exception in it, and ends what it started at once.

    SIGTERM and SIGHUP become :class:`Terminated`, SIGINT a :class:`KeyboardInterrupt`. A signal that is ignored stays
    so (``nohup``), and one that comes a second time does not interrupt the tidying up.
    """
    came: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if came:
            return
        came.append(number)
        EVERY.end()
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
