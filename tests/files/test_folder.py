"""Folders that bnnhw writes into: what is not its own stays."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from bnnhw.errors import FileError, RequestError
from bnnhw.files import OutputFolder, whole_directory
from bnnhw.files.folder import LIST


def make(target: Path, text: str, *more: str) -> None:
    with whole_directory(target, "design", "marker.json") as folder:
        (folder / "marker.json").write_text(text)
        for name in more:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {LIST}


def test_new_and_again(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    make(target, "first", "core/a.v", "b.v")
    assert names(target) == {"marker.json", "core/a.v", "b.v"}
    make(target, "second", "b.v")
    # What an earlier output had and this one has not is gone, with its folder.
    assert sorted(path.name for path in target.iterdir()) == [LIST, "b.v", "marker.json"]
    assert (target / "b.v").read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_files_of_others_stay(tmp_path: Path) -> None:
    target = tmp_path / "out"
    make(target, "first", "core/a.v")
    for name in (".git/config", "notes.txt", "core/mine.v"):
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text("precious")
    make(target, "second")
    assert names(target) == {"marker.json", ".git/config", "notes.txt", "core/mine.v"}
    assert (target / "core/mine.v").read_text() == "precious"


@pytest.mark.parametrize("name", ["marker.json", "core/a.v", "stale.v"])
def test_an_edited_file_stays(name: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    make(target, "first", "core/a.v", "stale.v")
    (target / name).write_text("precious")
    message = f"{target / name}: is there already, and is not as bnnhw wrote it; move it away, or give another folder"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        make(target, "second", "core/a.v")
    assert (target / name).read_text() == "precious"
    assert names(target) == {"marker.json", "core/a.v", "stale.v"}


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    make(target, "first")
    with pytest.raises(RequestError, match="is there already"), whole_directory(target, "design", "m") as folder:
        (folder / "m").write_text("")
        (target / "m").write_text("precious")
    assert (target / "m").read_text() == "precious"


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_stands_in_the_way(what: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    make(target, "first")
    way = target / "core"
    if what == "file":
        way.write_text("precious")
    elif what == "link":
        way.symlink_to(tmp_path / "nowhere")
    else:
        (way / "a.v").mkdir(parents=True)
    with pytest.raises(RequestError, match="is there already"):
        make(target, "second", "core/a.v")
    assert (target / "marker.json").read_text() == "first"


def test_a_deleted_file_is_made_again(tmp_path: Path) -> None:
    target = tmp_path / "out"
    make(target, "first", "a.v")
    (target / "a.v").unlink()
    make(target, "second", "a.v")
    assert (target / "a.v").read_text() == "second"


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    make(target, "first")
    with pytest.raises(ZeroDivisionError), whole_directory(target, "design", "marker.json") as folder:
        (folder / "half.v").write_text("")
        raise ZeroDivisionError
    assert names(target) == {"marker.json"}
    assert list(tmp_path.iterdir()) == [target]


def test_failure_at_first_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_directory(tmp_path / "deep" / "out", "design", "marker.json"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", range(5))
def test_whatever_moment_it_ends_in_the_next_run_does_it(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moves into place end after some of them."""
    target, moves, replace = tmp_path / "out", [0], os.replace
    make(target, "first", "a.v", "stale.v")
    (target / "mine").write_text("precious")

    def ends(source: Path, place: Path) -> None:
        moves[0] += 1
        if moves[0] > after:
            raise KeyboardInterrupt
        replace(source, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", ends)
        with pytest.raises(KeyboardInterrupt):
            make(target, "second", "a.v", "b.v")
    make(target, "third", "a.v", "b.v")
    assert {name: (target / name).read_text() for name in names(target)} == {
        "marker.json": "third", "a.v": "third", "b.v": "third", "mine": "precious",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == [target]


def test_somebody_elses_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    message = f"{tmp_path}: must be empty, or an earlier output (with {LIST}), and holds other files"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        make(tmp_path, "")
    assert names(tmp_path) == {"thesis.tex"}


def test_a_file_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(RequestError, match=rf"^{re.escape(str(path))}: must be a folder, and is a file$"):
        make(path, "")


def test_a_link_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(RequestError, match="must be a folder, and is a link to nothing"):
        make(path, "")


@pytest.mark.parametrize("linked", [False, True])
def test_empty_folder_is_taken(linked: bool, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    if linked:
        link = tmp_path / "link"
        link.symlink_to(target)
    make(link if linked else target, "first")
    assert (target / "marker.json").read_text() == "first"


def test_a_folder_of_another_kind(tmp_path: Path) -> None:
    make(tmp_path / "out", "first")
    message = f"{tmp_path / 'out'}: must be a build, or empty, and is a design"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        OutputFolder(tmp_path / "out", "build", shared=True)


@pytest.mark.parametrize("files", [None, ["a"], {"../thesis.tex": None}, {"/etc/passwd": None}, {"": None}])
def test_a_damaged_list(files: object, tmp_path: Path) -> None:
    make(tmp_path / "out", "first")
    (tmp_path / "out" / LIST).write_text(json.dumps({"kind": "design", "files": files}))
    with pytest.raises(FileError, match="must list the files of its folder, and does not"):
        make(tmp_path / "out", "second")


def test_files_are_listed_as_they_are_in_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with OutputFolder(folder, "build", shared=True).writing(["a", "b", "c"]):
        listed = json.loads((folder / LIST).read_text())["files"]
        assert listed == {"a": None, "b": None, "c": None}
        (folder / "a").write_text("1")
    # Not written: not listed.
    assert json.loads((folder / LIST).read_text())["files"].keys() == {"a"}
    (folder / "b").write_text("precious")
    with pytest.raises(RequestError, match="/b: is there already, and is not as bnnhw wrote it"):
        OutputFolder(folder, "build", shared=True).check(["a", "b", "c"])
    OutputFolder(folder, "build", shared=True).check(["a", "c"])


def test_a_run_that_was_killed_may_be_run_again(tmp_path: Path) -> None:
    """Its list says what was being written."""
    output = OutputFolder(tmp_path, "build")
    writing = output.writing(["a"])
    writing.__enter__()
    (tmp_path / "a").write_text("half")
    OutputFolder(tmp_path, "build").check(["a"])


def test_a_shared_folder(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("precious")
    with OutputFolder(tmp_path, "build", shared=True).writing(["a"]):
        (tmp_path / "a").write_text("1")
    with pytest.raises(RequestError), OutputFolder(tmp_path, "build", shared=True).writing(["notes"]):
        pass
    assert (tmp_path / "notes").read_text() == "precious"


def test_nothing_written_nothing_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), OutputFolder(tmp_path / "out", "build").writing(["a"]):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
