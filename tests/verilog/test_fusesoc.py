"""The core file that is generated, run through FuseSoC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bnnhw.flow.generate import generate
from tests.needs import needs_icarus
from tests.verilog.networks import NETWORKS


def test_simulation(tmp_path: Path) -> None:
    pytest.importorskip("fusesoc")
    needs_icarus()
    design = generate(NETWORKS["signal"](), tmp_path / "design", name="ear", link="axis")
    command = [sys.executable, "-c", "from fusesoc.main import main; main()", "--cores-root", str(design.folder)]
    core = f"bnnhw::{design.whole.top}"
    done = subprocess.run([*command, "run", "--target=sim", core], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    assert "PASS: ear_accelerator_axis_tb, 2 x 12 frames\n" in done.stdout
    # A design that depends on it gets the Verilog alone.
    done = subprocess.run(
        [*command, "run", "--target=default", "--tool=icarus", "--setup", core],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    (script,) = tmp_path.glob("build/*/default-icarus/*.scr")
    assert "ear_accelerator_axis.v" in script.read_text() and "_tb" not in script.read_text()
