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


def test_export_of_c(network: Path, tmp_path: Path) -> None:
    result = run("export", network, "-o", tmp_path / "c" / "small.c", "--name", "tiny", "--word", "64", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (tmp_path / "c" / "small.h").read_text().count("#define tiny_SCRATCH_BYTES") == 1
    assert told == {
        "model": str(tmp_path / "c" / "small.c"),
        "header": str(tmp_path / "c" / "small.h"),
        "main": str(tmp_path / "c" / "small_main.c"),
        "name": "tiny",
        "word_bits": 64,
        # 12 rows of 64 bits and 10 of 12, 12 thresholds of 16 bits, 4 coefficients, 15 levels of 4 bytes.
        "table_bytes": 12 * 8 + 10 * 2 + 12 * 2 + 4 + 15 * 4,
        "scratch_bytes": told["scratch_bytes"],
    }
    shown = run("export", network, "-o", tmp_path / "c" / "small.c")
    assert f"{told['table_bytes']:,} bytes of tables" in shown.stdout


def test_options_of_c_with_another_file(network: Path, tmp_path: Path, refused: Refused) -> None:
    model = tmp_path / "model.onnx"
    message = f"{model}: --name and --samples can be said of C alone: give a name that ends in .c"
    assert refused(2, "export", network, "-o", model, "--name", "n", "--samples", "uint8") == message
    for suffix in (".h", ".cpp"):
        said = refused(2, "export", network, "-o", model.with_suffix(suffix))
        assert said == f"{model.with_suffix(suffix)}: C is written as model.c, its header beside it; give that name"


def test_export_of_c_over_others(network: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "small.h").write_text("precious")
    said = refused(2, "export", network, "-o", tmp_path / "small.c")
    assert said.startswith(f"{tmp_path / 'small.h'}: is there already, and is not as bnnhw wrote it")
    assert run("export", network, "-o", tmp_path / "model.onnx").exit_code == 0
    (tmp_path / "model.onnx").rename(tmp_path / "model.c")
    said = refused(2, "export", network, "-o", tmp_path / "model.c")
    assert said == f"{tmp_path / 'model.c'}: holds an ONNX model, and C source would take its place; give another name"
