"""The seal of a file that bnnhw wrote: a digest of the file, in the file.

A sealed file says itself that it is as bnnhw wrote it, wherever it is moved or copied to, and one that somebody edited
says that too. Each format has a place that its readers pass over: a key of JSON, the comment of an archive, the
documentation of an ONNX model, the version of a wave, a comment of C or of a
viewer's file. Files that come in folders of their own need
none: their folder keeps a list (:mod:`bnnhw.files.folder`).
"""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path

from bnnhw.errors import FileError, RequestError

__all__ = ["SEALED", "check_output", "is_seal", "seal", "seal_of", "sealed"]

SEALED = {
    "network": "a network",
    "folding": "a folding",
    "model": "an ONNX model",
    "wave": "a wave",
    "groups": "the groups of a wave",
    "page": "a page",
    "source": "C source",
    "recipe": "a recipe",
}
"""What a sealed file may hold, in words."""

_ZEROS = "0" * 64
_PATTERN = re.compile(rb"bnnhw-seal:([a-z]+):([0-9a-f]{64})")


def seal(kind: str) -> str:
    """What a writer puts into a file of one of :data:`SEALED`; :func:`sealed` fills its digest in."""
    return f"bnnhw-seal:{kind}:{_ZEROS}"


def is_seal(text: bytes) -> bool:
    """Whether a text is a seal and nothing else, whatever it says."""
    return _PATTERN.fullmatch(text) is not None


def sealed(data: bytes) -> bytes:
    """A file's content with its seal filled in; as it is where there is none."""
    blank = next((match for match in _PATTERN.finditer(data) if match[2] == _ZEROS.encode()), None)
    if blank is None:
        return data
    digest = hashlib.sha256(data).hexdigest().encode()
    return data[: blank.start(2)] + digest + data[blank.end(2) :]


def seal_of(data: bytes) -> str | None:
    """The kind of file that bnnhw wrote with exactly this content, or None."""
    for match in _PATTERN.finditer(data):
        blank = data[: match.start(2)] + _ZEROS.encode() + data[match.end(2) :]
        if hashlib.sha256(blank).hexdigest().encode() == match[2]:
            return match[1].decode()
    return None


def check_output(path: Path, kind: str | None = None) -> None:
    """Refuses a path where something is that bnnhw did not write, or that was changed since.

    Parameters
    ----------
    path : Path
        A file to write. An empty file, a device or a pipe holds nothing that could be lost.
    kind : str, optional
        What is to be written, one of :data:`SEALED`; a file of another kind is refused.

    Raises
    ------
    RequestError
        For a file that must stay as it is, and for a folder.
    FileError
        When it can't be told.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileError(f"{path}: can't be written: {error.strerror or error}") from None
    if stat.S_ISDIR(status.st_mode):
        raise RequestError(f"{path}: must be a file, and is a folder")
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return
    if not status.st_mode & stat.S_IWUSR:
        raise RequestError(f"{path}: is there already, and is read-only; give another name, or move it away")
    try:
        found = seal_of(path.read_bytes())
    except OSError as error:
        raise FileError(f"{path}: is there already, and can't be read: {error.strerror or error}") from None
    if found is None:
        raise RequestError(
            f"{path}: is there already, and is not as bnnhw wrote it; give another name, or move it away"
        )
    if kind is not None and found != kind:
        wanted, held = SEALED[kind], SEALED.get(found, "another file")
        raise RequestError(f"{path}: holds {held}, and {wanted} would take its place; give another name")
