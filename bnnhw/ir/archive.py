"""The network file (.bnn): one NumPy archive (.npz) with a JSON header and a format version.

Layout
------
An uncompressed zip archive of ``.npy`` members, so that ``numpy.load(path)`` opens it too. Member
``header`` is a ``uint8`` array that holds JSON: ``format`` ("bnnhw"), ``version``, ``input``,
``layers`` and ``provenance``. The other members are the arrays that the header calls for: ``input.thresholds``
and those of the layers, which :mod:`bnnhw.ir.codec` lists. The bytes depend on the network alone: no dates,
no compression. Version 1 knew batch norm and sign only, version 2 fully connected layers only, version 3 one row of
input thresholds and maps channels first; all are read still. A network is written in version 3 where that holds it.

Reading trusts nothing: nothing is unpickled, members must be stored uncompressed (so what is allocated
is bounded by the size of the file) and of exactly the type, shape and length that the header implies,
and the archive's checksums hold. Every refusal is a :class:`~bnnhw.errors.FileError` that names the file.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bnnhw.errors import BnnhwError, FileError
from bnnhw.files import is_seal, seal, write_whole
from bnnhw.ir.codec import describe_layers, read_layers
from bnnhw.ir.codec_activation import Arrays
from bnnhw.ir.header import field, size
from bnnhw.ir.input_spec import LAYOUTS, InputSpec
from bnnhw.ir.members import Members, pack
from bnnhw.ir.network import Network
from bnnhw.ir.types import DataType

__all__ = ["FORMAT", "VERSION", "load", "save"]

NO_SEAL = seal("network").encode()
"""Stands for that of an older file, which has none."""

FORMAT = "bnnhw"
VERSION = 4

BEFORE_ROWS = 3
"""The version before input thresholds could differ, fall, or belong to samples in another layout."""


def save(network: Network, path: Path) -> None:
    """Write a network, streamlined or not. Raises :class:`~bnnhw.errors.FileError` if it can't be written."""
    header, arrays = _describe(network)
    text = json.dumps(header, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
    data = pack({"header": np.frombuffer(text, np.uint8), **arrays})
    write_whole(Path(path), data, "network")


def load(path: Path) -> Network:
    """Read a network. Raises :class:`~bnnhw.errors.FileError`, one line that names the file."""
    path = Path(path)
    with _refusals(path):
        try:
            with zipfile.ZipFile(path) as archive:
                # No checksum covers what the archive ends with: its seal, or the length of none.
                if not _ends_with(path, archive.comment or b"\0\0") or not is_seal(archive.comment or NO_SEAL):
                    raise FileError("not a whole bnnhw network file (its end is missing)")
                return _read(archive)
        except OSError as error:
            raise FileError(f"can't be read: {error.strerror or error}") from None
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise FileError(f"not a whole bnnhw network file ({_line(error)})") from None


def _ends_with(path: Path, end: bytes) -> bool:
    with path.open("rb") as file:
        file.seek(-len(end), 2)
        return file.read() == end


def _line(error: Exception) -> str:
    """The message of an exception on one line."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Name the file in every refusal; what the constructors of the IR refuse is refused here too."""
    try:
        yield
    except (BnnhwError, ValueError, OverflowError) as error:
        raise FileError(f"{path}: {_line(error)}") from None


def _describe(network: Network) -> tuple[dict[str, Any], Arrays]:
    arrays: Arrays = {}
    spec, more = _describe_input(network.input, arrays)
    header = {
        "format": FORMAT,
        "version": VERSION if more else BEFORE_ROWS,
        "input": {**spec, **more},
        "layers": describe_layers(network.layers, "", arrays),
        "provenance": {str(key): str(value) for key, value in network.provenance.items()},
    }
    return header, arrays


def _describe_input(spec: InputSpec, arrays: Arrays) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the header says of an input in every version, and what only the newest one knows."""
    if spec.thresholds is not None:
        arrays["input.thresholds"] = spec.table.astype("<f8") if len(spec.rows) > 1 else spec.table[0].astype("<f8")
    more: dict[str, Any] = {}
    if len(spec.rows) > 1:
        more["rows"] = len(spec.rows)
    if spec.falling:
        more["falling"] = True
        arrays["input.falling"] = np.array(spec.falling, "|u1")
    if spec.layout != LAYOUTS[0]:
        more["layout"] = spec.layout
    described = {
        "shape": [int(size) for size in spec.shape],
        "dtype": str(spec.dtype),
        "thresholds": spec.thresholds is not None,
    }
    return described, more


def _read_input(spec: Any, members: Members) -> InputSpec:
    shape = field("input", spec, "shape", list)
    if not 1 <= len(shape) <= 3 or any(type(n) is not int or not 1 <= n < 1 << 31 for n in shape):
        raise FileError(f"header: input: 'shape' must be a list of 1 to 3 positive integers, not {shape!r:.60}")
    if math.prod(shape) >= 1 << 31:
        raise FileError(f"header: input: 'shape' must hold less than 2**31 elements, not {shape!r:.60}")
    dtype = DataType.parse(field("input", spec, "dtype", str))
    thresholds: Any = None
    falling: tuple[bool, ...] = ()
    if field("input", spec, "thresholds", bool):
        rows = size("input", spec, "rows") if "rows" in spec else 1
        array = members.take("input.thresholds", "<f8", ((rows,) if rows > 1 else ()) + (dtype.levels - 1,))
        thresholds = tuple(map(tuple, array.tolist())) if rows > 1 else tuple(array.tolist())
        if "falling" in spec and field("input", spec, "falling", bool):
            falling = tuple(bool(falls) for falls in members.take("input.falling", "|u1", (rows,)).tolist())
    layout = field("input", spec, "layout", str) if "layout" in spec else LAYOUTS[0]
    return InputSpec(tuple(shape), dtype, thresholds, falling, layout)


def _read(archive: zipfile.ZipFile) -> Network:
    members = Members(archive)
    try:
        header = json.loads(members.take("header", "|u1", (None,)).tobytes())
    except (ValueError, RecursionError):
        raise FileError("header must be JSON") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileError(f"header: 'format' must be {FORMAT!r}: not a bnnhw network file")
    version = field("header", header, "version", int)
    if version > VERSION:
        raise FileError(f"format version must be at most {VERSION}, not {version}: a newer bnnhw wrote this file")
    if version < 1:
        raise FileError(f"format version must be at least 1, not {version}")
    network_input = _read_input(field("header", header, "input", dict), members)
    specs = field("header", header, "layers", list)
    layers = read_layers(specs, members.take)
    provenance = field("header", header, "provenance", dict)
    if not all(isinstance(value, str) for value in provenance.values()):
        raise FileError("header: 'provenance' must map strings to strings")
    network = Network(network_input, layers, provenance)
    members.finish()
    return network
