"""Truth tables at every position: what the layer promises, what it refuses, its file, its meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import FileError, NetworkError
from bnnhw.ir import DataType, InputSpec, Lookup, LookupConv, Network, Output, Window, archive
from bnnhw.reference import evaluate, trace
from tests.layers import MapNetwork, random_layer, random_tables
from tests.map_strategies import windows
from tests.reference.naive import run
from tests.strategies import DTYPES, fixed

BIT, UINT2, INT2 = (DataType.parse(name) for name in ("bipolar", "uint2", "int2"))
WINDOW = Window(2, 3, 4, (2, 2))


def lookup(inputs: int = 8, dtype: DataType = BIT, emits: str = "bipolar") -> Lookup:
    return random_tables(np.random.default_rng(0), 3, inputs, 2, str(dtype), emits)


def network(layer: LookupConv) -> Network:
    last = random_layer(
        np.random.default_rng(1), 2, int(np.prod(layer.shape_out)), str(layer.output), None, name="last"
    )
    return Network(InputSpec(layer.shape_in, layer.input), (layer, last, Output.plain("output", 2)))


def test_shapes_and_types() -> None:
    layer = LookupConv(WINDOW, lookup(emits="uint2"))
    assert (layer.name, layer.input, layer.output, layer.matrix, layer.label) == (
        "tables", BIT, UINT2, None, "lookup-conv",
    )  # fmt: skip
    assert (layer.shape_in, layer.shape_out, layer.vectors) == ((2, 3, 4), (3, 2, 3), 6)
    assert layer.renamed("other").tables.name == "other" and layer == LookupConv(WINDOW, lookup(emits="uint2"))
    assert layer != LookupConv(WINDOW, lookup(emits="uint2"), 1)


def test_which_element_is_read() -> None:
    """Row below, second column, second channel is element 7 under the window; outside of the map there is a 1."""
    window = Window(2, 2, 2, (2, 2), padding=(0, 0, 0, 1))
    layer = LookupConv(window, Lookup("tables", 8, BIT, np.array([[7]]), np.array([[0, 1]]), BIT), 1)
    codes = np.arange(2 * 2 * 2)[None] == 7
    assert trace(network(layer), codes.astype(np.uint8))["tables"].tolist() == [[1, 1]]
    assert trace(network(layer), (~codes).astype(np.uint8))["tables"].tolist() == [[0, 1]]


@st.composite
def layers(draw: st.DrawFn) -> LookupConv:
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    window, dtype = draw(windows(shape)), draw(DTYPES)
    fan_in = draw(st.integers(1, 8 // dtype.bits))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    tables = random_tables(
        rng, draw(st.integers(1, 4)), window.area * window.channels, fan_in, str(dtype), str(draw(DTYPES))
    )
    return LookupConv(window, tables, draw(st.integers(0, dtype.levels - 1)))


@fixed
@given(layers())
def test_the_reference_is_the_definition(layer: LookupConv) -> None:
    """Bit by bit, by another implementation, and again from the file's header and arrays."""
    made = network(layer)
    codes = np.random.default_rng(2).integers(0, layer.input.levels, (3, made.input.elements)).astype(np.uint8)
    found = trace(made, codes)
    for number, frame in enumerate(codes.tolist()):
        for name, due in run(made, frame).items():
            assert found[name][number].tolist() == due


def test_other_types_of_the_same_numbers() -> None:
    """The padding keeps its number; a type that has no such number is said not to do."""
    padded = Window(1, 2, 2, (2, 2), padding=(1, 1, 0, 0))
    layer = LookupConv(padded, lookup(4, UINT2), 3)
    wider = layer.with_input(DataType("uint", 3))
    assert (wider.padding_code, wider.input, wider.tables.tables.shape) == (3, DataType("uint", 3), (3, 64))
    assert layer.keeps(DataType("uint", 3)) and not layer.keeps(INT2)
    assert layer.with_input(INT2).padding_code == 0
    assert LookupConv(Window(1, 2, 2, (2, 2)), lookup(4, UINT2), 3).keeps(INT2)


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("tables must have 8 inputs, not 7", lambda: LookupConv(WINDOW, lookup(7))),
        ("padding must be a code in 0..1, not 2", lambda: LookupConv(WINDOW, lookup(), 2)),
        ("padding must be a code in 0..1, not -1", lambda: LookupConv(WINDOW, lookup(), -1)),
    ],
)
def test_refusals(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(NetworkError, match=f"^layer tables: {re.escape(message)}$"):
        make()


def test_what_comes_before_must_fit() -> None:
    layer = LookupConv(WINDOW, lookup())
    with pytest.raises(NetworkError, match=r"^layer tables: must take a map of 2 x 4 x 3, not 2 x 3 x 4$"):
        Network(InputSpec((2, 4, 3), BIT), (layer, Output.plain("output", 3)))


def test_file(tmp_path: Path) -> None:
    made = MapNetwork((2, 5, 6), "uint2").lookup(4, 3, (3, 2), padding=(1, 0, 1, 0), stride=(2, 1), code=2)
    made = made.lookup(3, 2, (1, 3), output="int2").dense(3, (1, 1), None)
    assert isinstance(made, MapNetwork)
    written = made.folded().network
    archive.save(written, tmp_path / "n.bnn")
    again = archive.load(tmp_path / "n.bnn")
    assert again == written
    codes = np.random.default_rng(0).integers(0, 4, (9, 60)).astype(np.uint8)
    assert np.array_equal(evaluate(again, codes).scores, evaluate(written, codes).scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fan_in": 9}, "header: layer 0: a neuron must have at most 8 input bits, not 9"),
        ({"inputs": 9}, "layer tables: tables must have 8 inputs, not 9"),
        ({"padding_code": 5}, "layer tables: padding must be a code in 0..1, not 5"),
        ({"padding_code": "x"}, "header: layer 0: 'padding_code' must be"),
        ({"window": 3}, "header: layer 0: 'window' must be"),
    ],
)
def test_refused_files(change: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that lies is refused, with the name of the file."""
    codec = archive.describe_layers

    def lying(*arguments: Any) -> Any:
        entries = codec(*arguments)
        entries[0] |= change
        return entries

    path = tmp_path / "n.bnn"
    monkeypatch.setattr(archive, "describe_layers", lying)
    archive.save(network(LookupConv(WINDOW, lookup())), path)
    with pytest.raises(FileError) as caught:
        archive.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
