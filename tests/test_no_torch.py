"""The compiler works without torch: nothing outside bnnhw.training imports it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import importlib, pkgutil, sys
import bnnhw
names = [
    info.name
    for info in pkgutil.walk_packages(bnnhw.__path__, "bnnhw.")
    if not f"{info.name}.".startswith("bnnhw.training.")
]
for name in names:
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"importing {name} imports torch")
print(len(names))
"""


def run(program: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = {} if folder is None else {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **path}
    )


def test_every_module_but_training_imports_without_torch() -> None:
    result = run(PROGRAM)
    assert result.returncode == 0, result.stderr
    # The sub-packages alone are more than ten: an empty walk would prove nothing.
    assert int(result.stdout) > 10


def test_the_program_notices_torch(tmp_path: Path) -> None:
    # An empty torch does: what counts is that it was imported, and the real one takes seconds.
    (tmp_path / "torch.py").touch()
    (tmp_path / "user.py").write_text("import torch")
    result = run(PROGRAM.replace("for name in names:", 'for name in ["bnnhw.errors", "user"]:'), tmp_path)
    assert result.returncode == 1
    assert result.stderr == "importing user imports torch\n"


def test_recipes_can_be_listed_without_torch() -> None:
    program = 'import sys; sys.modules["torch"] = None; import bnnhw.training.recipes as r; print(*r.RECIPES)'
    result = run(program)
    assert result.returncode == 0, result.stderr
    assert "digits" in result.stdout.split()


def test_training_without_torch_says_how_to_get_it() -> None:
    program = """
import sys
sys.modules["torch"] = None
from bnnhw.errors import ToolError
try:
    import bnnhw.training.train
except ToolError as error:
    print(error)
"""
    result = run(program)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "PyTorch is needed to train, and was not found: pip install 'bnnhw[train]'\n"


def test_names_of_training_without_torch_say_the_same() -> None:
    program = """
import sys
sys.modules["torch"] = None
import bnnhw.training
from bnnhw.errors import ToolError
print(bnnhw.training.Settings(epochs=3).epochs)
try:
    bnnhw.training.train_model
except ToolError as error:
    print(error)
"""
    result = run(program)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "3\nPyTorch is needed to train, and was not found: pip install 'bnnhw[train]'\n"
