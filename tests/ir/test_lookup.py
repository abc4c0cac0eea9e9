"""Truth tables as a layer: what it promises, what it refuses, its file, its meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import FileError, NetworkError
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Lookup, Network, Output, WeightPlane, archive
from bnnhw.reference import evaluate, trace

BIT, UINT2, INT2 = (DataType.parse(name) for name in ("bipolar", "uint2", "int2"))


def lookup(sources: Any = ((0, 1), (2, 0)), tables: Any = ((0, 1, 1, 0), (1, 1, 1, 0)), **changes: Any) -> Lookup:
    fields: dict[str, Any] = {"name": "tables", "inputs": 3, "input": BIT, "emits": BIT}
    return Lookup(sources=np.array(sources), tables=np.array(tables), **(fields | changes))


def network(layer: Lookup, shape: tuple[int, ...] = (3,)) -> Network:
    bits = BitMatrix.from_bits(np.ones((2, layer.neurons), np.uint8))
    last = Dense("sums", layer.output, (WeightPlane(1, bits),), None)
    return Network(InputSpec(shape, layer.input), (layer, last, Output.plain("output", 2)))


def test_shapes_and_types() -> None:
    layer = lookup()
    assert (layer.neurons, layer.fan_in, layer.address_bits) == (2, 2, 2)
    assert (layer.shape_in, layer.shape_out, layer.output, layer.matrix) == ((3, 1, 1), (2, 1, 1), BIT, None)
    assert layer.takes((3, 1, 1)) and layer.takes((1, 1, 3)) and not layer.takes((2, 1, 1))
    assert layer == lookup() and layer != lookup(name="other") and layer != lookup(sources=((0, 1), (1, 0)))
    assert layer != lookup(tables=((0, 1, 1, 0), (1, 1, 1, 1))) and layer != "tables"


def test_the_first_source_is_the_lowest() -> None:
    """Exclusive or of the first two elements; of the third one and the first: neither both."""
    codes = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], np.uint8)
    found = trace(network(lookup()), codes)["tables"]
    assert found.tolist() == [[a ^ b, int(not (a and c))] for a, b, c in codes.tolist()]


def test_codes_of_several_bits() -> None:
    """The greater of two numbers, in two's complement, of a map in stream order."""
    values = INT2.values(np.arange(4))
    entries = [int(INT2.encode(max(values[a], values[b]))) for b in range(4) for a in range(4)]
    layer = lookup(((3, 0),), (entries,), input=INT2, emits=INT2, inputs=4)
    codes = np.random.default_rng(0).integers(0, 4, (30, 4)).astype(np.uint8)
    found = trace(network(layer, (2, 1, 2)), codes)["tables"]
    assert INT2.values(found[:, 0]).tolist() == np.maximum(INT2.values(codes[:, 3]), INT2.values(codes[:, 0])).tolist()


def test_other_types_of_the_same_numbers() -> None:
    """What a layer says of numbers that both types have stays; of others that of the nearest."""
    layer = lookup(((0, 1),), (np.arange(16) % 4,), input=UINT2, emits=UINT2, inputs=2)
    assert layer.with_input(UINT2) == layer
    wider = layer.with_input(DataType("uint", 3))
    assert wider.tables[0, [0, 1, 2, 3, 4, 7, 8, 9]].tolist() == [0, 1, 2, 3, 3, 3, 0, 1]
    # -2, -1, 0 and 1 are codes 2, 3, 0 and 1; below 0 is 0.
    assert layer.with_input(INT2).tables[0, :4].tolist() == [0, 1, 0, 0]
    with pytest.raises(
        NetworkError, match=r"^layer tables: a neuron must have at most 8 input bits, not 10: 2 elements"
    ):
        layer.with_input(DataType("uint", 5))


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("must have inputs, not 0", lambda: lookup(inputs=0)),
        ("sources must be integers (neurons, fan-in), not float64 of (2, 2)", lambda: lookup(((0.0, 1.0), (2.0, 0.0)))),
        ("sources must be integers (neurons, fan-in), not int64 of (2,)", lambda: lookup((0, 1))),
        ("sources must be in 0..2, not 3 as of neuron 1", lambda: lookup(((0, 1), (3, 0)))),
        ("sources must be in 0..2, not -1 as of neuron 0", lambda: lookup(((0, -1), (3, 0)))),
        ("tables must be integers (2, 4), not int64 of (2, 3)", lambda: lookup(tables=((0, 1, 1), (1, 1, 1)))),
        ("tables must hold codes in 0..1, not 0..2", lambda: lookup(tables=((0, 1, 1, 0), (1, 1, 2, 0)))),
        ("must emit at most 8 bits, not 9", lambda: lookup(emits=DataType("uint", 9))),
        (
            "a neuron must have at most 8 input bits, not 9: 9 elements of bipolar",
            lambda: lookup(((0,) * 9,), ((0,) * 512,)),
        ),
        (
            "a neuron must have at most 8 input bits, not 32: 1 elements of uint32",
            lambda: lookup(((0,),), ((0, 1),), input=DataType("uint", 32)),
        ),
    ],
)
def test_refusals(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(NetworkError, match=f"^layer tables: {re.escape(message)}$"):
        make()


def test_what_comes_before_must_fit() -> None:
    with pytest.raises(NetworkError, match=r"^layer tables: must take 4 inputs, not 3$"):
        network(lookup(), (4,))


def test_file(tmp_path: Path) -> None:
    layer = lookup(((0, 1), (2, 0)), (np.arange(16) % 4, np.arange(16) // 4), input=UINT2, emits=INT2)
    made = network(layer)
    archive.save(made, tmp_path / "n.bnn")
    again = archive.load(tmp_path / "n.bnn")
    assert again == made
    codes = np.random.default_rng(0).integers(0, 4, (9, 3)).astype(np.uint8)
    assert np.array_equal(evaluate(again, codes).scores, evaluate(made, codes).scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fan_in": 9}, "header: layer 0: a neuron must have at most 8 input bits, not 9"),
        ({"fan_in": 0}, "header: layer 0: 'fan_in' must be"),
        ({"emits": "bit"}, "data type must be bipolar, uintN or intN, not 'bit'"),
        ({"inputs": 2}, "layer tables: sources must be in 0..1, not 2 as of neuron 1"),
        ({"neurons": 3}, "array '0.sources' must be int32 (3, 2), not"),
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
    archive.save(network(lookup()), path)
    with pytest.raises(FileError) as caught:
        archive.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_arrays_do_not_change() -> None:
    with pytest.raises(ValueError, match="read-only"):
        lookup().tables[0, 0] = 1
    assert replace(lookup(), name="other").tables.dtype == np.uint8
