"""Mutated models: each is read or refused in one line, soon, and within a little memory (tests/frontend/fuzz.py).

benchmarks/measure_import_fuzz.py does 20,000 of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def fuzz(folder: Path, first: int, number: int) -> dict[str, Any]:
    """The state after mutations ``first .. first + number - 1``."""
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.frontend.fuzz"]
    command += [str(first), str(number), str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    state = (folder / "state.json").read_text() if (folder / "state.json").exists() else ""
    assert result.returncode == 0, (state, result.stderr[-2000:])
    return json.loads(state)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")
@pytest.mark.parametrize(
    "first, number", [(0, 400), *(pytest.param(i, 2000, marks=pytest.mark.slow) for i in range(0, 10_000, 2000))]
)
def test_mutations(tmp_path: Path, first: int, number: int) -> None:
    state = fuzz(tmp_path, first, number)
    assert state["failures"] == []
    assert (state["next"], state["read"] + state["refused"]) == (first + number, number)
    # Most are broken, some only in a way that does not matter.
    assert state["refused"] > number // 2
    assert state["read"] > number // 50
