"""Arrays of numbers by name, from an .npz archive or a safetensors file, and what may be asked of them."""

from __future__ import annotations

import io
import lzma
import math
import zipfile
import zlib
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.frontend.formats import MAX_BYTES
from bnnhw.ir.members import npy_header

__all__ = ["Arrays"]

_AS_NUMBERS = "save it as integers (int32, uint8) or floating-point numbers (float64)"
_DAMAGED = "the file is damaged or was not written to its end: write it again"


class Arrays:
    """The arrays of a file, each taken at most once.

    Raises
    ------
    FileError
        The file is damaged, or one of its arrays is none of integers, truth values or floating-point numbers, is
        empty, or has more than two dimensions.
    """

    def __init__(self, data: bytes) -> None:
        self._arrays = _npz(data) if data.startswith(b"PK") else _safetensors(data)
        for name, array in self._arrays.items():
            if array.size == 0 or array.ndim > 2:
                raise FileError(f"array {_short(name)} must have 1 or 2 dimensions and no size of 0, not {array.shape}")

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def take(self, name: str) -> NDArray[Any]:
        """An array of any kind."""
        if name not in self._arrays:
            raise FileError(f"array {name!r} is missing")
        return self._arrays.pop(name)

    def integers(self, name: str, shape: str, dimensions: int) -> NDArray[Any]:
        """Whole numbers of an integer type, or truth values as 0 and 1.

        Parameters
        ----------
        name : str
        shape : str
            What its sizes are, in words.
        dimensions : int
        """
        array = self.take(name)
        if array.dtype.kind == "b":
            # Any byte may stand in a file, and NumPy takes it for true.
            array = array.view(np.uint8)
        if array.dtype.kind not in "iu" or array.ndim != dimensions:
            kind = f"{array.dtype.name} {array.shape}"
            raise FileError(f"array {name!r} must be integers {shape}, not {kind}: save it as int32 of that shape")
        return array

    def floats(self, name: str) -> NDArray[np.float64]:
        """Numbers of any type, (rows, columns); a list is one row."""
        return np.atleast_2d(self.take(name)).astype(np.float64)

    @overload
    def number(self, name: str, low: int, high: int) -> int: ...
    @overload
    def number(self, name: str, low: int, high: int, default: int) -> int: ...
    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """One whole number in ``low .. high``; without a default it must be there."""
        if default is not None and name not in self._arrays:
            return default
        array = self.take(name)
        if array.dtype.kind not in "iu" or array.size != 1:
            raise FileError(f"array {name!r} must be one integer, not {array.dtype.name} {array.shape}")
        value = int(array.item())
        if not low <= value <= high:
            raise FileError(f"array {name!r} must be in {low}..{high}, not {value}")
        return value

    def finish(self, layers: int) -> None:
        """Refuse what nobody asked for."""
        for name in self._arrays:
            numbered = name.startswith("layer") and name.rpartition(".")[2] in ("sources", "tables", "bits")
            hint = f"layers are numbered from layer0 without a gap, and end at layer{layers - 1}" if numbered else ""
            cure = hint or "remove it, or see its name in docs/models.md"
            raise FileError(f"array {_short(name)} is none that the layout has: {cure}")


def _short(name: str) -> str:
    """A name as it is quoted: others chose it, of any length."""
    return repr(name) if len(name) <= 60 else f"{name[:60]!r}..."


def _safetensors(data: bytes) -> dict[str, NDArray[Any]]:
    import safetensors
    import safetensors.numpy

    try:
        found = safetensors.numpy.load(data)
    except safetensors.SafetensorError as error:
        reason = " ".join(str(error).split())
        raise FileError(f"can't be read as safetensors ({reason:.200}): {_DAMAGED}") from None
    except KeyError as error:
        raise FileError(f"holds a tensor of type {error.args[0]!r:.20}, which NumPy lacks: {_AS_NUMBERS}") from None
    except (ValueError, OverflowError, MemoryError) as error:
        raise FileError(f"can't be read as safetensors ({error!s:.200}): {_DAMAGED}") from None
    for name, array in found.items():
        if array.dtype.kind not in "biuf":
            raise FileError(f"array {_short(name)} must be of numbers, not {array.dtype.name}: {_AS_NUMBERS}")
    return found


def _npz(data: bytes) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    left = MAX_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name == info.filename:
                    raise FileError(f"holds {_short(name)}, which is no array (.npy): remove it")
                if name in found:
                    raise FileError(f"holds array {_short(name)} twice: remove one of them")
                left -= info.file_size
                if left < 0:
                    raise FileError(f"its arrays must have at most {MAX_BYTES} bytes in all")
                with archive.open(info) as member:
                    found[name] = _npy(name, member, info.file_size)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError, OverflowError):
        raise FileError(f"can't be read as an .npz archive: {_DAMAGED}") from None
    return found


def _npy(name: str, member: IO[bytes], size: int) -> NDArray[Any]:
    """An array of numbers, whose size is compared before anything is allocated."""
    text, fortran, shape, before = npy_header(name, member)
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError):
        raise FileError(f"array {_short(name)} must be of numbers, not {text!r:.20}: {_AS_NUMBERS}") from None
    if dtype.hasobject:
        raise FileError(f"array {_short(name)} holds Python objects, and nothing is unpickled: {_AS_NUMBERS}")
    if dtype.kind not in "biuf" or dtype.subdtype is not None:
        raise FileError(f"array {_short(name)} must be of numbers, not {dtype.name}: {_AS_NUMBERS}")
    due = math.prod(shape) * dtype.itemsize
    if size != before + due:
        raise FileError(f"array {_short(name)} must have {due} bytes of data, not {size - before}: {_DAMAGED}")
    if due == 0:
        raise FileError(f"array {_short(name)} must have 1 or 2 dimensions and no size of 0, not {shape}")
    return np.frombuffer(member.read(), dtype).reshape(shape, order="F" if fortran else "C")
