"""The members of the network file (:mod:`bnnhw.ir.archive`): NumPy arrays in an uncompressed zip archive."""

from __future__ import annotations

import ast
import io
import math
import zipfile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.files import seal

__all__ = ["Members", "npy_header", "pack"]

MAX_SIZE = 1 << 24
"""Longest array of a length that the file chooses (the header's), bytes: far above any real network's."""

MAX_DICTIONARY = 10_000
"""Longest .npy dictionary read, bytes; NumPy's own limit."""

NPY_PREFIX = 10
"""Bytes before the dictionary of an .npy file of version 1.0: magic (6), version (2), length (2)."""


def pack(arrays: dict[str, NDArray[Any]]) -> bytes:
    """An archive of arrays; its bytes depend on them alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            # A ZipInfo made here carries the fixed date 1980-01-01.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
        archive.comment = seal("network").encode()
    return buffer.getvalue()


class Members:
    """The members of an archive, each read at most once and only as the type and shape asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            if info.filename in self._members:
                raise FileError(f"holds member {info.filename!r} twice")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise FileError(f"member {info.filename!r} must be stored uncompressed")
            # The archive's directory counts back from its end, and a damaged one too far.
            if info.header_offset < 0:
                raise FileError(f"member {info.filename!r} must begin within the file")
            self._members[info.filename] = info

    def take(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """The array ``name``; a None in ``shape`` stands for any size up to :data:`MAX_SIZE`."""
        info = self._members.pop(f"{name}.npy", None)
        if info is None:
            foreign = "not a bnnhw network file: " if name == "header" else ""
            raise FileError(f"{foreign}array {name!r} is missing")
        expected = f"{np.dtype(dtype).name} {shape}".replace("None", "N")
        with self._archive.open(info) as member:
            actual_dtype, fortran, actual, before = npy_header(name, member)
            matches = len(actual) == len(shape) and all(
                a == s if s is not None else a <= MAX_SIZE for a, s in zip(actual, shape, strict=True)
            )
            if actual_dtype != np.dtype(dtype).str or fortran or not matches:
                order = " in Fortran order" if fortran else ""
                raise FileError(f"array {name!r} must be {expected}, not {actual_dtype} {actual}{order}")
            size = math.prod(actual) * np.dtype(dtype).itemsize
            # Compared before anything of that size is allocated.
            if info.file_size != before + size:
                raise FileError(f"array {name!r} must have {size} bytes of data, not {info.file_size - before}")
            data = member.read()
        return np.frombuffer(data, dtype).reshape(actual)

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        if self._members:
            raise FileError(f"holds members that its header does not call for: {', '.join(sorted(self._members))}")


def npy_header(name: str, member: IO[bytes]) -> tuple[str, bool, tuple[int, ...], int]:
    """What an .npy member says of its array, read up to where its data begin.

    Returns
    -------
    dtype : str
        As NumPy writes it, ``"<i4"``.
    fortran : bool
        Whether the first axis is the fastest.
    shape : tuple of int
    before : int
        Bytes before its data.

    Raises
    ------
    FileError
        It is no .npy file of version 1.0, or not of one plain type.
    """
    prefix = member.read(NPY_PREFIX)
    if len(prefix) < NPY_PREFIX or prefix[:8] != b"\x93NUMPY\x01\x00":
        raise FileError(f"array {name!r} must be a NumPy array of version 1.0")
    length = int.from_bytes(prefix[8:], "little")
    if length > MAX_DICTIONARY:
        raise FileError(f"array {name!r} has no valid NumPy header")
    text = member.read(length)
    try:
        value = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = None
    if isinstance(value, dict) and set(value) == {"descr", "fortran_order", "shape"}:
        dtype, fortran, shape = value["descr"], value["fortran_order"], value["shape"]
        valid = isinstance(dtype, str) and isinstance(fortran, bool) and isinstance(shape, tuple)
        if valid and all(type(size) is int and size >= 0 for size in shape):
            return dtype, fortran, shape, NPY_PREFIX + length
    raise FileError(f"array {name!r} has no valid NumPy header")
