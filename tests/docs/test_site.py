"""The documentation: it builds as a site, offline and without a warning; its code is run, or something else runs it."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from bnnhw.cli import cli
from tests.cli.conftest import run
from tests.docs.blocks import ELSEWHERE, RUN, Block, blocks
from tests.needs import SIMULATION, needs

DOCS = Path(__file__).resolve().parents[2] / "docs"
ALL = tuple(blocks(DOCS))


def test_the_site_builds(tmp_path: Path) -> None:
    # Whatever would be fetched is not.
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **nowhere})
    assert (done.returncode, done.stderr) == (0, "")
    for path in DOCS.rglob("*.md"):
        assert (tmp_path / path.relative_to(DOCS)).with_suffix(".html").is_file()
    reference = (tmp_path / "cli.html").read_text()
    assert all(f'id="bnnhw-{name}"' in reference for name in cli.commands)


def test_what_the_repository_shows_is_there() -> None:
    """Links of pages as they are read in the repository, without a site."""
    for path in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path}: {target}"


def test_every_block_is_run_or_something_holds_it(root: Path) -> None:
    unused = {(page, start) for page, entries in ELSEWHERE.items() for start in entries}
    for block in ALL:
        if block.page in RUN:
            assert block.language in ("python", "sh", "toml"), block
            continue
        starts = [start for start in ELSEWHERE.get(block.page, {}) if block.text.startswith(start)]
        assert starts, f"{block}: nothing runs it, and tests/docs/blocks.py does not say why"
        unused -= {(block.page, start) for start in starts}
    assert not unused
    named = {
        name for entries in ELSEWHERE.values() for text in entries.values() for name in re.findall(r"tests/\S+py", text)
    }
    assert [name for name in named if not (root / name).is_file()] == []


def commands(block: Block) -> list[list[str]]:
    """The words of the commands of bnnhw in a block."""
    text = re.sub(r"\\\n *", " ", block.text)
    lines = [shlex.split(line, comments=True) for line in text.splitlines() if re.match(r"(\$ )?bnnhw ", line)]
    return [line[1 + (line[0] == "$") :] for line in lines]


@pytest.mark.parametrize("block", [block for block in ALL if commands(block)], ids=str)
def test_commands_have_the_options_that_they_use(block: Block) -> None:
    for name, *words in commands(block):
        command = cli.commands[name]
        if isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words[0]]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known, (name, words)


@pytest.mark.parametrize("page", RUN)
def test_blocks_run(page: str, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_page(page, tmp_path, root, monkeypatch, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({block.page for block in ALL if block.note.startswith("slow")}))
def test_slow_blocks_run(page: str, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_page(page, tmp_path, root, monkeypatch, slow=True)


def _run_page(page: str, folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch, *, slow: bool) -> None:
    needs(*SIMULATION)
    monkeypatch.chdir(folder)
    (folder / "models").symlink_to(root / "models")
    names: dict[str, Any] = {}
    ran = 0
    for block in ALL:
        if block.page != page or (block.note.startswith("slow") and not slow):
            continue
        ran += 1
        if block.note.startswith("file: "):
            (folder / block.note.removeprefix("file: ")).write_text(block.text)
        elif block.language == "python":
            exec(compile("\n" * block.line + block.text, str(block), "exec"), names)
        else:
            assert len(commands(block)) == len(block.text.splitlines()), f"{block}: commands of bnnhw alone"
            for words in commands(block):
                done = run(*words)
                assert done.exit_code == 0, f"{block}: {words}\n{done.output}"
    assert ran


def test_figures_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("figures", DOCS / "figures.py")
    assert spec is not None and spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    drawn = dict(figures.drawings())
    assert {path: path.read_text() for path in (DOCS / "units").glob("*.svg")} == drawn, "python docs/figures.py"
