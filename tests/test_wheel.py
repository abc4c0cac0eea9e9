"""The wheel: what it holds, and what can be done with nothing else of the project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bnnhw import boards
from tests.needs import SIMULATION, needs, needs_build
from tests.readme import commands, pictures, smaller

MAPPED = ("boards", "training")
DATA = ("models", "examples")

# The wheel is made once.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", folder]
    copy = folder / "source"
    for part in ("bnnhw", *MAPPED, *DATA):
        shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(root / name, copy)
    done = subprocess.run([*command, copy], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_every_package_is_installed(root: Path, wheel: Path) -> None:
    """A wheel holds every module: setuptools finds packages, and finds none in a folder without ``__init__.py``."""
    files = [path.relative_to(root) for part in ("bnnhw", *MAPPED) for path in (root / part).rglob("*.py")]
    expected = {"/".join(("bnnhw", *file.parts) if file.parts[0] in MAPPED else file.parts) for file in files}
    copy = wheel.parent / "source"
    data = {path for folder in DATA for path in (copy / folder).rglob("*") if path.is_file()}
    expected |= {f"bnnhw/{path.relative_to(copy).as_posix()}" for path in data}
    assert len(data) > 8
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.endswith(".py") or name.split("/")[1] in DATA}
        assert held == expected
        assert {"bnnhw/py.typed", "bnnhw/datasets/digits.npz"} <= set(archive.namelist())


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """The folder of the programs of an environment that holds the wheel; what it depends on is that of these tests."""
    place = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    # In a .pth file they are folders as any other: the checkout, which is installed there too, is not found by them.
    (packages,) = place.glob("lib/python3*/site-packages")
    found = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
    (packages / "dependencies.pth").write_text("\n".join(found) + "\n")
    command = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed"]
    done = subprocess.run([*command, "--prefix", place, wheel], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    where = subprocess.run(
        [python, "-c", "import bnnhw, bnnhw.boards, bnnhw.training as t; print(bnnhw.__file__, t.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [Path(file).is_relative_to(packages) for file in where.stdout.split()] == [True, True]
    return python.parent


def test_from_pictures_to_classes(root: Path, installed: Path, tmp_path: Path) -> None:
    """The README's five commands, in a folder that holds nothing but the pictures."""
    pytest.importorskip("torch")
    needs(*SIMULATION)
    needs_build(boards.get("icebreaker").family)
    desk = tmp_path / "desk"
    pictures(desk / "leaves")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BNNHW", "PYTHON"))}
    env |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": f"{installed}:{os.environ['PATH']}"}
    told: dict[str, object] = {}
    for words in commands(root):
        done = subprocess.run(["bnnhw", *words, "--json"], cwd=desk, env=env, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
        told = json.loads(done.stdout)
        if words[0] == "new":
            smaller(desk / "leaves.toml")
    assert (told["frames"], told["differences"]) == (12, 0)
    results = told["results"]
    assert isinstance(results, list) and {row["name"] for row in results} <= {"lying", "standing"}
