"""Files that are models and that no format reads: recognized by their content, refused by naming what to write."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import FileError, UnsupportedError
from tests.cli.conftest import run
from tests.frontend.refusals import refuse

NPZ = (
    "write it beside its training as an .npz, as docs/models.md shows: its architecture, model.to_json(), and its "
    "weights by name"
)
QONNX = "export the network as QONNX, as docs/models.md shows"
TABLES = "of a network of truth tables write the arrays that docs/models.md lists, 'table_network' among them"


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, "")
    return buffer.getvalue()


def saved(save: Callable[..., object], *content: object) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *content)
    return buffer.getvalue()


FILES: dict[str, tuple[bytes, str]] = {
    "m.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), f"a Keras model or weights in HDF5 (.h5) is not read: {NPZ}"),
    "m.keras": (zipped("metadata.json", "config.json", "model.weights.h5"), f"a .keras archive is not read: {NPZ}"),
    "m.tflite": (b"\x1c\0\0\0TFL3" + bytes(40), f"a TensorFlow Lite model is not read: {NPZ}"),
    "m.pt2": (
        zipped("m/archive_format", "m/models/model.json"),
        f"an exported program of PyTorch (.pt2) is not read: {QONNX}",
    ),
    "m.pth": (
        zipped("archive/data.pkl", "archive/data/0"),
        f"a PyTorch file (.pt, .pth) is not read: it holds weights, or a program, and no graph: {QONNX}",
    ),
    "m.pkl": (pickle.dumps({"weight": 1}), f"a pickle is not read: nothing is unpickled: {QONNX}"),
    "m.safetensors": (
        (12).to_bytes(8, "little") + b'{"w": {"a":1}',
        f"a safetensors file is not read: it holds weights and no graph: {QONNX}; {TABLES}",
    ),
    "m.npz": (
        saved(np.savez, np.zeros(3)),
        f"an .npz archive without an array 'architecture' is not read: of a Larq model, {NPZ}; {TABLES}",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_recognized_by_content(name: str, tmp_path: Path) -> None:
    """Whatever the file is called."""
    data, message = FILES[name]
    for path in (tmp_path / name, tmp_path / "model.onnx"):
        path.write_bytes(data)
        refuse(path, UnsupportedError, message)


def test_saved_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "variables").mkdir()
    refuse(tmp_path, UnsupportedError, f"a SavedModel folder of TensorFlow is not read: {NPZ}")


def test_network_file(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "models" / "fashion-sfc.bnn"
    message = "a network file of bnnhw (.bnn) is not read: it needs no import: give it to the other commands"
    refuse(path, UnsupportedError, message)
    result = run("import", path, "-o", tmp_path / "m.bnn")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "m.bnn").exists()


def test_files_of_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    message = FILES["m.pth"][1]
    for content in ({"w": torch.zeros(2)}, torch.nn.Linear(2, 2)):
        torch.save(content, tmp_path / "m.pt")
        refuse(tmp_path / "m.pt", UnsupportedError, message)


def test_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    path.write_bytes(zipped("readme.txt"))
    refuse(path, FileError, "must be an ONNX model, not an archive")
