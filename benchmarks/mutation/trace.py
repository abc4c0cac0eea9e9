"""Which test runs which line of the package, and the processor time of each test: recorded once per file of tests."""

from __future__ import annotations

import ast
import bisect
import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mutation.places import ROOT

__all__ = ["Trace"]

CACHE = ROOT / "build" / "mutation"


class Trace:
    """What the tests of a part run.

    A file of tests is traced again when its text has changed. A module that has changed since is known by its tests,
    no longer by its lines.

    Parameters
    ----------
    part : str
        Names the cache.
    files : list of str
        Of tests.
    """

    def __init__(self, part: str, files: list[str]) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        path = CACHE / f"{part}.json"
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.files = {file: known[file] for file in files if file in known and known[file]["digest"] == _digest(file)}
        missing = [file for file in files if file not in self.files]
        if missing:
            print(f"tracing {len(missing)} files of tests of {part}", flush=True)
            for file, traced in _traced(missing).items():
                known[file] = self.files[file] = {"digest": _digest(file), **traced}
            path.write_text(json.dumps(known))

    def touching(self, module: Path, line: int) -> tuple[list[str], list[str]]:
        """The tests that run a line, or may since the module has changed, and the others that run the module at all.

        Both the quickest first.
        """
        name = str(module.relative_to(ROOT))
        exact: dict[str, float] = {}
        others: dict[str, float] = {}
        for traced in self.files.values():
            run = traced["modules"].get(name)
            if run is None:
                continue
            every = {place for row in run["lines"].values() for place in row}
            here = run["lines"].get(str(line), ()) if run["digest"] == _digest(name) else every
            for place in every:
                test, seconds = traced["tests"][place]
                (exact if place in here else others)[test] = seconds
        return sorted(exact, key=exact.__getitem__), sorted(others, key=others.__getitem__)

    def all(self) -> list[str]:
        """All tests, quickest first."""
        return [name for name, _ in sorted((t for traced in self.files.values() for t in traced["tests"]), key=_second)]

    def within(self, tests: list[str], most: float) -> list[str]:
        """The first of some tests that take no more than so many seconds together."""
        times = {name: seconds for traced in self.files.values() for name, seconds in traced["tests"]}
        total = list(itertools.accumulate(times[test] for test in tests))
        return tests[: bisect.bisect_right(total, most)]

    def seconds(self, tests: list[str]) -> float:
        """What some tests take, traced."""
        times = {name: seconds for traced in self.files.values() for name, seconds in traced["tests"]}
        return sum(times.get(test, 0) for test in tests)


def _second(pair: tuple[str, float]) -> float:
    return pair[1]


def _digest(file: str) -> str:
    return hashlib.sha256((ROOT / file).read_bytes()).hexdigest()


def runs_at_import(source: str, line: int) -> bool:
    """Whether a line is outside of every function's body; one that a lambda begins on holds more than the lambda."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0):
            return False
        if isinstance(node, ast.Lambda) and node.lineno < line <= (node.end_lineno or 0):
            return False
    return True


def _traced(files: list[str]) -> dict[str, Any]:
    """Run files of tests, without a fault, in a process of their own; they must pass."""
    target = CACHE / f"traced-{os.getpid()}.json"
    options = ["-p", "mutation.trace", "-p", "no:cacheprovider", "-q", "-n", "0"]
    command = [sys.executable, "-m", "pytest", *options, *files]
    environment = {**os.environ, "CI": "1", "BNNHW_TRACE": str(target), "PYTHONPATH": str(ROOT / "benchmarks")}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"without a fault the tests must pass:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    try:
        return json.loads(target.read_text())
    finally:
        target.unlink()


class _Recorder:
    """The pytest plugin that records."""

    def __init__(self, target: Path) -> None:
        import coverage

        self.target = target
        self.seconds: dict[str, float] = {}
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=[str(ROOT / "bnnhw" / "*")])
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.coverage.switch_context(item.nodeid)
        start = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - start
            self.coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        out: dict[str, Any] = {}
        for test, seconds in self.seconds.items():
            file = out.setdefault(test.partition("::")[0], {"tests": [], "modules": {}})
            file["tests"].append((test, round(seconds, 4)))
        places = {test: i for file in out.values() for i, (test, _) in enumerate(file["tests"])}
        for measured in sorted(data.measured_files()):
            name = str(Path(measured).relative_to(ROOT))
            digest = _digest(name)
            for line, contexts in data.contexts_by_lineno(measured).items():
                for test in filter(None, contexts):
                    run = out[test.partition("::")[0]]["modules"].setdefault(name, {"digest": digest, "lines": {}})
                    run["lines"].setdefault(line, []).append(places[test])
        self.target.write_text(json.dumps(out))


def pytest_configure(config: pytest.Config) -> None:
    if "BNNHW_TRACE" in os.environ:
        config.pluginmanager.register(_Recorder(Path(os.environ["BNNHW_TRACE"])))
