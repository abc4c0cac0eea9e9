"""A small network on disk, and how a refused command is checked."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bnnhw.cli import cli
from bnnhw.folding import LayerFolding
from bnnhw.folding import file as folding_file
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, Thresholds, WeightPlane, archive


def make_network(sizes: tuple[int, ...] = (64, 12, 10), seed: int = 1) -> Network:
    """A streamlined network of random weights that takes the digits' 4-bit pixels."""
    rng = np.random.default_rng(seed)
    dtype, bipolar = DataType("uint", 4), DataType("bipolar", 1)
    layers: list[Dense] = []
    for number, (inputs, outputs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        bits = BitMatrix.from_bits(rng.integers(0, 2, (outputs, inputs), np.uint8))
        layer = Dense(f"dense{number}", dtype, (WeightPlane(1, bits),), None)
        if number < len(sizes) - 2:
            low, high = layer.accumulator_range
            middle = rng.integers(low + (high - low) // 3, high - (high - low) // 3, (outputs, 1))
            layer = Dense(layer.name, dtype, layer.weights, Thresholds(middle, bipolar))
        layers.append(layer)
        dtype = bipolar
    return Network(
        # Pixels go from 0 to 16: both 15 and 16 are level 15.
        InputSpec((sizes[0],), DataType("uint", 4), tuple(map(float, range(1, 16)))),
        (*layers, Output.plain("output", sizes[-1])),
        {"source": "tests"},
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled models go where the tests' other files go, one folder for all tests of a run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("BNNHW_DATA", raising=False)


FOLDINGS = (LayerFolding(5, 8), LayerFolding(2, 5, "lut"))
"""Of :func:`make_network`."""


@pytest.fixture
def folding(tmp_path: Path) -> Path:
    path = tmp_path / "folding.json"
    folding_file.save(FOLDINGS, make_network(), path)
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "small.bnn"
    archive.save(make_network(), path)
    return path


def snapshot(folder: Path) -> dict[str, str]:
    """Every file below a folder and its digest; folders too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


@contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """A process that is started meanwhile hears the signal.

    A shell starts what it puts into the background with SIGINT ignored, and bnnhw leaves ignored signals so.
    """
    before = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def run_json(*arguments: str | Path) -> dict[str, Any]:
    """What a command that must be done says."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Runs a command that must fail: one line on stderr, the same as JSON, nothing made or changed in tmp_path."""

    def check(code: int, *arguments: str | Path) -> str:
        before = snapshot(tmp_path)
        result = run(*arguments, "-q", "--json")
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.stderr
        told = json.loads(result.stdout)
        lines = result.stderr.splitlines()
        assert len(lines) == 1, lines
        assert snapshot(tmp_path) == before
        assert lines == [f"bnnhw: error: {told['error']}"]
        assert told == {"error": told["error"], "exit": code}
        assert "Traceback" not in lines[0]
        return told["error"]

    return check
