"""Files that appear whole or not at all, and JSON."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from bnnhw.errors import FileError, RequestError
from bnnhw.files import read_json, seal, whole_file, write_json, write_text, write_whole


def test_json_round_trip(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"path": Path("x"), "n": 1})
    assert read_json(tmp_path / "a.json") == {"path": "x", "n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_json_that_can_not_be_written_leaves_the_old(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"n": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"n": object()}, owned=True)
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


def test_what_bnnhw_wrote_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for text in ("first", "second"):
        write_text(path, f"{text} {seal('page')}", "page")
    assert path.read_text().startswith("second")
    # Wherever it was moved to.
    moved = path.rename(tmp_path / "b")
    write_text(moved, f"third {seal('page')}", "page")
    assert moved.read_text().startswith("third")


@pytest.mark.parametrize("change", ["{} ", " {}", "{}\nnotes"])
def test_what_was_edited_stays(change: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, f"first {seal('page')}", "page")
    path.write_text(edited := change.format(path.read_text()))
    message = f"{path}: is there already, and is not as bnnhw wrote it; give another name, or move it away"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        write_text(path, f"second {seal('page')}", "page")
    assert path.read_text() == edited


def test_a_seal_that_was_copied_into_another_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, seal("page"), "page")
    path.write_text(f"thesis, made with {path.read_text()}")
    with pytest.raises(RequestError, match="is not as bnnhw wrote it"):
        write_text(path, seal("page"), "page")


def test_another_kind_of_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, seal("network"), "network")
    message = f"{path}: holds a network, and a wave would take its place; give another name"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        write_text(path, seal("wave"), "wave")


def test_read_only_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, seal("page"), "page")
    path.chmod(0o444)
    with pytest.raises(RequestError, match="is there already, and is read-only"):
        write_text(path, seal("page"), "page")


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    write_whole(path, b"data")
    assert path.read_bytes() == b"data"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real/a")
    for _ in range(2):
        write_text(link, seal("page"), "page")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a").is_file()


def test_a_device_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(path, b"data")
        assert os.read(reader, 10) == b"data"
    finally:
        os.close(reader)
    assert path.is_fifo()
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_a_name_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_whole(path, b"data")
    assert path.read_bytes() == b"data"
    longer = tmp_path / ("n" * 256)
    with pytest.raises(FileError, match=r"^[^:]*: can't be written: File name too long$"):
        write_whole(longer, b"data")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_text(path, f"first {seal('page')}", "page")

    def full(target: Path, data: bytes) -> int:
        target.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: can't be written: No space left on device$"):
        write_text(path, seal("page"), "page")
    assert path.read_text().startswith("first")
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
