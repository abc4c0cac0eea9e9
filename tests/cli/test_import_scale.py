"""``bnnhw import --input-scale``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.ir import archive
from tests.cli.conftest import run
from tests.frontend.models import model, parts, write


@pytest.mark.parametrize("text, threshold", [("1/2", 5.0), ("0.25", 10.0), ("1", 2.5)])
def test_scaled(tmp_path: Path, text: str, threshold: float) -> None:
    source, output = write(model(*parts()), tmp_path / "m.onnx"), tmp_path / "n.bnn"
    assert run("import", source, "--input-scale", text, "-o", output).exit_code == 0
    network = archive.load(output)
    assert network.input.thresholds == (threshold,)
    assert np.array_equal(network.input.encode(np.array([[0, threshold, 4 * threshold, 0]])), [[0, 1, 1, 0]])


@pytest.mark.parametrize("text", ["0", "-1", "1/0", "nan", "1e9", "many"])
def test_refused(refused: Callable[..., str], tmp_path: Path, text: str) -> None:
    source = write(model(*parts()), tmp_path / "m.onnx")
    message = f"Invalid value for '--input-scale': must be a positive number, such as 1/255 or 0.5, not {text!r}"
    assert message == refused(2, "import", source, "--input-scale", text, "-o", tmp_path / "n.bnn")
    assert not (tmp_path / "n.bnn").exists()
