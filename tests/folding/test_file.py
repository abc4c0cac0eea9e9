"""The folding file: round trips and refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import BnnhwError, FileError, FoldingError
from bnnhw.folding import ENGINES, LayerFolding
from bnnhw.folding.file import load, save
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, Thresholds, WeightPlane
from tests.strategies import fixed, networks

BIPOLAR = DataType("bipolar", 1)


@pytest.fixture(scope="module")
def network() -> Network:
    planes = [(WeightPlane(1, BitMatrix.from_bits(np.ones(shape))),) for shape in ((6, 10), (3, 6))]
    first = Dense("first", BIPOLAR, planes[0], Thresholds(np.full((6, 1), 5), BIPOLAR))
    last = Dense("last", BIPOLAR, planes[1], None)
    return Network(InputSpec((10,), BIPOLAR), (first, last, Output.plain("output", 3)))


GOOD: dict[str, Any] = {
    "format": "bnnhw-folding",
    "version": 1,
    "layers": [{"name": "last", "pe": 3, "simd": 4}, {"name": "first", "pe": 4, "simd": 10, "memory": "lut"}],
}


@fixed
@given(st.data())
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    drawn = data.draw(networks(streamlined=True))

    def chosen(layer: Dense) -> LayerFolding:
        if data.draw(st.booleans()):
            return LayerFolding(layer.neurons, layer.synapses, "constant", "spatial")
        options = ENGINES.named("folded").options
        pe, simd = data.draw(st.integers(1, layer.neurons)), data.draw(st.integers(1, layer.synapses))
        most = min(-(-layer.neurons // pe), -(-layer.synapses // simd), ENGINES.named("folded").most_vectors)
        return LayerFolding(
            pe,
            simd,
            data.draw(st.sampled_from(options["memory"])),
            planes=data.draw(st.sampled_from(options["planes"])),
            vectors=data.draw(st.integers(1, most)),
            thresholds=data.draw(st.sampled_from(options["thresholds"])),
        )

    foldings = tuple(map(chosen, drawn.matrices))
    path = tmp_path_factory.getbasetemp() / "folding.json"
    save(foldings, drawn, path)
    assert load(path, drawn).foldings == foldings


def test_by_name_and_with_defaults(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(GOOD))
    assert load(path, network).foldings == (LayerFolding(4, 10, "lut"), LayerFolding(3, 4, "block", "folded"))


def change(*keys: str | int, value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(GOOD))
    place = changed
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return changed


@pytest.mark.parametrize(
    "data, error, message",
    [
        ([], FileError, "not a folding file: 'format' must be 'bnnhw-folding'"),
        (change("format", value="x"), FileError, "not a folding file: 'format' must be 'bnnhw-folding'"),
        (
            change("version", value=2),
            FileError,
            "format version must be at most 1, not 2: a newer bnnhw wrote this file",
        ),
        (change("version", value="1"), FileError, "format version must be a positive integer, not '1'"),
        (change("version", value=None), FileError, "format version must be a positive integer, not None"),
        (change("layers", value={}), FileError, "'layers' must be a list"),
        (change("layers", 0, value=7), FoldingError, "layers[0] must be an object, not 7"),
        (change("layers", 0, "name", value=None), FoldingError, "layers[0]: 'name' is missing"),
        (change("layers", 0, "name", value=1), FoldingError, "layers[0]: 'name' must be a string, not 1"),
        (change("layers", 0, "name", value="fc"), FoldingError, "layer 'fc': must be one of first, last"),
        (change("layers", 0, "name", value="first"), FoldingError, "layer 'first': is there twice"),
        (change("layers", value=GOOD["layers"][:1]), FoldingError, "layer 'first': is missing"),
        (change("layers", 1, "simd", value=None), FoldingError, "layer 'first': 'simd' is missing"),
        (change("layers", 1, "pe", value=True), FoldingError, "layer 'first': 'pe' must be an integer, not True"),
        (
            change("layers", 1, "pe", value=0),
            FoldingError,
            "layer 'first': folding: PE and SIMD must be positive, not 0 and 10",
        ),
        (
            change("layers", 1, "Memory", value="lut"),
            FoldingError,
            "layer 'first': key must be one of name, pe, simd, memory, engine, planes, vectors, writable, columns, "
            "thresholds, not 'Memory'",
        ),
        (
            change("layers", 1, "vectors", value="2"),
            FoldingError,
            "layer 'first': 'vectors' must be an integer, not '2'",
        ),
        (
            change("layers", 1, "writable", value="yes"),
            FoldingError,
            "layer 'first': 'writable' must be true or false, not 'yes'",
        ),
        (
            change("layers", 1, "vectors", value=True),
            FoldingError,
            "layer 'first': 'vectors' must be an integer, not True",
        ),
        (
            change("layers", 1, "vectors", value=0),
            FoldingError,
            "layer 'first': folding: vectors must be positive, not 0",
        ),
        (
            change("layers", 1, "vectors", value=9),
            FoldingError,
            "layer 'first': folding: vectors must be at most 8 with the engine folded, not 9",
        ),
        (
            change("layers", 1, "vectors", value=2),
            FoldingError,
            "layer first: vectors must be at most 1 with PE 4 and SIMD 10, whose words could not come and go in time "
            "otherwise, not 2",
        ),
        (
            change("layers", 0, "simd", value=7),
            FoldingError,
            "layer last: SIMD must be at most 6, not 7; nearest without padding: 6",
        ),
    ],
)
def test_refusals(network: Network, tmp_path: Path, data: Any, error: type[BnnhwError], message: str) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(data))
    with pytest.raises(error, match=rf"^{re.escape(f'{path}: {message}')}$"):
        load(path, network)


@pytest.mark.parametrize(
    "key, known",
    [
        ("memory", ENGINES.named("folded").options["memory"]),
        ("engine", list(ENGINES)),
        ("planes", ENGINES.named("folded").options["planes"]),
        ("thresholds", ("lut", "block")),
    ],
)
def test_unknown_choice(network: Network, tmp_path: Path, key: str, known: tuple[str, ...]) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(change("layers", 1, key, value="magic")))
    message = f"{path}: layer 'first': folding: {key} must be one of {', '.join(known)}, not 'magic'"
    with pytest.raises(FoldingError, match=rf"^{re.escape(message)}$"):
        load(path, network)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", r"not JSON: Expecting value: line 1 column 1 \(char 0\)"),
        (b'{"format": ', r"not JSON: Expecting value: line 1 column 12 \(char 11\)"),
        (b"\xff\xfe\x00", r"not JSON: [^\n]+"),
        (b"[" * 100_000, r"not JSON: [^\n]+"),
    ],
)
def test_not_json(network: Network, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: {message}$"):
        load(path, network)


def test_missing_file(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: can't be read: No such file or directory$"):
        load(path, network)


def test_a_folding_that_does_not_fit_is_not_written(network: Network, tmp_path: Path) -> None:
    with pytest.raises(FoldingError, match=r"^folding: must have 2 layers, not 1$"):
        save([LayerFolding(1, 1)], network, tmp_path / "f.json")
    assert not (tmp_path / "f.json").exists()
