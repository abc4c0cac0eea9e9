"""Builds the simulation once, runs what was asked for once, and tells what each of its tests said."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from bnnhw import tools
from bnnhw.rtl.emit import verilog
from tests.conftest import ROOT, root
from tests.needs import needs

__all__ = ["root"]

BUILD_ARGS = (
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "-O1",
    # What has no value differs from run to run, so that leaning on it shows.
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
)
# Optimized a little: ten seconds more to compile, and all units, 800,000 cycles, take half as long.
MAKE_VARIABLES = "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O0"


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Name of each cocotb test of the units asked for -> None, or what failed.

    One simulation runs them all, and only them: those whose pytest item is part of this run.
    """
    _require_tools()
    from rtl_tests.top import TOP, UNITS, Units, tests_of

    everything = {name for unit in UNITS.values() for name in tests_of(unit)}
    asked = {name for item in request.session.items for name in _asked(item)} or everything
    # Without a filter where all are asked for, so that a test that no unit has shows.
    only = None if asked >= everything else "|".join(rf"{re.escape(name)}$" for name in sorted(asked))
    sources = {f"{TOP}.v": verilog(Units(), TOP)}
    return _simulate(request, tmp_path_factory, TOP, sources, "rtl_tests.cocotb_units", only)


def _asked(item: pytest.Item) -> Sequence[str]:
    """The cocotb tests that an item reports on."""
    parameters = getattr(item, "callspec", None)
    return () if parameters is None else parameters.params.get("cocotb_tests", ())


@pytest.fixture(scope="session")
def board_results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Name of each test at the pins of a board's top -> None, or what failed."""
    _require_tools()
    from rtl_tests.board.top import BENCH, sources

    files = sources(tmp_path_factory.mktemp("board"))
    return _simulate(request, tmp_path_factory, BENCH, files, "rtl_tests.board.cocotb_board")


def _require_tools() -> None:
    pytest.importorskip("cocotb")
    needs("verilator", "make", "c++", "perl")


def _simulate(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    top: str,
    sources: dict[str, str],
    test_module: str,
    only: str | None = None,
) -> dict[str, str | None]:
    """Builds Verilog files, from the cache where they are unchanged, and runs a module of cocotb tests on them.

    ``only`` is a regular expression that the names of the tests to run match; all run without it.
    """
    from cocotb_tools.runner import get_runner

    verilator = tools.require("verilator")
    key = repr((sources, verilator.version, str(verilator.path), BUILD_ARGS, MAKE_VARIABLES))
    assert request.config.cache is not None
    cache = request.config.cache.mkdir(f"rtl_tests_{top}")
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    build, work = cache / digest, tmp_path_factory.mktemp("rtl")
    # Workers of one run share a folder, and so what one of them simulated.
    base = tmp_path_factory.getbasetemp()
    report = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"{top}_{digest}.xml"
    environment = verilator.full_environment()
    environment["MAKEFLAGS"] = f"{environment.get('MAKEFLAGS', '')} {MAKE_VARIABLES}".strip()
    # The simulator's Python finds the benches and the package the way this one did.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    runner = get_runner("verilator")
    with FileLock(cache / "lock"), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        if not (build / "complete").is_file():
            for old in cache.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            build.mkdir()
            for name, text in sources.items():
                (build / name).write_text(text)
            runner.build(
                sources=[build / name for name in sources],
                hdl_toplevel=top,
                build_dir=build,
                build_args=list(BUILD_ARGS),
                log_file=build / "build.log",
            )
            (build / "complete").touch()
        if not report.is_file():
            # The runner leaves by SystemExit where a test failed; which one, and why, its report says.
            with contextlib.suppress(SystemExit):
                runner.test(
                    hdl_toplevel=top,
                    hdl_toplevel_lang="verilog",
                    test_module=test_module,
                    test_filter=only,
                    build_dir=build,
                    test_dir=work,
                    results_xml=str(report),
                    log_file=work / "run.log",
                    plusargs=["+verilator+rand+reset+2", "+verilator+seed+7"],
                )
    if not report.is_file():
        pytest.fail(f"the simulation left no report: {(work / 'run.log').read_text()[-2000:]}")
    return _read(report)


def _read(report: Path) -> dict[str, str | None]:
    said: dict[str, str | None] = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        problem = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        text = None if problem is None else f"{problem.get('message', '')} {problem.text or ''}".strip() or problem.tag
        said[str(case.get("name"))] = text
    return said
