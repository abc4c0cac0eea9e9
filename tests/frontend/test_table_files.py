"""Files of tables that are damaged, or hold what is no array of numbers; nothing is unpickled."""

from __future__ import annotations

import io
import json
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import FileError
from bnnhw.frontend import read_model
from tests.frontend.refusals import refuse
from tests.frontend.table_models import Arrays, sample_arrays, write


def seed() -> Arrays:
    return sample_arrays(np.random.default_rng(0))


def packed(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def member(array: Any, descr: str | None = None, shape: str | None = None) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    data = buffer.getvalue()
    head = data[10:128].decode()
    changed = head.replace(f"'descr': '{np.asarray(array).dtype.str}'", f"'descr': {descr}") if descr else head
    changed = re.sub(r"'shape': \([^)]*\)", f"'shape': {shape}", changed) if shape else changed
    return data[:8] + len(changed).to_bytes(2, "little") + changed.encode() + data[128:]


MARK = ("table_network.npy", member(np.array(1)))
DAMAGED = "the file is damaged or was not written to its end: write it again"
NUMBERS = "save it as integers (int32, uint8) or floating-point numbers (float64)"

ARCHIVES = {
    "twice": ([MARK, MARK], "holds array 'table_network' twice: remove one of them"),
    "no array": ([MARK, ("notes.txt", b"x")], "holds 'notes.txt', which is no array (.npy): remove it"),
    "huge": (
        [MARK, ("x.npy", member(np.zeros(3), shape="(1099511627776, 1099511627776)"))],
        f"array 'x' must have {8 << 80} bytes of data, not 24: {DAMAGED}",
    ),
    "text": ([MARK, ("x.npy", member(np.array("class")))], f"array 'x' must be of numbers, not str160: {NUMBERS}"),
    "complex": ([MARK, ("x.npy", member(np.ones(2) * 1j))], f"array 'x' must be of numbers, not complex128: {NUMBERS}"),
    "no type": (
        [MARK, ("x.npy", member(np.ones(2), "'nonsense'"))],
        f"array 'x' must be of numbers, not 'nonsense': {NUMBERS}",
    ),
    "a structure": (
        [MARK, ("x.npy", member(np.zeros(1, "i4,i4"), "[('a', '<i4'), ('b', '<i4')]"))],
        "array 'x' has no valid NumPy header",
    ),
    "no header": ([MARK, ("x.npy", b"\x93NUMPY\x01\x00")], "array 'x' must be a NumPy array of version 1.0"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_members_that_are_no_numbers(name: str, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    members, message = ARCHIVES[name]
    recwarn.clear()
    with pytest.warns(UserWarning, match="Duplicate") if name == "twice" else pytest.MonkeyPatch.context():
        (tmp_path / "m.npz").write_bytes(packed(members))
    refuse(tmp_path / "m.npz", FileError, message)


class Trap:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "m.npz", **seed(), more=np.array([Trap()], object))
    refuse(tmp_path / "m.npz", FileError, f"array 'more' holds Python objects, and nothing is unpickled: {NUMBERS}")
    (tmp_path / "m.npz").write_bytes(packed([MARK, ("more.npy", pickle.dumps(Trap()))]))
    refuse(tmp_path / "m.npz", FileError, "array 'more' must be a NumPy array of version 1.0")
    assert not (tmp_path / "unpickled").exists()


def test_files_cut_short(tmp_path: Path) -> None:
    for suffix, kind in ((".npz", "an .npz archive"), (".safetensors", "safetensors")):
        whole = write(tmp_path / f"m{suffix}", seed()).read_bytes()
        path = tmp_path / f"cut{suffix}"
        for length in (len(whole) - 1, len(whole) // 2 + 300):
            path.write_bytes(whole[:length])
            with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: can't be read as {kind}.*: {DAMAGED}$"):
                read_model(path)


def test_headers_of_safetensors(tmp_path: Path) -> None:
    """Types that NumPy lacks, sizes that no file has, bytes of truth values that are neither."""

    def tensors(data: bytes, **given: Any) -> Path:
        header = {"table_network": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
        entry = {"dtype": "U8", "shape": [len(data)], "data_offsets": [1, 1 + len(data)], **given}
        text = json.dumps({**header, "input.shape": entry}).encode()
        (tmp_path / "m.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"\1" + data)
        return tmp_path / "m.safetensors"

    path = tensors(b"\1\0", dtype="BF16", shape=[1])
    refuse(path, FileError, f"holds a tensor of type 'BF16', which NumPy lacks: {NUMBERS}")
    path = tensors(b"\1\0", shape=[1 << 60, 1 << 60])
    with pytest.raises(FileError, match=rf"can't be read as safetensors \(.*overflow.*\): {DAMAGED}$"):
        read_model(path)
    path = tensors(b"", shape=[1 << 40, 0])
    message = "array 'input.shape' must have 1 or 2 dimensions and no size of 0, not (1099511627776, 0)"
    refuse(path, FileError, message)


def test_truth_values_of_other_bytes(tmp_path: Path) -> None:
    arrays = seed()
    tables = arrays["layer1.tables"].view(np.uint8).copy()
    tables[3, 5] = 7
    arrays["layer1.tables"] = tables.view(bool)
    message = (
        "array 'layer1.tables' must be in 0..1, not 7 as of neuron 3: of neurons that "
        "emit more bits, array 'layer1.bits' "
        "says how many"
    )
    refuse(write(tmp_path / "m.npz", arrays), FileError, message)
