"""Nodes that are not read: one line each, that names the file, the node and its position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.call import UNTYPED
from bnnhw.frontend.onnx.nodes import HANDLERS
from tests.frontend.models import DOMAIN, attribute, by_output, model, node, parts, write
from tests.frontend.refusals import Cases, refuse

READ = (
    f"is not read: train with operators that are ({', '.join(sorted(HANDLERS))}), and compute constants with any of "
    "ONNX's own"
)

NO_DEVIATION = (
    "its divisor must not be 0: samples that never vary have no deviation, divide them by 1 or leave them out"
)

Nodes: TypeAlias = list[onnx.NodeProto]
Constants: TypeAlias = dict[str, Any]

case: Cases[Callable[[Nodes, Constants], None]] = Cases()


@case(f"node 9 of 10: Det 'probs_node' {READ}")
def unknown(nodes: Nodes, constants: Constants) -> None:
    nodes.insert(8, node("Det", ["a1"], "probs"))


@case(
    "node 9 of 10: QLinearConv 'probs_node' is onnxruntime's format of integer operators, which is not read: quantize "
    "in its QDQ format (quant_format=QuantFormat.QDQ)"
)
def integer_operators(nodes: Nodes, constants: Constants) -> None:
    nodes.insert(8, node("QLinearConv", ["a1"], "probs"))


@case(
    "node 9 of 10: DynamicQuantizeLinear 'probs_node' scales by each sample: quantize statically, with scales from "
    "calibration"
)
def dynamic(nodes: Nodes, constants: Constants) -> None:
    nodes.insert(8, node("DynamicQuantizeLinear", ["a1"], "probs"))
    nodes[8].output.extend(["scale_", "zero_"])


@case(
    "node 9 of 10: LSTM 'probs_node' is recurrent, and networks go one way: train convolutions over the signal instead"
)
def recurrent(nodes: Nodes, constants: Constants) -> None:
    nodes.insert(8, node("LSTM", ["a1"], "probs"))


@case("node 4 of 9: MatMul 'a0_node': its domain must be one of '', 'ai.onnx', not 'com.example'")
def domain(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "a0").domain = "com.example"


@case(f"node 4 of 9: 'Mat\\nMul' 'a\\nb' {READ}")
def line_breaks(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "a0").op_type, by_output(nodes, "a0").name = "Mat\nMul", "a\nb"


@case("node 3 of 9: BipolarQuant 'q0_node': its scale must be positive")
def scale(nodes: Nodes, constants: Constants) -> None:
    constants["half"] = -0.5
    by_output(nodes, "q0").input[1] = "half"


@case(
    "node 8 of 9: MatMul 'a1_node': it sums over channels of its first input whose scales, 1.0 to 1.100000023841858, "
    "are no small multiples of one: quantize activations with one scale for all channels, or with powers of two"
)
def activation_scales(nodes: Nodes, constants: Constants) -> None:
    constants["three"] = [1.0, 1.0, 1.1]
    by_output(nodes, "x0").input[1] = "three"


@case(
    "node 4 of 9: MatMul 'a0_node': its weights have a scale for each input, and these have no small common divisor: "
    "quantize weights with one scale, or one per output channel"
)
def input_scales(nodes: Nodes, constants: Constants) -> None:
    constants["four"] = np.array([[1.0], [1.0], [1.1], [1.0]], np.float32)
    by_output(nodes, "q0").input[1] = "four"


@case("node 3 of 9: BipolarQuant 'q0_node': its scale must fit weights of shape (4, 3), not (1, 2)")
def scales(nodes: Nodes, constants: Constants) -> None:
    constants["two"] = [1.0, 1.0]
    by_output(nodes, "q0").input[1] = "two"


@case("node 3 of 9: BipolarQuant 'q0_node': weights must have 2 to 4 dimensions and no size of 0, not shape (4,)")
def flat_weights(nodes: Nodes, constants: Constants) -> None:
    constants["w0"] = [1.0] * 4


@case("node 3 of 9: BipolarQuant 'q0_node': weights must have 2 to 4 dimensions and no size of 0, not shape (4, 0)")
def no_weights(nodes: Nodes, constants: Constants) -> None:
    constants["w0"] = np.zeros((4, 0), np.float32)


@case("node 4 of 9: MatMul 'a0_node': its weights must take 4 inputs, not 5")
def wrong_inputs(nodes: Nodes, constants: Constants) -> None:
    constants["w0"] = np.ones((5, 3), np.float32)


@case(
    "node 4 of 9: MatMul 'a0_node': its second input must be quantized weights, or whole numbers of at most 255 times "
    "one scale per output channel: quantize it (Quant, BipolarQuant, DequantizeLinear)"
)
def float_weights(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "a0").input[1] = "w0"


@case(f"node 4 of 9: MatMul 'a0_node': its first input must be quantized elements, not raw samples{UNTYPED}")
def float_input(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "a0").input[0] = "input"


@case("node 5 of 9: BatchNormalization 'n0_node': its gamma must have shape (3,), not (2,)")
def norm_shape(nodes: Nodes, constants: Constants) -> None:
    constants["gamma0"] = [1.0, 1.0]


@case("node 5 of 9: BatchNormalization 'n0_node': its gamma must have shape (4,), not (3,)")
def norm_of_samples(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "n0").input[0] = "input"


@case("node 5 of 9: BatchNormalization 'n0_node': its training_mode must be 0, not 1")
def training_mode(nodes: Nodes, constants: Constants) -> None:
    attribute(by_output(nodes, "n0"), "training_mode", 1)


@case("node 5 of 9: BatchNormalization 'n0_node': its epsilon must be of type float, not 1")
def epsilon(nodes: Nodes, constants: Constants) -> None:
    attribute(by_output(nodes, "n0"), "epsilon", 1)


@case("node 5 of 9: BatchNormalization 'n0_node': batch norm: var + eps must be positive")
def variance(nodes: Nodes, constants: Constants) -> None:
    constants["var0"] = [1.0, 0.0, 1.0]


@case("node 5 of 9: BatchNormalization 'n0_node': it must have one output")
def outputs(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "n0").output.append("second")


@case("node 5 of 9: BatchNormalization 'n0_node': its variance must be a constant, not nothing")
def inputs(nodes: Nodes, constants: Constants) -> None:
    del by_output(nodes, "n0").input[-1]


@case("node 1 of 9: Sub 'shifted_node': its other input must be a constant, not raw samples")
def sub(nodes: Nodes, constants: Constants) -> None:
    nodes[0].input[1] = "input"


@case("node 1 of 9: Sub 'shifted_node': its other input must be a single value or fit samples of shape (4,), not (3,)")
def shift_of_other_samples(nodes: Nodes, constants: Constants) -> None:
    constants["t"] = [1.0, 2.0, 3.0]


@case(
    "node 1 of 9: Sub 'shifted_node': its other input must be a single value or fit samples of shape (4,), not (2, 4)"
)
def shift_of_each_frame(nodes: Nodes, constants: Constants) -> None:
    constants["t"] = np.ones((2, 4), np.float32)


@case("node 1 of 9: Mul 'shifted_node': its factor must not be 0")
def no_samples(nodes: Nodes, constants: Constants) -> None:
    nodes[0].op_type, constants["t"] = "Mul", np.zeros(4, np.float32)


@case(f"node 1 of 9: Div 'shifted_node': {NO_DEVIATION}")
def no_deviation(nodes: Nodes, constants: Constants) -> None:
    nodes[0].op_type, constants["t"] = "Div", [1.0, 2.0, 0.0, 4.0]


@case(
    "node 1 of 9: Div 'shifted_node': its divisor must be a constant"
    ": only scores and elements can be divided, and by a constant"
)
def reciprocal(nodes: Nodes, constants: Constants) -> None:
    nodes[0] = node("Div", ["t", "input"], "shifted")


@case(f"node 1 of 9: Div 'shifted_node': {NO_DEVIATION}")
def zero_divisor(nodes: Nodes, constants: Constants) -> None:
    nodes[0] = node("Div", ["input", "zero"], "shifted")


@case("node 1 of 9: Mul 'shifted_node': its factor must not be 0")
def zero_factor(nodes: Nodes, constants: Constants) -> None:
    nodes[0] = node("Mul", ["input", "zero"], "shifted")


@case("node 10 of 10: Add 's_node': its inputs do not fit it: [ShapeInferenceError] Incompatible dimensions")
def mixed_shapes(nodes: Nodes, constants: Constants) -> None:
    constants["four"] = np.ones(4, np.float32)
    nodes.append(node("Add", ["gamma0", "four"], "s"))


@case("node 7 of 11: Mul 'scaled_node': input 'infinity' must be finite")
def folded_infinity(nodes: Nodes, constants: Constants) -> None:
    nodes[5:5] = [node("Div", ["gamma0", "zero"], "infinity"), node("Mul", ["n0", "infinity"], "scaled")]


@case("node 4 of 9: Gemm 'a0_node': its bias must be a single value or one per neuron (3), not (4,)")
def bias(nodes: Nodes, constants: Constants) -> None:
    constants["four"] = [1.0] * 4
    nodes[3] = node("Gemm", ["x", "q0", "four"], "a0")


@case("node 4 of 9: Gemm 'a0_node': its alpha must be of type float, not 2")
def alpha(nodes: Nodes, constants: Constants) -> None:
    nodes[3] = node("Gemm", ["x", "q0"], "a0", alpha=2)


@case(
    "node 5 of 10: PRelu 'p_node': prelu: slope must not be negative, since it then is not monotone, not -0.5 as in "
    "neuron 1"
)
def valley(nodes: Nodes, constants: Constants) -> None:
    constants["slopes"] = [0.25, -0.5, 1.0]
    nodes.insert(4, node("PRelu", ["a0", "slopes"], "p"))


@case("node 5 of 10: PRelu 'p_node': its slope must be a single value or one per neuron (3), not (2,)")
def slopes(nodes: Nodes, constants: Constants) -> None:
    constants["slopes"] = [0.25, 0.5]
    nodes.insert(4, node("PRelu", ["a0", "slopes"], "p"))


@case(
    "node 4 of 9: Conv 'a0_node': its first input must be (channels, height, width) or (channels, length) behind the "
    "batch, not (4,)"
    ": flatten behind the last convolution or pool only"
)
def convolution_of_a_list(nodes: Nodes, constants: Constants) -> None:
    by_output(nodes, "a0").op_type = "Conv"


@case(
    "node 2 of 10: MaxPool 'pooled_node': its input must be quantized elements or a matrix product or integers, not "
    f"raw samples{UNTYPED}"
)
def pooling_of_samples(nodes: Nodes, constants: Constants) -> None:
    nodes.insert(1, node("MaxPool", ["shifted"], "pooled", kernel_shape=[2]))


@case("node 6 of 9: MultiThreshold 'x0_node': its thresholds must have shape (1 or 3, 1..255), not (2, 1)")
def thresholds(nodes: Nodes, constants: Constants) -> None:
    constants["thresholds"] = np.ones((2, 1), np.float32)
    nodes[5] = node("MultiThreshold", ["n0", "thresholds"], "x0", DOMAIN)


@case(
    "node 10 of 10: Reshape 'r_node': its shape must be (batch, ...) with 4 elements per frame, not [2, 2]: reshape "
    "behind the batch only"
)
def reshape(nodes: Nodes, constants: Constants) -> None:
    constants["shape"] = np.array([2, 2])
    nodes.append(node("Reshape", ["x", "shape"], "r"))


@case("node 10 of 10: Transpose 't_node': its perm must keep the batch first, not (1, 0)")
def transpose(nodes: Nodes, constants: Constants) -> None:
    nodes.append(node("Transpose", ["x"], "t_", perm=[1, 0]))
    nodes[-1].name = "t_node"


@case("node 10 of 10: Constant 'c_node': its value must be a tensor of numbers, or numbers")
def constant(nodes: Nodes, constants: Constants) -> None:
    nodes.append(node("Constant", [], "c", value_string="one"))


@case("node 3 of 9: BipolarQuant 'q0_node': input 'w0' must be finite")
def infinite(nodes: Nodes, constants: Constants) -> None:
    constants["w0"] = np.full((4, 3), np.inf, np.float32)


@pytest.mark.parametrize("name", case)
def test_unsupported(tmp_path: Path, name: str) -> None:
    message, change = case[name]
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
        ("one", [1.0, 1.0], "its scale must be a single value or fit samples of shape (4,), not (2,)"),
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
