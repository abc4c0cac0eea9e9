"""The LiteX example: a design generated here, wrapped and simulated there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bnnhw.flow.generate import generate
from tests.needs import needs_icarus
from tests.verilog.networks import NETWORKS


def test_frames(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("litex")
    needs_icarus()
    design = generate(NETWORKS["signal"](), tmp_path / "design", link="axis")
    command = [sys.executable, root / "examples" / "litex_stream.py", design.folder, "--build", tmp_path / "litex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"PASS: 12 beats of {design.whole.top} in ")
