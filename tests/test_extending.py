"""docs/extending.md: its files are put into a copy of the package, are as many as its table says, and work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint import lay_out

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "extending.md").read_text()

MOST = {
    "A layer kind": 6,
    "A unit, and an engine": 1,
    "A device family": 1,
    "A board": 1,
    "A foreign format": 1,
    "A kind of data": 1,
    "A link": 1,
}
"""Places that a kind of extension touches at most: files, of units, formats and links folders."""


def sections() -> dict[str, dict[str, str]]:
    """Heading -> path -> text of each block below it."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"(?m)^## ", PAGE)[1:]:
        blocks = re.findall(r"(?ms)^```python\n# (\S+)\n(.*?)^```$", part)
        found[part.splitlines()[0]] = dict(blocks)
        assert len(blocks) == part.count("```python"), "a block without a path"
    return found


def test_every_extension_has_its_section() -> None:
    assert list(sections()) == list(MOST)


@pytest.mark.parametrize("heading", MOST)
def test_worked_example(heading: str, tmp_path: Path, root: Path) -> None:
    tree, work = tmp_path / "tree", tmp_path / "work"
    tree.mkdir()
    work.mkdir()
    lay_out(tree)
    files = sections()[heading]
    check = files.pop("check.py")
    folders = {"A unit, and an engine", "A foreign format", "A link"}
    assert len({str(Path(path).parent) if heading in folders else path for path in files}) == MOST[heading]
    for path, text in files.items():
        target = tree / path
        assert not target.exists(), f"{path} would be changed, not added"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", check, work, root / "models" / "digits.onnx"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
