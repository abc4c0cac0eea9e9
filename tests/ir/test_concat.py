"""Joined branches as a layer: shapes and types, what is refused, the network file, export and import again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.errors import FileError, NetworkError
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.frontend import read_model
from bnnhw.ir import (
    Affine,
    BitMatrix,
    Concat,
    DataType,
    Dense,
    InputSpec,
    Layer,
    MaxPool,
    Network,
    Output,
    WeightPlane,
    Window,
    archive,
)
from bnnhw.ir.layer import MAX_DEPTH
from bnnhw.qonnx.network import write_qonnx
from bnnhw.reference import evaluate, trace
from bnnhw.streamline import streamline

BIPOLAR, UINT2 = DataType("bipolar", 1), DataType("uint", 2)
SHAPE = (2, 3, 4)


def _affine(name: str, dtype: DataType = UINT2, factor: int = 1) -> Affine:
    return Affine(name, SHAPE, dtype, np.array([factor, -factor]), np.array([0, 1]))


def _pool(name: str, dtype: DataType = UINT2) -> MaxPool:
    return MaxPool(name, Window(*SHAPE, (2, 2)), dtype, np.zeros(2, np.bool_))


def _network(join: Concat, dtype: DataType = UINT2) -> Network:
    synapses = int(np.prod(join.shape_out))
    bits = np.random.default_rng(0).integers(0, 2, (3, synapses))
    dense = Dense("classes", join.output, (WeightPlane(1, BitMatrix.from_bits(bits)),), None)
    return Network(InputSpec(SHAPE, dtype, tuple(range(1, dtype.levels))), (join, dense, Output.plain("output", 3)))


JOINS = {
    "channels": Concat("join", SHAPE, UINT2, (_affine("a"),), ()),
    "types": Concat("join", SHAPE, UINT2, (), (_affine("a", factor=2),)),
    "flat": Concat("join", SHAPE, UINT2, (_pool("p"),), (_affine("a"),), True),
    "nested": Concat("join", SHAPE, UINT2, (Concat("inner", SHAPE, UINT2, (), (_affine("a"),)),), (_affine("b"),)),
}


@pytest.mark.parametrize("name", JOINS)
def test_values(name: str) -> None:
    """Channel by channel the first branch, then the second; as lists one after the other, in stream order."""
    join = JOINS[name]
    network = _network(join)
    codes = network.input.encode(np.random.default_rng(1).integers(0, 4, (9, *SHAPE)))
    outputs = trace(network, codes)
    # Every layer alone, by its own reference.
    given = {"": UINT2.values(codes)}
    ends: list[np.ndarray] = []
    for branch in join.branches:
        dtype, values = UINT2, given[""]
        for layer in branch:
            dtype, values = layer.output, layer.output.values(outputs[layer.name])
        shape = branch[-1].shape_out if branch else SHAPE
        assert dtype.minimum >= join.output.minimum and dtype.maximum <= join.output.maximum
        ends.append(values.reshape(9, 1 if join.flat else shape[1] * shape[2], -1))
    expected = np.concatenate(ends, axis=2).reshape(9, -1)
    assert np.array_equal(join.output.values(outputs["join"]), expected)


@pytest.mark.parametrize("name", JOINS)
def test_file_and_export(tmp_path: Path, name: str) -> None:
    network = _network(JOINS[name])
    archive.save(network, tmp_path / "n.bnn")
    assert archive.load(tmp_path / "n.bnn") == network
    codes = network.input.encode(np.random.default_rng(1).integers(0, 4, (30, *SHAPE)))
    write_qonnx(network, tmp_path / "n.onnx")
    again = streamline(read_model(tmp_path / "n.onnx").network).network
    # A score is an accumulator there, and here the dot product that follows from it: a constant apart.
    apart = evaluate(again, codes).scores - evaluate(network, codes).scores
    assert (apart == apart[0]).all()


@pytest.mark.parametrize("name", JOINS)
def test_units(name: str) -> None:
    """A fork, a queue per branch, and one unit that takes from both in turn; lanes divide both."""
    graph = FoldedNetwork(_network(JOINS[name]), (LayerFolding(3, 2),)).graph(technology("ice40"))
    kinds = [node.unit.kind for node in graph.nodes]
    joins = 2 if name == "nested" else 1
    assert (kinds.count("fork"), kinds.count("buffer"), kinds.count("join")) == (joins, 2 * joins, joins)
    assert graph.resources().lut4 > 0


def test_refusals() -> None:
    def refuse(message: str, make: Callable[[], object]) -> None:
        with pytest.raises(NetworkError, match=rf"^{re.escape(message)}$"):
            make()

    refuse(
        "layer join: branches must end in maps of one size, not (2, 2, 3) and (2, 3, 4)",
        lambda: Concat("join", SHAPE, UINT2, (_pool("p"),), ()),
    )
    refuse(
        "layer a: must take bipolar elements, not uint2", lambda: Concat("join", SHAPE, BIPOLAR, (_affine("a"),), ())
    )
    low, high = (Affine(n, SHAPE, UINT2, np.array([f, f]), np.zeros(2)) for n, f in (("a", -(2**29)), ("b", 2**30)))
    refuse(
        f"layer join: results must fit 32 bits, not {-(2**31)}..{2**32 - 1}",
        lambda: Concat("join", SHAPE, UINT2, (low,), (high,)),
    )
    layer: Layer = _affine("a")
    for level in range(MAX_DEPTH):
        layer = Concat(f"j{level}", SHAPE, UINT2, (layer,), ())
        assert layer.depth == level + 1
    refuse(f"layer top: branches must nest at most {MAX_DEPTH} deep", lambda: Concat("top", SHAPE, UINT2, (layer,), ()))


def test_a_file_that_nests_too_deep(tmp_path: Path) -> None:
    layer: Layer = _affine("a")
    for level in range(MAX_DEPTH):
        layer = Concat(f"j{level}", SHAPE, UINT2, (layer,), ())
    assert isinstance(layer, Concat)
    path = tmp_path / "n.bnn"
    archive.save(_network(layer), path)
    with np.load(path) as content:
        members = dict(content)
    header = json.loads(bytes(members["header"]).decode())
    inner = header["layers"][0]
    header["layers"][0] = {**inner, "name": "top", "first": [inner]}
    members["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **members)
    path.with_suffix(".bnn.npz").replace(path)
    place = "0" + ".first.0" * MAX_DEPTH
    message = f"{path}: header: layer {place}: branches must nest at most {MAX_DEPTH} deep"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        archive.load(path)
