"""Plants one fault as the module is imported, and runs chosen tests until one fails.

Nothing on disk changes, so that a run that is cut short leaves nothing behind.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from mutation.mutants import planted

__all__ = ["Planter", "child", "limited"]

MEMORY = 6 << 30
"""Bytes that a run may allocate: some faults would fill the machine."""


class _Loader(SourceFileLoader):
    """Compiles the module with its fault, past the cache of compiled files."""

    def __init__(self, name: str, path: str, index: int) -> None:
        super().__init__(name, path)
        self.index = index

    def get_code(self, fullname: str) -> CodeType:
        return compile(planted(Path(self.path).read_text(), self.index), self.path, "exec")


class Planter(MetaPathFinder):
    """Finds one module, once, with a fault in it.

    Parameters
    ----------
    mutant : str
        ``bnnhw.ir.types:17``: module, and index of the fault.
    """

    def __init__(self, mutant: str) -> None:
        self.name, _, index = mutant.partition(":")
        self.index = int(index)
        self.planted = False
        assert self.name not in sys.modules, f"{self.name} was imported before its fault could be planted"
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self.index)
        self.planted = True
        return spec


class _Chosen:
    """Leaves the chosen tests, in the order they were chosen in, and says which one failed."""

    def __init__(self, tests: list[str] | None) -> None:
        self.order = None if tests is None else {test: place for place, test in enumerate(tests)}
        self.failed = ""
        self.passed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.order is not None:
            places = self.order
            items[:] = sorted((item for item in items if item.nodeid in places), key=lambda item: places[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid
        elif report.when == "call":
            self.passed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = report.nodeid


def limited(seconds: float) -> None:
    """Limit processor time and memory of this process."""
    limit = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def child(
    mutant: str | None, files: list[str], tests: list[str] | None, seconds: float, log: str, answer: Connection
) -> None:
    """Run the chosen tests in this process, a fresh one, and answer with exit status, failed test and what was run.

    An answer also says whether the fault was planted. ``seconds`` of processor time are a limit that ends the process.
    """
    os.setsid()
    with open(log, "wb") as file:  # noqa: PTH123
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    limited(seconds)
    # The same examples for every fault.
    os.environ["CI"] = "1"
    sys.dont_write_bytecode = True
    planter = None if mutant is None else Planter(mutant)
    chosen = _Chosen(tests)
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    status = int(pytest.main([*options, *files], plugins=[chosen]))
    answer.send((status, chosen.failed, chosen.passed, planter is None or planter.planted))
    answer.close()
    sys.stdout.flush()
    os._exit(0)
