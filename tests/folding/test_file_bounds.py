"""The folding file at its bounds, and as a person sees it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import FileError
from bnnhw.folding import LayerFolding
from bnnhw.folding.file import load, save
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane

BIPOLAR = DataType("bipolar", 1)
LARGEST = 16 * 1024 * 1024


@pytest.fixture(scope="module")
def network() -> Network:
    layer = Dense("схема", BIPOLAR, (WeightPlane(1, BitMatrix.from_bits(np.ones((3, 6)))),), None)
    return Network(InputSpec((6,), BIPOLAR), (layer, Output.plain("output", 3)))


def test_what_is_written_can_be_read_by_people(network: Network, tmp_path: Path) -> None:
    """A line per value, two blanks per level, letters as they are, a newline at the end."""
    path = tmp_path / "folding.json"
    save((LayerFolding(3, 2, "lut"),), network, path)
    lines = path.read_text("utf-8").split("\n")
    assert lines[:3] == ["{", '  "format": "bnnhw-folding",', '  "version": 1,']
    assert lines[4:] == [
        '  "layers": [',
        "    {",
        '      "name": "схема",',
        '      "pe": 3,',
        '      "simd": 2,',
        '      "memory": "lut",',
        '      "engine": "folded",',
        '      "planes": "parallel",',
        '      "vectors": 1',
        "    }",
        "  ]",
        "}",
        "",
    ]
    assert load(path, network).foldings == (LayerFolding(3, 2, "lut"),)


def text(version: object = 1) -> str:
    layers = [{"name": "схема", "pe": 3, "simd": 6}]
    return json.dumps({"format": "bnnhw-folding", "version": version, "layers": layers})


def test_largest_file(network: Network, tmp_path: Path) -> None:
    """16 MiB are read, and no byte more."""
    path = tmp_path / "folding.json"
    path.write_text(text().ljust(LARGEST))
    assert load(path, network).foldings == (LayerFolding(3, 6),)
    path.write_text(text().ljust(LARGEST + 1))
    message = f"{path}: a folding must have at most 16777216 bytes, not 16777217"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        load(path, network)


@pytest.mark.parametrize(
    "version, message",
    [
        (0, "format version must be a positive integer, not 0"),
        (-1, "format version must be a positive integer, not -1"),
        (1.0, "format version must be a positive integer, not 1.0"),
        (True, "format version must be a positive integer, not True"),
        (2, "format version must be at most 1, not 2: a newer bnnhw wrote this file"),
    ],
)
def test_versions(version: object, message: str, network: Network, tmp_path: Path) -> None:
    path = tmp_path / "folding.json"
    path.write_text(text(version))
    with pytest.raises(FileError, match=rf"^{re.escape(f'{path}: {message}')}$"):
        load(path, network)
