"""Models that are not read: one line each, that names the file, the node and its position."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from bnnhw.errors import BnnhwError, FileError, UnsupportedError
from bnnhw.frontend import ImportedModel, qonnx, read, read_model
from tests.frontend.models import DOMAIN, model, node, parts, write
from tests.strategies import fixed

SUPPORTED = (
    "Add, AveragePool, BatchNormalization, BipolarQuant, Cast, Concat, Constant, Conv, Div, Dropout, Flatten, "
    "Gather, Gemm, GlobalAveragePool, GlobalMaxPool, Identity, IntQuant, LeakyRelu, MatMul, MaxPool, Mul, "
    "MultiThreshold, PRelu, Pad, Pow, Quant, ReduceMean, Relu, Reshape, Shape, Sign, Sqrt, Squeeze, Sub, "
    "Transpose, Unsqueeze"
)


def refuse(path: Path, error: type[BnnhwError], message: str) -> None:
    with pytest.raises(error, match=rf"^{re.escape(f'{path}: {message}')}$"):
        read_model(path)


def by_output(nodes: list[onnx.NodeProto], output: str) -> onnx.NodeProto:
    return next(n for n in nodes if n.output[0] == output)


def attribute(item: onnx.NodeProto, name: str, value: Any) -> None:
    kept = [a for a in item.attribute if a.name != name]
    del item.attribute[:]
    item.attribute.extend([*kept, helper.make_attribute(name, value)])


Change = Callable[[list[onnx.NodeProto], dict[str, Any]], None]
CASES: dict[str, tuple[str, Change]] = {}


def case(message: str) -> Callable[[Change], Change]:
    def add(change: Change) -> Change:
        CASES[change.__name__] = (message, change)
        return change

    return add


@case(f"node 9 of 10: Softmax 'probs_node' is not supported; supported: {SUPPORTED}")
def softmax(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes.insert(8, node("Softmax", ["a1"], "probs"))


@case(f"node 4 of 9: MatMul 'a0_node' of domain 'com.example' is not supported; supported: {SUPPORTED}")
def domain(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "a0").domain = "com.example"


@case(f"node 4 of 9: 'Mat\\nMul' 'a\\nb' is not supported; supported: {SUPPORTED}")
def line_breaks(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "a0").op_type, by_output(nodes, "a0").name = "Mat\nMul", "a\nb"


@case("node 3 of 9: BipolarQuant 'q0_node': its scale must be positive")
def scale(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["half"] = -0.5
    by_output(nodes, "q0").input[1] = "half"


@case(
    "node 6 of 9: BipolarQuant 'x0_node': its scale must be the same for all channels, since the next layer sums over "
    "them"
)
def activation_scales(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["three"] = [1.0, 1.0, 2.0]
    by_output(nodes, "x0").input[1] = "three"


@case("node 4 of 9: MatMul 'a0_node': its weights must not have a scale for each input")
def input_scales(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["four"] = np.array([[1.0], [1.0], [2.0], [1.0]], np.float32)
    by_output(nodes, "q0").input[1] = "four"


@case("node 3 of 9: BipolarQuant 'q0_node': its scale must fit weights of shape (4, 3), not (1, 2)")
def scales(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["two"] = [1.0, 1.0]
    by_output(nodes, "q0").input[1] = "two"


@case("node 3 of 9: BipolarQuant 'q0_node': weights must have 2 to 4 dimensions and no size of 0, not shape (4,)")
def flat_weights(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["w0"] = [1.0] * 4


@case("node 3 of 9: BipolarQuant 'q0_node': weights must have 2 to 4 dimensions and no size of 0, not shape (4, 0)")
def no_weights(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["w0"] = np.zeros((4, 0), np.float32)


@case("node 4 of 9: MatMul 'a0_node': its weights must take 4 inputs, not 5")
def wrong_inputs(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["w0"] = np.ones((5, 3), np.float32)


@case("node 4 of 9: MatMul 'a0_node': its second input must be quantized weights, or a matrix of small whole numbers")
def float_weights(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "a0").input[1] = "w0"


@case("node 4 of 9: MatMul 'a0_node': its first input must be quantized elements, not raw samples")
def float_input(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "a0").input[0] = "input"


@case("node 5 of 9: BatchNormalization 'n0_node': its gamma must have shape (3,), not (2,)")
def norm_shape(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["gamma0"] = [1.0, 1.0]


@case(
    "node 5 of 9: BatchNormalization 'n0_node': its input must be a matrix product or integers or quantized elements, "
    "not raw samples"
)
def norm_of_samples(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "n0").input[0] = "input"


@case("node 5 of 9: BatchNormalization 'n0_node': its training_mode must be 0, not 1")
def training_mode(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    attribute(by_output(nodes, "n0"), "training_mode", 1)


@case("node 5 of 9: BatchNormalization 'n0_node': its epsilon must be of type float, not 1")
def epsilon(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    attribute(by_output(nodes, "n0"), "epsilon", 1)


@case("node 5 of 9: BatchNormalization 'n0_node': batch norm: var + eps must be positive")
def variance(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["var0"] = [1.0, 0.0, 1.0]


@case("node 5 of 9: BatchNormalization 'n0_node': it must have one output")
def outputs(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "n0").output.append("second")


@case("node 5 of 9: BatchNormalization 'n0_node': its variance must be a constant, not nothing")
def inputs(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    del by_output(nodes, "n0").input[-1]


@case("node 1 of 9: Sub 'shifted_node': its other input must be a constant, not raw samples")
def sub(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes[0].input[1] = "input"


@case("node 1 of 9: Sub 'shifted_node': its other input must be a single value, not of shape (4,)")
def shift_of_each_sample(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["t"] = [1.0, 2.0, 3.0, 4.0]


@case("node 2 of 9: BipolarQuant 'x_node': raw samples must not be multiplied by a negative number before it")
def inverted_samples(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes[0].input[:] = ["t", "input"]


@case("node 1 of 9: Div 'shifted_node': its divisor must be a constant")
def reciprocal(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes[0] = node("Div", ["t", "input"], "shifted")


@case("node 1 of 9: Div 'shifted_node': its divisor must not be 0")
def zero_divisor(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes[0] = node("Div", ["input", "zero"], "shifted")


@case("node 1 of 9: Mul 'shifted_node': its factor must not be 0")
def zero_factor(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes[0] = node("Mul", ["input", "zero"], "shifted")


@case("node 10 of 10: Add 's_node': its inputs must have one shape, or one of them a single value, not (3,), (4, 1)")
def mixed_shapes(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["column"] = np.ones((4, 1), np.float32)
    nodes.append(node("Add", ["gamma0", "column"], "s"))


@case("node 10 of 10: Div 's_node': its output must be finite")
def folded_infinity(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes.append(node("Div", ["gamma0", "zero"], "s"))


@case(
    "node 6 of 9: BipolarQuant 'x0_node': its input must be a constant or raw samples or a matrix product or integers "
    "or quantized elements, not quantized weights"
)
def weights_quantized_twice(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "x0").input[0] = "q0"


@case("node 4 of 9: Gemm 'a0_node': its bias must be a single value or one a neuron (3), not (4,)")
def bias(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["four"] = [1.0] * 4
    nodes[3] = node("Gemm", ["x", "q0", "four"], "a0")


@case("node 4 of 9: Gemm 'a0_node': its alpha must be of type float, not 2")
def alpha(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes[3] = node("Gemm", ["x", "q0"], "a0", alpha=2)


@case("graph output 'scores': must be affine in a matrix product, without a Relu")
def relu_of_scores(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "scores").output[0] = "last"
    nodes.append(node("Relu", ["last"], "scores"))


@case("graph output 'scores': must be affine in a matrix product, without a PRelu")
def leaky_relu_of_scores(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "scores").output[0] = "last"
    nodes.append(node("LeakyRelu", ["last"], "scores"))


@case(
    "node 5 of 10: PRelu 'p_node': prelu: slope must not be negative, since it then is not monotone, not -0.5 as in "
    "neuron 1"
)
def valley(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["slopes"] = [0.25, -0.5, 1.0]
    nodes.insert(4, node("PRelu", ["a0", "slopes"], "p"))


@case("node 5 of 10: PRelu 'p_node': its slope must be a single value or one a neuron (3), not (2,)")
def slopes(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["slopes"] = [0.25, 0.5]
    nodes.insert(4, node("PRelu", ["a0", "slopes"], "p"))


@case(
    "node 4 of 9: Conv 'a0_node': its first input must be (channels, height, width) or (channels, length) behind the "
    "batch, not (4,)"
)
def convolution_of_a_list(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "a0").op_type = "Conv"


@case(
    "node 2 of 10: MaxPool 'pooled_node': its input must be quantized elements or a matrix product or integers, not "
    "raw samples"
)
def pooling_of_samples(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes.insert(1, node("MaxPool", ["shifted"], "pooled", kernel_shape=[2]))


@case("node 6 of 9: MultiThreshold 'x0_node': its thresholds must have shape (1 or 3, 1..255), not (2, 1)")
def thresholds(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["thresholds"] = np.ones((2, 1), np.float32)
    nodes[5] = node("MultiThreshold", ["n0", "thresholds"], "x0", DOMAIN)


@case("node 10 of 10: Reshape 'r_node': its shape must be (batch, ...) with 4 elements a frame, not [2, 2]")
def reshape(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["shape"] = np.array([2, 2])
    nodes.append(node("Reshape", ["x", "shape"], "r"))


@case("node 10 of 10: Transpose 't_node': its perm must be (1, 0), not (0, 1)")
def transpose(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes.append(node("Transpose", ["w0"], "t_", perm=[0, 1]))
    nodes[-1].name = "t_node"


@case("node 10 of 10: Constant 'c_node': its value must be a finite tensor or number")
def constant(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    nodes.append(node("Constant", [], "c", value_string="one"))


@case("node 3 of 9: BipolarQuant 'q0_node': input 'w0' must be finite")
def infinite(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["w0"] = np.full((4, 3), np.inf, np.float32)


@case("initializer 'w0': values must be numbers, not NaN")
def not_a_number(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["w0"] = np.full((4, 3), np.nan, np.float32)


@case("initializer 'w0': must be float, double, int32 or int64, not type 10")
def float16(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    constants["w0"] = np.ones((4, 3), np.float16)


@case("graph output 'scores': must be a matrix product, not quantized elements")
def ends_in_elements(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "scores").output[0] = "last"
    nodes.append(node("BipolarQuant", ["last", "one"], "scores", DOMAIN))


@case("graph output 'scores': must be a matrix product, not nothing")
def ends_nowhere(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> None:
    by_output(nodes, "scores").output[0] = "last"


@pytest.mark.parametrize("name", CASES)
def test_unsupported(tmp_path: Path, name: str) -> None:
    message, change = CASES[name]
    nodes, constants = parts()
    change(nodes, constants)
    refuse(write(model(nodes, constants), tmp_path / "m.onnx"), UnsupportedError, message)


@pytest.mark.parametrize(
    "what, value, message",
    [
        ("bits", 9.0, "its bitwidth must be a whole number in 1..8, not 9.0"),
        ("bits", 2.5, "its bitwidth must be a whole number in 1..8, not 2.5"),
        ("bits", 0.0, "its bitwidth must be a whole number in 1..8, not 0.0"),
        ("one", 0.0, "its scale must be positive"),
        ("one", [1.0, 1.0], "its scale must be a single value or one a neuron (1), not (2,)"),
        ("zero", [1.0, 1.0], "its zeropt must be a single value, not of shape (2,)"),
        (
            "rounding_mode",
            "STOCHASTIC",
            "its rounding_mode must be ROUND or HALF_EVEN or HALF_UP or HALF_DOWN or FLOOR or CEIL or DOWN or UP, "
            "not 'STOCHASTIC'",
        ),
        ("narrow", 3, "its narrow must be 0 or 1, not 3"),
        ("signed", 2, "its signed must be 0 or 1, not 2"),
    ],
)
def test_unsupported_quant(tmp_path: Path, what: str, value: Any, message: str) -> None:
    nodes, constants = parts(quantizer="quant")
    if what in constants:
        constants[what] = value
    else:
        attribute(nodes[0], what, value)
    path = write(model(nodes, constants), tmp_path / "m.onnx")
    refuse(path, UnsupportedError, f"node 1 of 8: Quant 'x_node': {message}")


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
    check((1, 2, 2), "node 4 of 9: MatMul 'a0_node': its first input must be flattened, not of shape (2, 2)")
    check((1, 1, 2, 2), "node 4 of 9: MatMul 'a0_node': its first input must be flattened, not of shape (1, 2, 2)")


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
        (b"PK\x03\x04" + bytes(64), "must be an ONNX model, not an archive (a .bnn file needs no import)"),
        (
            model(*parts()).SerializeToString().replace(b"MatMul", b"Mat\xfful"),
            "not an ONNX model: a name is not UTF-8",
        ),
        (model(*parts()).SerializeToString()[:-5], "not an ONNX model, or a truncated one"),
    ):
        path.write_bytes(data)
        refuse(path, FileError, message)
    size = write(model(*parts()), path).stat().st_size
    monkeypatch.setattr(read, "MAX_BYTES", size - 1)
    refuse(path, FileError, f"a model must have at most {size - 1} bytes, not {size}")


def test_too_many_nodes_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, constants = parts()
    extra = [node("Identity", ["input"], f"i{i}") for i in range(9_992)]
    path = write(model([*nodes, *extra], constants), tmp_path / "m.onnx")
    refuse(path, UnsupportedError, "a model must have at most 10000 nodes, not 10001")
    monkeypatch.setattr(qonnx, "MAX_NUMBERS", 44)
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
