"""Tests that are collected once, and run in a fork of their process for every fault.

A function takes the code of the module with the fault (``__code__``), wherever it is already referred to. What a module
computes while it is imported can't be replaced so: such faults are answered :data:`UNPLANTED` and tried in a process
that imports the module with its fault (:func:`mutation.plugin.child`).
"""

from __future__ import annotations

import gc
import inspect
import json
import os
import select
import signal
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from mutation.mutants import planted
from mutation.plugin import Planter, limited

__all__ = ["UNPLANTED", "replace", "serve"]

UNPLANTED = "unplanted"
WALL = 20
"""A run may take so many times its processor time on the clock: what sleeps for ever takes none."""


def _shell(code: CodeType) -> object:
    """What a module or a class body does, but for the code inside it."""
    consts = tuple(None if isinstance(const, CodeType) else (type(const), const) for const in code.co_consts)
    return code.co_code, consts, code.co_names


def _changed(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """The functions that differ between two versions of a module; None where something else does."""
    runs = not old.co_flags & inspect.CO_OPTIMIZED
    if runs and _shell(old) != _shell(new):
        return None
    found = [] if runs or old == new else [(old, new)]
    inside = ([const for const in code.co_consts if isinstance(const, CodeType)] for code in (old, new))
    for pair in zip(*inside, strict=False):
        if pair[0] != pair[1]:
            more = _changed(*pair)
            if more is None:
                return None
            found += more
    return found


def replace(mutant: str) -> bool:
    """Plant a fault in a module that is imported already; False where that can't be done."""
    name, _, index = mutant.partition(":")
    path = sys.modules[name].__file__
    assert path is not None
    source = Path(path).read_text()
    new = compile(planted(source, int(index)), path, "exec")
    changed = _changed(compile(source, path, "exec"), new)
    if not changed:
        return False
    codes = {(old.co_qualname, old.co_firstlineno): (old, new) for old, new in changed}
    found = 0
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__.co_filename == path:
            code = function.__code__
            pair = codes.get((code.co_qualname, code.co_firstlineno))
            if pair is not None and pair[0] == code:
                function.__code__ = pair[1]
                found += 1
    return found > 0


class _Server:
    """Answers requests for runs in place of pytest's own loop over the tests."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.connection.send(session.testsfailed)
        items = {item.nodeid: item for item in session.items}
        while (request := self.connection.recv()) is not None:
            self.connection.send(self._answer(items, *request))
        return True

    def _answer(
        self, items: dict[str, pytest.Item], mutant: str | None, tests: list[str], seconds: float
    ) -> tuple[str, str]:
        """``passed``, ``failed``, ``timeout`` or :data:`UNPLANTED`; and the test that failed."""
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.setsid()
            limited(seconds)
            verdict = self._run([items[test] for test in tests if test in items], mutant)
            os.write(theirs, json.dumps(verdict).encode())
            os._exit(0)
        os.close(theirs)
        end, text = time.monotonic() + WALL * seconds, b""
        while (left := end - time.monotonic()) > 0 and select.select([ours], [], [], left)[0]:
            part = os.read(ours, 1 << 16)
            if not part:
                break
            text += part
        os.close(ours)
        if time.monotonic() >= end:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if text:
            verdict, failed = json.loads(text)
            return verdict, failed
        code = os.waitstatus_to_exitcode(status)
        return ("timeout" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "failed"), f"ended by {code}"

    def _run(self, items: list[pytest.Item], mutant: str | None) -> tuple[str, str]:
        planter = None
        if mutant is not None:
            if mutant.partition(":")[0] not in sys.modules:
                planter = Planter(mutant)
            elif not replace(mutant):
                return UNPLANTED, ""
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return "failed", self.failed
        return ("passed" if planter is None or planter.planted else UNPLANTED), ""


def serve(files: list[str], connection: Connection) -> None:
    """Collect files of tests, then answer requests of (fault, tests, seconds) until one is None."""
    os.environ["CI"] = "1"
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "wb") as nothing:  # noqa: PTH123
        for descriptor in (1, 2):
            os.dup2(nothing.fileno(), descriptor)
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:faulthandler", f"--basetemp={folder}/t"]
        pytest.main([*options, *files], plugins=[_Server(connection)])
