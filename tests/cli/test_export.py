"""``bnnhw export``, and ``bnnhw import`` of parameter folders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from bnnhw import reference
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane, archive
from tests.cli.conftest import run
from tests.frontend.pynq_folders import TOPOLOGY, small, write
from tests.qonnx.execute import execute

Refused = Callable[..., str]


def test_export(network: Path, tmp_path: Path) -> None:
    model = tmp_path / "folder" / "small.onnx"
    result = run("export", network, "-o", model, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"model": str(model)}
    loaded = archive.load(network)
    x = np.random.default_rng(0).uniform(-1, 17, (1, 64)).astype(np.float32)
    expected = reference.evaluate(loaded, loaded.input.encode(x)).scores
    assert np.array_equal(execute(onnx.load(model), x), expected)


def test_export_of_no_network(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "notes.bnn"
    path.write_text("no network")
    message = refused(2, "export", path, "-o", tmp_path / "model.onnx")
    assert re.fullmatch(rf"{re.escape(str(path))}: not a whole bnnhw network file \(.*\)", message)


def test_export_of_what_floats_do_not_hold(tmp_path: Path, refused: Refused) -> None:
    dtype, path = DataType("uint", 8), tmp_path / "wide.bnn"
    plane = WeightPlane(1 << 17, BitMatrix.from_bits(np.ones((2, 3), np.uint8)))
    layers = (Dense("wide", dtype, (plane,), None), Output.plain("output", 2))
    archive.save(Network(InputSpec((3,), dtype), layers), path)
    message = f"{path}: layer wide: dot products must be below 16777216 to be exact in float32, not up to 100270082"
    assert refused(2, "export", path, "-o", tmp_path / "model.onnx") == message


def test_export_where_a_folder_is(network: Path, tmp_path: Path, refused: Refused) -> None:
    assert refused(2, "export", network, "-o", tmp_path) == f"{tmp_path}: must be a file, and is a folder"


def test_import_of_a_folder(tmp_path: Path) -> None:
    folder, output = write(tmp_path / "parameters", small(), 3), tmp_path / "small.bnn"
    result = run("import", folder, "--topology", TOPOLOGY, "--decode", "highest-bit", "-o", output, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "network": str(output),
        "layers": 3,
        "weights_bits": 70 * 8 + 8 * 3 + 2 * 3 * 3,
        "format": "bnn-pynq",
        "warnings": [],
    }
    assert archive.load(output).provenance["decode"] == "highest-bit"


def test_import_of_a_folder_without_its_topology(tmp_path: Path, refused: Refused) -> None:
    folder = write(tmp_path / "parameters", small(), 3)
    assert refused(2, "import", folder, "-o", tmp_path / "small.bnn") == (
        f"{folder}: layers of 8, 4 thresholds are of no network known (LFC 784-1024-1024-1024-10, and CNV): "
        "say --topology INPUTS-...-CLASSES"
    )
