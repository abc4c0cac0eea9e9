"""Promises about the project as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

MAPPED = {"boards", "training"}


def _pyproject(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def _package_files(root: Path) -> list[Path]:
    return sorted(path for part in ("bnnhw", *sorted(MAPPED)) for path in (root / part).rglob("*.py"))


def test_compiler_runs_without_torch(root: Path) -> None:
    """Every module of bnnhw but training, imported where importing torch fails."""
    modules = []
    for path in sorted((root / "bnnhw").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__main__":
            modules.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    modules += [
        ".".join(("bnnhw", *p.relative_to(root).with_suffix("").parts)) for p in (root / "boards").glob("[a-z]*.py")
    ]
    assert "bnnhw.ir.network" in modules
    code = (
        f"import importlib, sys\nsys.modules['torch'] = None\nfor name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_help_imports_no_heavy_package(root: Path) -> None:
    """`bnnhw --help` and every verb's --help are quick: what costs is imported when a verb runs."""
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from bnnhw.cli import cli\n"
        "verbs = list(cli.commands)\n"
        "assert len(verbs) >= 13, verbs\n"
        "for verb in verbs:\n"
        "    result = CliRunner().invoke(cli, [verb, '--help'])\n"
        "    assert result.exit_code == 0, (verb, result.output)\n"
        "heavy = ('numpy', 'amaranth', 'onnx', 'torch', 'sklearn', 'pyosys', 'jinja2')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


def test_every_dependency_states_its_reason(root: Path) -> None:
    lines = (root / "pyproject.toml").read_text().splitlines()
    start = lines.index("[project]")
    end = lines.index("[project.scripts]")
    dependencies = [i for i in range(start, end) if re.fullmatch(r'    "[^"]+",', lines[i])]
    assert len(dependencies) > 20
    unexplained = [
        lines[i].strip()
        for i in dependencies
        if not lines[i - 1].strip().startswith("#") and not lines[i].strip().startswith('"bnnhw[')
    ]
    assert unexplained == []


def test_every_dependency_is_pinned(root: Path) -> None:
    def canonical(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pins = {}
    for line in (root / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert re.fullmatch(r"\d[\w.]*", version), line
            pins[canonical(name)] = version
    assert pins["torch"] == "2.13.0"
    project = _pyproject(root)["project"]
    declared = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    for requirement in declared:
        match = re.match(r"[\w.-]+", requirement)
        assert match is not None
        # A package of other platforms has no version on the one where the pins were made.
        if match[0] != "bnnhw" and "!= 'Linux'" not in requirement:
            assert canonical(match[0]) in pins, requirement


@pytest.mark.parametrize("target", ["setup", "demo", "test", "lint", "bench", "clean"])
def test_make_knows_the_targets(root: Path, target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_set_up_names_what_the_system_lacks(root: Path, tmp_path: Path) -> None:
    """With an empty PATH no compiler is there: one message with the command for each system."""
    for name in ("sh", "make", "python3"):
        (tmp_path / name).symlink_to(Path(sys.executable).resolve() if name == "python3" else _program(name))
    done = subprocess.run(
        [tmp_path / "make", "check-os"], cwd=root, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0] == "make: missing from the operating system: C++-compiler perl"
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["Debian, Ubuntu", "Fedora", "macOS"]


def _program(name: str) -> Path:
    for folder in ("/bin", "/usr/bin", "/usr/local/bin"):
        if (Path(folder) / name).exists():
            return Path(folder) / name
    pytest.skip(f"{name} is in none of the usual folders")


def test_no_file_is_too_long(root: Path) -> None:
    """About 300 lines a file: 400 is where a second concept has crept in."""
    too_long = {
        str(p.relative_to(root)): n for p in _package_files(root) if (n := len(p.read_text().splitlines())) > 400
    }
    assert too_long == {}


def test_annotations_are_never_evaluated(root: Path) -> None:
    lacking = [
        str(path.relative_to(root))
        for path in _package_files(root)
        if path.name != "__init__.py"
        and "import" in path.read_text()
        and "from __future__ import annotations" not in path.read_text()
    ]
    assert lacking == []
