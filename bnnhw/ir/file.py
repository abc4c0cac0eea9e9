"""The network file (.bnn): one NumPy archive (.npz) with a JSON header and a format version.

Layout
------
An uncompressed zip archive of ``.npy`` members, so that ``numpy.load(path)`` opens it too. Member
``header`` is a ``uint8`` array that holds JSON: ``format`` ("bnnhw"), ``version``, ``input``,
``layers`` and ``provenance``. The other members are the arrays that the header calls for, named
``input.thresholds``, ``LAYER.weights.PLANE`` (packed bits, rows x ceil(columns / 8)),
``LAYER.thresholds`` and so on, with LAYER the position of the layer; those of networks that are not
streamlined are listed in :mod:`bnnhw.ir.file_steps`. The bytes depend on the network alone: no dates, no
compression. Version 1 knew batch norm and sign only, and is read still.

Reading trusts nothing: nothing is unpickled, members must be stored uncompressed (so what is allocated
is bounded by the size of the file) and of exactly the type, shape and length that the header implies,
and the archive's checksums hold. Every refusal is a :class:`~bnnhw.errors.FileError` that names the file.
"""

from __future__ import annotations

import ast
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import BnnhwError, FileError
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.file_steps import (
    Arrays,
    describe_activation,
    describe_steps,
    read_activation,
    read_norm,
    read_steps,
)
from bnnhw.ir.layers import (
    Activation,
    Dense,
    FloatActivation,
    Output,
    Thresholds,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.ir.network import Layer, Network
from bnnhw.ir.types import DataType, InputSpec

__all__ = ["FORMAT", "VERSION", "load", "save", "write_whole"]

FORMAT = "bnnhw"
VERSION = 2

MAX_HEADER = 1 << 24
"""Longest header read, bytes: far above any real network's, far below what hurts."""

MAX_DICTIONARY = 10_000
"""Longest .npy dictionary read, bytes; NumPy's own limit."""

NPY_PREFIX = 10
"""Bytes before the dictionary of an .npy file of version 1.0: magic (6), version (2), length (2)."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file wholly or not at all: beside it first, then renamed over it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path}: can't be written: {error.strerror or error}") from None


def save(network: Network, path: Path) -> None:
    """Write a network, streamlined or not. Raises :class:`~bnnhw.errors.FileError` if it can't be written."""
    header, arrays = _describe(network)
    text = json.dumps(header, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {"header": np.frombuffer(text, np.uint8), **arrays}.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            # A ZipInfo made here carries the fixed date 1980-01-01.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    write_whole(Path(path), buffer.getvalue())


def load(path: Path) -> Network:
    """Read a network. Raises :class:`~bnnhw.errors.FileError`, one line that names the file."""
    path = Path(path)
    with _refusals(path):
        try:
            with zipfile.ZipFile(path) as archive:
                return _read(archive)
        except OSError as error:
            raise FileError(f"can't be read: {error.strerror or error}") from None
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise FileError(f"not a whole bnnhw network file ({_line(error)})") from None


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


# Writing


def _describe_layer(layer: Layer, prefix: str, arrays: Arrays) -> dict[str, Any]:
    if isinstance(layer, Output):
        arrays[f"{prefix}.multiplier"] = layer.multiplier.astype("<i8")
        arrays[f"{prefix}.offset"] = layer.offset.astype("<i8")
        steps = describe_steps(layer.steps, prefix, arrays)
        return {"kind": "output", "name": layer.name, "classes": layer.classes, "steps": steps}
    for i, plane in enumerate(layer.weights):
        packed = np.frombuffer(plane.bits.data, np.uint8)
        arrays[f"{prefix}.weights.{i}"] = packed.reshape(layer.neurons, plane.bits.stride)
    activation: dict[str, Any] | None = None
    if isinstance(layer.activation, Thresholds):
        arrays[f"{prefix}.thresholds"] = layer.activation.values.astype("<i8")
        activation = {"kind": "thresholds", "dtype": str(layer.activation.dtype)}
    elif isinstance(layer.activation, FloatActivation):
        activation = describe_activation(layer.activation, prefix, arrays)
    return {
        "kind": "dense",
        "name": layer.name,
        "input": str(layer.input),
        "neurons": layer.neurons,
        "synapses": layer.synapses,
        "coefficients": [int(plane.coefficient) for plane in layer.weights],
        "activation": activation,
    }


def _describe(network: Network) -> tuple[dict[str, Any], Arrays]:
    arrays: Arrays = {}
    if network.input.thresholds is not None:
        arrays["input.thresholds"] = np.array(network.input.thresholds, "<f8")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "input": {
            "shape": [int(size) for size in network.input.shape],
            "dtype": str(network.input.dtype),
            "thresholds": network.input.thresholds is not None,
        },
        "layers": [_describe_layer(layer, str(i), arrays) for i, layer in enumerate(network.layers)],
        "provenance": {str(key): str(value) for key, value in network.provenance.items()},
    }
    return header, arrays


# Reading


class _Members:
    """The members of an archive, each read at most once and only as the type and shape asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            if info.filename in self._members:
                raise FileError(f"holds member {info.filename!r} twice")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise FileError(f"member {info.filename!r} must be stored uncompressed")
            self._members[info.filename] = info

    def take(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """The array ``name``; a None in ``shape`` stands for any size up to :data:`MAX_HEADER`."""
        info = self._members.pop(f"{name}.npy", None)
        if info is None:
            foreign = "not a bnnhw network file: " if name == "header" else ""
            raise FileError(f"{foreign}array {name!r} is missing")
        expected = f"{np.dtype(dtype).name} {shape}".replace("None", "N")
        with self._archive.open(info) as member:
            prefix = member.read(NPY_PREFIX)
            if len(prefix) < NPY_PREFIX or prefix[:8] != b"\x93NUMPY\x01\x00":
                raise FileError(f"array {name!r} must be a NumPy array of version 1.0")
            length = int.from_bytes(prefix[8:], "little")
            if length > MAX_DICTIONARY:
                raise FileError(f"array {name!r} has no valid NumPy header")
            actual_dtype, fortran, actual = _npy_dictionary(name, member.read(length))
            matches = len(actual) == len(shape) and all(
                a == s if s is not None else a <= MAX_HEADER for a, s in zip(actual, shape, strict=True)
            )
            if actual_dtype != np.dtype(dtype).str or fortran or not matches:
                order = " in Fortran order" if fortran else ""
                raise FileError(f"array {name!r} must be {expected}, not {actual_dtype} {actual}{order}")
            size = math.prod(actual) * np.dtype(dtype).itemsize
            # Compared before anything of that size is allocated.
            if info.file_size != NPY_PREFIX + length + size:
                have = info.file_size - NPY_PREFIX - length
                raise FileError(f"array {name!r} must have {size} bytes of data, not {have}")
            data = member.read()
        return np.frombuffer(data, dtype).reshape(actual)

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        if self._members:
            raise FileError(f"holds members that its header does not call for: {', '.join(sorted(self._members))}")


def _npy_dictionary(name: str, text: bytes) -> tuple[str, bool, tuple[int, ...]]:
    """Type, order and shape from the dictionary of an .npy member."""
    try:
        value = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = None
    if isinstance(value, dict) and set(value) == {"descr", "fortran_order", "shape"}:
        dtype, fortran, shape = value["descr"], value["fortran_order"], value["shape"]
        valid = isinstance(dtype, str) and isinstance(fortran, bool) and isinstance(shape, tuple)
        if valid and all(type(size) is int and size >= 0 for size in shape):
            return dtype, fortran, shape
    raise FileError(f"array {name!r} has no valid NumPy header")


def _field(where: str, mapping: Any, key: str, kind: type) -> Any:
    """One entry of the header, checked for its type (a bool is no int here)."""
    if not isinstance(mapping, dict) or key not in mapping:
        raise FileError(f"header: {where} must have {key!r}")
    value = mapping[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FileError(f"header: {where}: {key!r} must be of type {kind.__name__}, not {value!r:.60}")
    return value


def _size(where: str, mapping: Any, key: str) -> int:
    value = _field(where, mapping, key, int)
    if not 1 <= value < 1 << 31:
        raise FileError(f"header: {where}: {key!r} must be in 1..2**31 - 1, not {value!r:.60}")
    return value


def _read_activation(where: str, spec: Any, members: _Members, prefix: str, neurons: int) -> Activation | None:
    if spec is None:
        return None
    kind = _field(where, spec, "kind", str)
    if kind == "batch_norm_sign":
        return batch_norm_sign(read_norm(where, spec, members.take, prefix, neurons))
    if kind == "float":
        return read_activation(where, spec, members.take, prefix, neurons)
    if kind != "thresholds":
        raise FileError(f"header: {where}: activation must be thresholds or float, not {kind!r:.60}")
    dtype = DataType.parse(_field(where, spec, "dtype", str))
    return Thresholds(members.take(f"{prefix}.thresholds", "<i8", (neurons, dtype.levels - 1)), dtype)


def _read_layer(spec: Any, members: _Members, prefix: str) -> Layer:
    where = f"layer {prefix}"
    kind, name = _field(where, spec, "kind", str), _field(where, spec, "name", str)
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", name):
        raise FileError(f"header: {where}: 'name' must be 1 to 200 printable characters, not {name!r:.60}")
    if kind == "output":
        classes = _size(where, spec, "classes")
        multiplier = members.take(f"{prefix}.multiplier", "<i8", (classes,))
        offset = members.take(f"{prefix}.offset", "<i8", (classes,))
        # Version 1 had a batch norm or null in the place of steps.
        if spec.get("norm") is not None:
            norm = _field(where, spec, "norm", dict)
            return Output(name, multiplier, offset, (read_norm(where, norm, members.take, prefix, classes),))
        steps = read_steps(where, spec.get("steps", []), members.take, prefix, classes)
        return Output(name, multiplier, offset, steps)
    if kind != "dense":
        raise FileError(f"header: {where}: 'kind' must be dense or output, not {kind!r:.60}")
    neurons, synapses = _size(where, spec, "neurons"), _size(where, spec, "synapses")
    planes = []
    for i, coefficient in enumerate(_field(where, spec, "coefficients", list)):
        if type(coefficient) is not int or abs(coefficient) >= 1 << 31:
            raise FileError(f"header: {where}: coefficients must be integers below 2**31, not {coefficient!r:.60}")
        packed = members.take(f"{prefix}.weights.{i}", "|u1", (neurons, -(-synapses // 8)))
        planes.append(WeightPlane(coefficient, BitMatrix(neurons, synapses, packed.tobytes())))
    dtype = DataType.parse(_field(where, spec, "input", str))
    activation = _read_activation(where, spec.get("activation"), members, prefix, neurons)
    return Dense(name, dtype, tuple(planes), activation)


def _read_input(spec: Any, members: _Members) -> InputSpec:
    shape = _field("input", spec, "shape", list)
    if not 1 <= len(shape) <= 3 or any(type(size) is not int or not 1 <= size < 1 << 31 for size in shape):
        raise FileError(f"header: input: 'shape' must be a list of 1 to 3 positive integers, not {shape!r:.60}")
    if math.prod(shape) >= 1 << 31:
        raise FileError(f"header: input: 'shape' must hold less than 2**31 elements, not {shape!r:.60}")
    dtype = DataType.parse(_field("input", spec, "dtype", str))
    thresholds = None
    if _field("input", spec, "thresholds", bool):
        thresholds = tuple(members.take("input.thresholds", "<f8", (dtype.levels - 1,)).tolist())
    return InputSpec(tuple(shape), dtype, thresholds)


def _read(archive: zipfile.ZipFile) -> Network:
    members = _Members(archive)
    try:
        header = json.loads(members.take("header", "|u1", (None,)).tobytes())
    except (ValueError, RecursionError):
        raise FileError("header must be JSON") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileError(f"header: 'format' must be {FORMAT!r}: not a bnnhw network file")
    version = _field("header", header, "version", int)
    if version > VERSION:
        raise FileError(f"format version must be at most {VERSION}, not {version}: a newer bnnhw wrote this file")
    if version < 1:
        raise FileError(f"format version must be at least 1, not {version}")
    network_input = _read_input(_field("header", header, "input", dict), members)
    specs = _field("header", header, "layers", list)
    layers = tuple(_read_layer(spec, members, str(i)) for i, spec in enumerate(specs))
    provenance = _field("header", header, "provenance", dict)
    if not all(isinstance(value, str) for value in provenance.values()):
        raise FileError("header: 'provenance' must map strings to strings")
    network = Network(network_input, layers, provenance)
    members.finish()
    return network
