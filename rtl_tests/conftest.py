"""Builds the simulation once, runs it once, and tells what each of its tests said."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from filelock import FileLock

from bnnhw import tools
from bnnhw.rtl.emit import verilog

ROOT = Path(__file__).resolve().parent.parent

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
# Compiling costs more than running: registers 25,000 cycles, seconds either way.
MAKE_VARIABLES = "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Name of each test of the units -> None, or what failed."""
    _require_tools()
    from rtl_tests.top import TOP, Units

    return _simulate(request, tmp_path_factory, TOP, {f"{TOP}.v": verilog(Units(), TOP)}, "rtl_tests.cocotb_units")


@pytest.fixture(scope="session")
def board_results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Name of each test at the pins of a board's top -> None, or what failed."""
    _require_tools()
    from rtl_tests.board import BENCH, sources

    files = sources(tmp_path_factory.mktemp("board"))
    return _simulate(request, tmp_path_factory, BENCH, files, "rtl_tests.cocotb_board")


def _require_tools() -> None:
    pytest.importorskip("cocotb")
    for name in ("verilator", "make", "c++", "perl"):
        tool = tools.find(name)
        if not tool.found:
            pytest.skip(f"{name} is missing: {tool.why}")


def _simulate(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    top: str,
    sources: dict[str, str],
    test_module: str,
) -> dict[str, str | None]:
    """Builds Verilog files, from the cache where they are unchanged, and runs a module of cocotb tests on them."""
    from cocotb_tools.runner import get_runner

    verilator = tools.require("verilator")
    key = repr((sources, verilator.version, str(verilator.path), BUILD_ARGS, MAKE_VARIABLES))
    assert request.config.cache is not None
    cache = request.config.cache.mkdir(f"rtl_tests_{top}")
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    build, work = cache / digest, tmp_path_factory.mktemp("rtl")
    report = work / "results.xml"
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
        # The runner leaves by SystemExit where a test failed; which one, and why, its report says.
        with contextlib.suppress(SystemExit):
            runner.test(
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                test_module=test_module,
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
