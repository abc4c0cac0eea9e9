from __future__ import annotations

import re
from pathlib import Path

import pytest

from bnnhw.errors import FileError, RequestError
from bnnhw.files import read_json, whole_directory, write_json


def _make(target: Path, text: str) -> None:
    with whole_directory(target, "marker.json") as folder:
        (folder / "marker.json").write_text(text)


def test_new_and_again(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    _make(target, "first")
    (target / "stale.v").write_text("")
    _make(target, "second")
    assert [path.name for path in target.iterdir()] == ["marker.json"]
    assert (target / "marker.json").read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _make(target, "first")
    with pytest.raises(ZeroDivisionError), whole_directory(target, "marker.json") as folder:
        (folder / "half.v").write_text("")
        raise ZeroDivisionError
    assert [path.name for path in target.iterdir()] == ["marker.json"]
    assert list(tmp_path.iterdir()) == [target]


def test_failure_at_first_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_directory(tmp_path / "out", "marker.json"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    message = f"{tmp_path}: must be empty, or an earlier output (with marker.json), and holds other files"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        _make(tmp_path, "")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(RequestError, match=rf"^{re.escape(str(path))}: must be a folder, and is a file$"):
        _make(path, "")


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    _make(target, "first")
    assert (target / "marker.json").read_text() == "first"


def test_json_round_trip(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"path": Path("x"), "n": 1})
    assert read_json(tmp_path / "a.json") == {"path": "x", "n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_json_that_can_not_be_written_leaves_the_old(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"n": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"n": object()})
    assert read_json(tmp_path / "a.json") == {"n": 1}


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "no such file"),
        ("[]", "must hold a JSON object, not list"),
        ("{", "can't be read as JSON: .*"),
        ("\x80", "can't be read as JSON: .*"),
    ],
)
def test_json_that_can_not_be_read(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: {message}$"):
        read_json(path)
