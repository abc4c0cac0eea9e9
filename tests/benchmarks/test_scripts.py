"""The measurements can be started: what they import is there; and what they left speaks of no machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_imports(script: Path, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {script.stem}"],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("result", sorted((SCRIPTS[0].parent / "results").glob("*.json")), ids=lambda path: path.stem)
def test_what_is_recorded_names_no_path_of_a_machine(result: Path) -> None:
    def absolute(value: object) -> list[str]:
        if isinstance(value, dict):
            return [path for each in value.values() for path in absolute(each)]
        if isinstance(value, list):
            return [path for each in value for path in absolute(each)]
        return [value] if isinstance(value, str) and Path(value).is_absolute() else []

    assert absolute(json.loads(result.read_text())) == []
