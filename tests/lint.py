"""The linters, each as one command; ``python tests/lint.py [NAME ...]`` runs them, tests/test_lint.py too.

The type checker and the import linter read a package tree from disk, and boards/ and training/ are
parts of ``bnnhw`` only once installed. So they get a copy laid out as installed. (Links won't do: the
type checker skips linked folders.)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LINTERS: dict[str, tuple[bool, list[str]]] = {
    # name: (needs the tree as installed, command)
    "ruff": (False, ["ruff", "check", "--no-cache", "."]),
    "format": (False, ["ruff", "format", "--no-cache", "--check", "."]),
    "imports": (True, ["lint-imports", "--no-cache"]),
    "types": (True, ["basedpyright", "--pythonpath", sys.executable]),
}


def lay_out(target: Path) -> None:
    """Makes ``target/bnnhw`` a copy of the package as installed, and puts the configuration beside it."""
    for source, part in (("bnnhw", "bnnhw"), ("boards", "bnnhw/boards"), ("training", "bnnhw/training")):
        shutil.copytree(ROOT / source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
    # Benchmarks are no part of it, and are held to the same types; some of them use what tests do.
    for folder in ("benchmarks", "tests", "rtl_tests"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__", "results"))
    shutil.copy(ROOT / "pyproject.toml", target)


def run(name: str) -> tuple[int, str]:
    """Runs one linter; returns its exit status and what it said, files named relative to the repository."""
    installed, command = LINTERS[name]
    program = Path(sys.executable).parent / command[0]
    with tempfile.TemporaryDirectory(prefix="bnnhw-lint-") as folder:
        if installed:
            lay_out(Path(folder))
        environment = {**os.environ, "PYTHONPATH": folder} if installed else None
        result = subprocess.run(
            [str(program), *command[1:]],
            cwd=folder if installed else ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        text = result.stdout.replace(f"{folder}/", "")
        for part in ("boards", "training"):
            text = text.replace(f"bnnhw/{part}/", f"{part}/")
    return result.returncode, text


def main() -> int:
    failed = []
    for name in sys.argv[1:] or LINTERS:
        status, text = run(name)
        print(f"{name}: {'ok' if status == 0 else 'FAILED'}")
        if status:
            print(text)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
