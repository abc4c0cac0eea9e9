"""Graphs and files that are not read: input, output, initializers, structure, bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import BnnhwError, FileError, UnsupportedError
from bnnhw.frontend import ImportedModel, formats, read_model
from bnnhw.frontend.onnx import convert
from tests.frontend.models import by_output, model, node, parts, write
from tests.frontend.refusals import Cases, refuse
from tests.strategies import fixed

Nodes: TypeAlias = list[onnx.NodeProto]
Constants: TypeAlias = dict[str, Any]

case: Cases[Callable[[Nodes, Constants], None]] = Cases()


@case("graph output 'scores': must be affine in a matrix product, without a Relu: end the graph before it")
def relu_of_scores(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "scores").output[0] = "last"
    nodes.append(node("Relu", ["last"], "scores"))


@case("graph output 'scores': must be affine in a matrix product, without a PRelu: end the graph before it")
def leaky_relus_of_scores(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "scores").output[0] = "last"
    constants["slopes"] = [0.5, 0.25]
    nodes.append(node("PRelu", ["last", "slopes"], "scores"))


@case("initializer 'w0': values must be numbers, not NaN")
def not_a_number(nodes: Nodes, constants: Constants) -> None:
    constants["w0"] = np.full((4, 3), np.nan, np.float32)


@case(
    "initializer 'w0': values of type complex64 are not read: export the model with float32, and integers of 4 to 64 "
    "bits"
)
def complex_numbers(nodes: Nodes, constants: Constants) -> None:
    constants["w0"] = np.ones((4, 3), np.complex64)


@case("graph output 'scores': must be a matrix product, not a number of frames")
def ends_in_its_shape(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "scores").output[0] = "last"
    nodes.append(node("Shape", ["last"], "scores"))


@case("graph output 'scores': must come from at least one matrix product or convolution")
def ends_in_the_input(nodes: Nodes, constants: Constants) -> None:
    nodes[2:] = [node("Identity", ["x"], "scores")]


@case("graph output 'scores': must be a matrix product, not nothing")
def ends_nowhere(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "scores").output[0] = "last"


@pytest.mark.parametrize("name", case)
def test_unsupported(tmp_path: Path, name: str) -> None:
    message, change = case[name]
    nodes, constants = parts()
    change(nodes, constants)
    refuse(write(model(nodes, constants), tmp_path / "m.onnx"), UnsupportedError, message)


def test_input_shapes(tmp_path: Path) -> None:
    def check(shape: tuple[Any, ...], message: str) -> None:
        refuse(write(model(*parts(), shape), tmp_path / "m.onnx"), UnsupportedError, message)

    check((4,), "graph input 'input': must have a batch dimension and those of a sample, not 1")
    check((1, "n"), "graph input 'input': a sample must have a fixed shape of at most 4194304 elements, not (0,)")
    check(
        (1, 1 << 40),
        f"graph input 'input': a sample must have a fixed shape of at most 4194304 elements, not ({1 << 40},)",
    )
    check(
        (1, 1, 2, 2, 1),
        "graph input 'input': a sample must be (features,), (channels, length) or (channels, height, width), not "
        "(1, 2, 2, 1)",
    )
    flat = "node 4 of 9: MatMul 'a0_node': its first input must be flattened, not of shape {}: put a Flatten before it"
    check((1, 2, 2), flat.format((2, 2)))
    check((1, 1, 2, 2), flat.format((1, 2, 2)))


def test_malformed_graphs(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"

    def check(change: Callable[[onnx.ModelProto], object], message: str, error: type[BnnhwError] = FileError) -> None:
        proto = model(*parts())
        change(proto)
        refuse(write(proto, path), error, message)

    def tensor(proto: onnx.ModelProto) -> onnx.TensorProto:
        return next(t for t in proto.graph.initializer if t.name == "w0")

    def giant(proto: onnx.ModelProto) -> None:
        tensor(proto).dims[:] = [1 << 40, 1 << 40]

    def negative(proto: onnx.ModelProto) -> None:
        tensor(proto).dims[:] = [-1, 3]

    def few(proto: onnx.ModelProto) -> None:
        tensor(proto).ClearField("raw_data")
        tensor(proto).float_data[:] = [1.0] * 11

    def external(proto: onnx.ModelProto) -> None:
        tensor(proto).data_location = onnx.TensorProto.EXTERNAL
        tensor(proto).external_data.add(key="location", value="../../../etc/passwd")

    def dangling(proto: onnx.ModelProto) -> None:
        proto.graph.node[3].input[0] = "nowhere"

    def cyclic(proto: onnx.ModelProto) -> None:
        proto.graph.node[3].input[0] = "x0"

    def twice(proto: onnx.ModelProto) -> None:
        proto.graph.node[4].output[0] = "a0"

    check(giant, f"initializer 'w0': shape ({1 << 40}, {1 << 40}) must have {1 << 82} bytes of data, not 48")
    check(negative, "initializer 'w0': dimensions must not be negative, not (-1, 3)")
    check(few, "initializer 'w0': shape (4, 3) must have 12 values, not 11")
    check(external, "initializer 'w0': data in another file is not read; save the model as one file", UnsupportedError)
    check(dangling, "node 4 of 9: MatMul 'a0_node': input 'nowhere' comes from nowhere")
    check(cyclic, "node 4 of 9: MatMul 'a0_node': its input depends on its own output")
    check(twice, "node 5 of 9: BatchNormalization 'n0_node': output 'a0' has another origin already")
    check(lambda p: p.graph.initializer.append(tensor(p)), "initializer 'w0' is there twice")
    check(lambda p: p.graph.ClearField("node"), "not an ONNX model: it has no nodes")
    check(lambda p: p.graph.output.add(name="b"), "a model must have one output, not 2", UnsupportedError)
    check(lambda p: p.graph.ClearField("input"), "a model must have one input, not 0", UnsupportedError)
    check(lambda p: p.functions.add(name="f"), "a model with functions is not supported", UnsupportedError)


def test_foreign_and_truncated_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    refuse(path, FileError, "can't be read: No such file or directory")
    for data, message in (
        (b"", "not an ONNX model: it has no nodes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not an ONNX model, or a truncated one"),
        (b"PK\x03\x04" + bytes(64), "must be an ONNX model, not an archive"),
        (
            model(*parts()).SerializeToString().replace(b"MatMul", b"Mat\xfful"),
            "not an ONNX model: a name is not UTF-8",
        ),
        (model(*parts()).SerializeToString()[:-5], "not an ONNX model, or a truncated one"),
    ):
        path.write_bytes(data)
        refuse(path, FileError, message)
    size = write(model(*parts()), path).stat().st_size
    monkeypatch.setattr(formats, "MAX_BYTES", size - 1)
    refuse(path, FileError, f"a model must have at most {size - 1} bytes, not {size}")


def test_too_many_nodes_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, constants = parts()
    extra = [node("Identity", ["input"], f"i{i}") for i in range(9_992)]
    path = write(model([*nodes, *extra], constants), tmp_path / "m.onnx")
    refuse(path, UnsupportedError, "a model must have at most 10000 nodes, not 10001")
    monkeypatch.setattr(convert, "MAX_NUMBERS", 44)
    path = write(model(nodes, constants), tmp_path / "m.onnx")
    # 12 quantized and multiplied, 3 normalized, 3 x 2 levels, 6 quantized make 39; multiplied again they make 45.
    refuse(path, UnsupportedError, "node 8 of 9: MatMul 'a1_node': a model must hold at most 44 numbers")


@fixed
@given(st.data())
def test_mutations_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(model(*parts()).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.integers(0, 255))
        else:
            del content[place : place + data.draw(st.integers(1, 9))]
    path = tmp_path_factory.getbasetemp() / "mutated.onnx"
    path.write_bytes(content)
    result: ImportedModel | BnnhwError
    try:
        result = read_model(path)
    except (FileError, UnsupportedError) as error:
        result = error
    assert isinstance(result, ImportedModel) or re.fullmatch(rf"{re.escape(str(path))}: [^\n]+", str(result))
