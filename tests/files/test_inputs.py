"""An output that is an input, by whatever name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bnnhw.errors import RequestError
from bnnhw.files import Output, check_apart, whole_directory


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in" / "n.bnn"
    path.parent.mkdir()
    path.write_text("precious")
    return path


def _hard(path: Path) -> Path:
    link = path.parent.parent / "hard"
    os.link(path, link)
    return link


def _soft(path: Path) -> Path:
    link = path.parent.parent / "soft"
    link.symlink_to(path)
    return link


def _through(path: Path) -> Path:
    link = path.parent.parent / "folder"
    link.symlink_to(path.parent)
    return link / path.name


SPELLINGS: dict[str, Callable[[Path], Path]] = {
    "same": lambda path: path,
    "relative": lambda path: Path("in/n.bnn"),
    "dots": lambda path: Path("in/../in/./n.bnn"),
    "hard link": _hard,
    "soft link": _soft,
    "through a linked folder": _through,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_file_that_is_read(spelling: str, given: Path) -> None:
    path = SPELLINGS[spelling](given)
    message = f"{path}: is read, and can't be the output too; give another name"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        check_apart([given], [Output(path)])


@pytest.mark.parametrize("folder", [".", "in", "in/.."])
def test_a_folder_that_holds_what_is_read(folder: str, given: Path) -> None:
    message = f"{Path(folder)}: holds {given}, which is read; give another folder for the output"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        check_apart([given], [Output(Path(folder), folder=True)])


def test_a_part_of_a_folder_that_is_read(tmp_path: Path) -> None:
    design = tmp_path / "design"
    with whole_directory(design, "design", "a") as fresh:
        (fresh / "a").write_text("")
        (fresh / "core").mkdir()
        (fresh / "core" / "b").write_text("")
    for path, folder in ((design / "a", False), (design / "core" / "b", False), (design / "core", True)):
        with pytest.raises(RequestError, match=r"is a part of .*, which is read"):
            check_apart([design], [Output(path, folder=folder)])
    # Beside them there is room.
    check_apart([design], [Output(design / "wave.fst"), Output(design / "build", folder=True)])


def test_two_outputs_at_once(given: Path) -> None:
    with pytest.raises(RequestError, match="can't be two outputs at once"):
        check_apart([], [Output(Path("in/x")), Output(given.parent / "x")])


def test_all_apart(given: Path) -> None:
    check_apart([given, Path("none")], [Output(Path("in/other.bnn")), Output(Path("out"), folder=True)])
