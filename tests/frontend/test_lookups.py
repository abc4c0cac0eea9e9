"""Truth tables in ONNX: written by standard operators, executed by onnxruntime, read back; other people's; refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.ir import DataType, Dense, InputSpec, Layer, Lookup, Network, Output
from bnnhw.qonnx import to_qonnx, write_qonnx
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline

RNG = np.random.default_rng(7)


def tables(name: str, inputs: int, neurons: int, fan_in: int, dtype: DataType, emits: str) -> Lookup:
    out = DataType.parse(emits)
    sources = RNG.integers(0, inputs, (neurons, fan_in))
    return Lookup(name, inputs, dtype, sources, RNG.integers(0, out.levels, (neurons, 1 << (fan_in * dtype.bits))), out)


def summed(*layers: Layer, shape: tuple[int, ...], classes: int = 3) -> Network:
    """Layers, then sums of equally many of what the last of them gives."""
    width = layers[-1].shape_out[0] // classes
    planes, _ = weight_planes(np.kron(np.eye(classes, dtype=int), np.ones((1, width), int)))
    last = Dense("sums", layers[-1].output, planes, None)
    return Network(InputSpec(shape, layers[0].input), (*layers, last, Output.plain("output", classes)))


@pytest.mark.parametrize(
    ("dtype", "fan_in", "between", "emits"),
    [
        ("bipolar", 4, "bipolar", "bipolar"),
        ("uint2", 3, "uint1", "uint3"),
        ("int3", 2, "int2", "int2"),
        ("uint8", 1, "bipolar", "uint2"),
    ],
)
def test_there_and_back(dtype: str, fan_in: int, between: str, emits: str, tmp_path: Path) -> None:
    """Scores of onnxruntime and of what is read back are the reference's; tables and types are what they were."""
    onnxruntime = pytest.importorskip("onnxruntime")
    first = tables("first", 12, 8, fan_in, DataType.parse(dtype), between)
    network = summed(first, tables("second", 8, 9, 2, first.output, emits), shape=(12,))
    codes = RNG.integers(0, first.input.levels, (40, 12)).astype(np.uint8)
    due = evaluate(network, codes).scores
    model = to_qonnx(network, batch=len(codes))
    assert {node.op_type for node in model.graph.node} <= {"Gather", "MatMul", "Add", "Cast", "Mul"}
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (scores,) = session.run(None, {"global_in": first.input.values(codes).astype(np.float32)})
    assert np.array_equal(scores, due)
    write_qonnx(network, tmp_path / "n.onnx")
    again = streamline(read_model(tmp_path / "n.onnx").network).network
    assert np.array_equal(evaluate(again, codes).scores, due)
    for one, two in zip(network.chain[:2], again.chain[:2], strict=True):
        assert isinstance(one, Lookup) and isinstance(two, Lookup)
        assert np.array_equal(one.sources, two.sources) and np.array_equal(one.tables, two.tables)
        assert (one.input, one.output) == (two.input, two.output)


def test_maps_are_flattened_in_stream_order(tmp_path: Path) -> None:
    network = summed(tables("first", 12, 6, 3, DataType.parse("bipolar"), "bipolar"), shape=(2, 2, 3))
    write_qonnx(network, tmp_path / "n.onnx")
    again = streamline(read_model(tmp_path / "n.onnx").network).network
    samples = RNG.choice([-1, 1], (30, 2, 2, 3))
    due = evaluate(network, network.input.encode(samples)).scores
    assert np.array_equal(evaluate(again, again.input.encode(samples)).scores, due)


def graph(
    sources: object = ((0, 1), (2, 0), (1, 2)),
    factors: object = (1, 2),
    starts: object = (0, 4, 8),
    data: object = None,
    **changes: object,
) -> onnx.ModelProto:
    """Three tables of two of three bits, 0 and 1, as somebody else might write them."""
    held = np.arange(12) % 5 % 2 if data is None else np.array(data)
    constants = {
        "sources": np.array(sources, changes.get("index", np.int64)),
        "factors": np.array(factors, np.float32),
        "starts": np.array(starts, np.float32),
        "tables": held.astype(np.float32),
        "weights": np.eye(3, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["x", "sources"], ["read"], "read", axis=changes.get("axis", 1)),
        helper.make_node("MatMul", ["read", "factors"], ["sum"], "sum"),
        helper.make_node("Add", ["starts", "sum"], ["place"], "place"),
        helper.make_node("Cast", ["place"], ["address"], "address", to=changes.get("to", TensorProto.INT32)),
        helper.make_node("Gather", ["tables", "address"], ["found"], "found"),
        helper.make_node("MatMul", ["found", "weights"], ["scores"], "scores"),
    ]
    drop = changes.get("drop")
    if isinstance(drop, str):
        node = next(node for node in nodes if node.name == drop)
        nodes.remove(node)
        for other in nodes:
            other.input[:] = [
                node.input[-1 if drop == "place" else 0] if i == node.output[0] else i for i in other.input
            ]
    made = helper.make_graph(
        nodes,
        "tables",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, (1, 3))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    bits = made.quantization_annotation.add(tensor_name="x")
    bits.quant_parameter_tensor_names.add(key="finn_datatype", value="BINARY")
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def read(model: onnx.ModelProto, path: Path) -> Network:
    onnx.save(model, path / "m.onnx")
    return streamline(read_model(path / "m.onnx").network).network


@pytest.mark.parametrize(
    "model",
    [
        graph(),
        graph(sources=((0, -2), (-1, 0), (1, 2))),
        graph(starts=(0.0, 4.0, 0.0), data=(0, 1, 0, 0.75, 0, 1, 1, 0.25)),
        graph(data=[-3.5] * 12),
        graph(data=np.arange(12) * 7 - 21),
        # Numbers 1 and 0, with the tables turned round.
        graph(factors=(-1, -2), starts=(3, 7, 11)),
        graph(to=TensorProto.INT64),
    ],
)
def test_other_peoples_tables(model: onnx.ModelProto, tmp_path: Path) -> None:
    """Addresses and numbers of any kind, as onnxruntime computes them: the order of scores, and the scores if whole."""
    onnxruntime = pytest.importorskip("onnxruntime")
    network = read(model, tmp_path)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for number in range(8):
        x = np.array([[number >> place & 1 for place in range(3)]], np.float32)
        (scores,) = session.run(None, {"x": x})
        found = evaluate(network, network.input.encode(x))
        assert found.classes[0] == scores.argmax()
        if (scores == np.rint(scores)).all() and scores.any():
            differences = np.diff(found.scores[0]) * np.diff(scores[0])
            assert (differences >= 0).all()


SIX = tuple(tuple(range(3)) * 3 for _ in range(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: graph(sources=((0, 1), (2, 0), (1, 3))),
            "node 1 of 6: Gather 'read': its indices must be integers in -3..2",
        ),
        (
            lambda: graph(sources=(0, 1, 2)),
            "Gather 'read': its indices must be (neurons, inputs of each) for tables behind it, not of shape (3,)",
        ),
        (lambda: graph(axis=0), "Gather 'read': its axis must be 1 or -1, not 0"),
        (
            lambda: graph(factors=(1, 2, 4)),
            "MatMul 'sum': its second input must be one factor for each of the 2 elements that a table reads, not",
        ),
        (
            lambda: graph(starts=(0, 4)),
            "Add 'place': its other input must be a single value or one per neuron (3), not (2,)",
        ),
        (
            lambda: graph(factors=(0.5, 2)),
            "Gather 'found': its indices must be whole numbers for all values of the elements: use factors that are",
        ),
        (
            lambda: graph(starts=(0, 4, 9)),
            "Gather 'found': its indices must be in 0..11 for all values of the elements, not 0..12",
        ),
        (lambda: graph(to=TensorProto.FLOAT, drop="sum"), "Add 'place': its input must be summed to an address before"),
        (
            lambda: graph(sources=SIX, factors=2.0 ** np.arange(9), starts=(0, 512, 1024), data=np.zeros(1536)),
            "Gather 'found': a table must read at most 8 bits, not 9: 9 elements of uint1",
        ),
        (
            lambda: graph(data=np.arange(12) ** 5),
            "Gather 'found': its tables must hold at most 256 numbers, small multiples of one: round them in the model",
        ),
        (lambda: graph(data=np.zeros((12, 1))), "Gather 'found': its input must be a list of numbers"),
    ],
)
def test_refusals(make: Callable[[], onnx.ModelProto], message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(make(), tmp_path)
    assert message in str(caught.value)
    assert re.search(r"node \d of \d: ", str(caught.value))


def test_the_documented_converter(tmp_path: Path) -> None:
    """Gates of two inputs in two layers, by the function that docs/models.md shows."""
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?def lookup_nodes.*?)```", text, re.DOTALL)
    made: dict[str, Any] = {}
    exec(block, made)
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, (8, 2)), rng.integers(0, 8, (6, 2))
    gates = rng.integers(0, 2, (8, 4)), rng.integers(0, 2, (6, 4))
    nodes, constants = made["lookup_nodes"]("one", "x", first, gates[0])
    more, others = made["lookup_nodes"]("two", nodes[-1].output[0], second, gates[1])
    model = graph()
    sums = helper.make_node("MatMul", [more[-1].output[0], "weights"], ["scores"], "sums")
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend([*nodes, *more, sums])
    weights = np.kron(np.eye(3), np.ones((2, 1))).astype(np.float32)
    model.graph.initializer.extend([*constants, *others, numpy_helper.from_array(weights, "weights")])
    network = read(model, tmp_path)
    assert [layer.kind for layer in network.chain] == ["lookup", "lookup", "dense"]
    for number in range(8):
        x = np.array([number >> place & 1 for place in range(3)])
        hidden = [gates[0][n, x[a] + 2 * x[b]] for n, (a, b) in enumerate(first)]
        bits = [gates[1][n, hidden[a] + 2 * hidden[b]] for n, (a, b) in enumerate(second)]
        due = np.reshape(bits, (3, 2)).sum(axis=1)
        assert np.array_equal(np.diff(evaluate(network, x[None].astype(np.uint8)).scores[0]), 2 * np.diff(due))
