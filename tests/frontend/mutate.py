"""Model files broken at random: bytes, and the protobuf's own parts."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.frontend.conv_models import Graph
from tests.frontend.models import DOMAIN, model, node, parts

KINDS = (
    *("MatMul", "Mul", "Sub", "Div", "Pow", "Transpose", "Reshape", "Quant", "BipolarQuant", "Concat", "Shape", "Cast"),
)
ALL_KINDS = (
    *("Add", "BatchNormalization", "BipolarQuant", "Cast", "Concat", "Constant", "Div", "Dropout", "Flatten", "Gather"),
    *("Gemm", "Identity", "LeakyRelu", "MatMul", "Mul", "MultiThreshold", "PRelu", "Pow", "Quant", "Relu", "Reshape"),
    *("Shape", "Sign", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Conv", "MaxPool", "Pad", "AveragePool"),
    *("GlobalMaxPool", "ReduceMean", "TopK", "ArgMax", "Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Clip", "Trunc"),
    *(
        "Asin",
        "Acos",
        "Atan",
        "Asinh",
        "Acosh",
        "Atanh",
        "Sinh",
        "Cosh",
        "Tan",
        "ThresholdedRelu",
        "Shrink",
        "Ceil",
        "Round",
    ),
    *("Elu", "Selu", "Celu", "Erf", "Softsign", "Softplus", "Gelu", "QuantAvgPool2d"),
    *("HardSigmoid", "HardTanh", "QuantizeLinear", "DequantizeLinear", "Max", "Min", "Exp", "Log", "Reciprocal", "Abs"),
    *(
        "Floor",
        "Neg",
        "Slice",
        "Split",
        "Expand",
        "ConstantOfShape",
        "GlobalAveragePool",
        "ReduceSum",
        "Where",
        "Equal",
    ),
)
ATTRIBUTES = (
    *("axis", "axes", "perm", "alpha", "beta", "transB", "to", "epsilon", "out_scale", "out_bias", "signed", "narrow"),
    *("rounding_mode", "data_layout", "allowzero", "value", "value_float", "value_int", "strides", "pads", "group"),
    *("dilations", "kernel_shape", "auto_pad", "ceil_mode", "count_include_pad", "keepdims", "mode"),
    *("lambd", "bias", "gamma"),
    *("largest", "sorted", "select_last_index", "min", "max", "starts", "ends", "split", "transA", "start", "end"),
)
NUMBERS = (0.0, -1.0, 0.5, 1e30, -1e-30, 255.0, 2.0**31, float("nan"), float("inf"))
SIZES = (0, 1, -1, 3, 255, 1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1)


def seeds() -> list[bytes]:
    """Models that are read: binarized, 4-bit inputs, 2-bit weights and activations with the nodes of exported ones."""
    exported = [
        node("Shape", ["input"], "s"),
        node("Gather", ["s", "first"], "g", axis=0),
        node("Unsqueeze", ["g"], "u", axes=[0]),
        node("Concat", ["u", "rest"], "target", axis=0),
        node("Reshape", ["input", "target"], "flat"),
        node("Mul", ["flat", "two"], "doubled"),
        node("Sub", ["doubled", "one"], "centred"),
        node("Quant", ["centred", "one", "zero", "two"], "x", DOMAIN, signed=1, narrow=1, rounding_mode="ROUND"),
        node("Quant", ["w0", "scale0", "zero", "two"], "q0", DOMAIN, signed=1, narrow=0, rounding_mode="ROUND"),
        node("Transpose", ["q0"], "qt0", perm=[1, 0]),
        node("MatMul", ["x", "qt0"], "a0"),
        node("Relu", ["a0"], "r0"),
        node("MultiThreshold", ["r0", "t0"], "x0", DOMAIN, out_dtype="UINT2", out_scale=0.5),
        node("Gemm", ["x0", "w1", "bias"], "a1", transB=1),
        node("Pow", ["var", "half"], "deviation"),
        node("Div", ["a1", "deviation"], "scores"),
    ]
    random = np.random.default_rng(0)
    constants = {
        "first": np.array(0),
        "rest": np.array([-1]),
        "one": 1.0,
        "two": 2.0,
        "zero": 0.0,
        "half": 0.5,
        "var": [4.0],
        "bias": [1.0, -1.0],
        "w0": random.normal(size=(3, 4)).astype(np.float32),
        "scale0": np.full((3, 1), 0.5, np.float32),
        "t0": np.array([[0.0, 1.0, 2.0]], np.float32),
        "w1": random.integers(-1, 2, (2, 3)).astype(np.float32),
    }
    protos = [
        model(*parts()),
        model(*parts(quantizer="quant")),
        model(exported, constants, (1, 1, 2, 2)),
    ]
    return [proto.SerializeToString() for proto in (*protos, _maps(), _signal())]


def _maps() -> onnx.ModelProto:
    """An image: padding, a shortcut, pools of all kinds, a depthwise convolution."""
    graph = Graph(2, 6, 6)
    x = graph.add("Conv", graph.quant("input", 2), graph.weights(4, 2, 3, 3, bits=2), pads=[1, 1, 1, 1])
    bits = graph.add("Pad", graph.sign(x), graph.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), graph.constant(-1.0))
    x = graph.add("Add", graph.add("Conv", bits, graph.weights(4, 4, 3, 3)), x)
    x = graph.sign(graph.norm(graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 4))
    x = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 1, 2, 2), group=4, dilations=[1, 1]), 4))
    return graph.scores(graph.add("AveragePool", x, kernel_shape=[2, 2]))


def _signal() -> onnx.ModelProto:
    graph = Graph(2, 12)
    x = graph.add("Conv", graph.quant("input", 3, signed=True), graph.weights(4, 2, 3), strides=[2])
    x = graph.quant(graph.norm(graph.add("MaxPool", x, kernel_shape=[2], ceil_mode=1), 4), 2)
    return graph.scores(graph.add("ReduceMean", x, axes=[2], keepdims=0))


def _bytes(data: bytes, random: np.random.Generator) -> bytes:
    content = bytearray(data)
    for _ in range(random.integers(1, 6)):
        place = int(random.integers(len(content)))
        match random.integers(5):
            case 0:
                content[place] = int(random.integers(256))
            case 1:
                content[place] ^= 1 << int(random.integers(8))
            case 2:
                del content[place : place + int(random.integers(1, 20))]
            case 3:
                content[place:place] = random.bytes(int(random.integers(1, 12)))
            case _:
                start = int(random.integers(len(content)))
                content[place:place] = content[start : start + 40]
        if not content:
            return b""
    return bytes(content[: random.integers(1, len(content))] if random.integers(12) == 0 else content)


def _tensor(tensor: onnx.TensorProto, random: np.random.Generator) -> None:
    match random.integers(6):
        case 0:
            tensor.dims[:] = [int(random.choice(SIZES)) for _ in range(random.integers(0, 4))]
        case 1:
            tensor.data_type = int(random.integers(0, 24))
        case 2:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=str(random.choice(["/etc/passwd", "../../x", "w.bin"])))
        case 3:
            tensor.raw_data = tensor.raw_data[: random.integers(0, len(tensor.raw_data) + 1)]
        case 4 if len(tensor.raw_data) >= 4:
            place = 4 * int(random.integers(len(tensor.raw_data) // 4))
            number = np.array(random.choice(NUMBERS), "<f4").tobytes()
            tensor.raw_data = tensor.raw_data[:place] + number + tensor.raw_data[place + 4 :]
        case _:
            shape = [int(random.integers(0, 6)) for _ in range(random.integers(0, 4))]
            array = random.choice(NUMBERS, shape).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _node(item: onnx.NodeProto, names: list[str], random: np.random.Generator) -> None:
    match random.integers(6):
        case 0 if item.input:
            item.input[int(random.integers(len(item.input)))] = str(random.choice(names))
        case 1 if item.output:
            item.output[int(random.integers(len(item.output)))] = str(random.choice(names))
        case 2:
            item.op_type = str(random.choice(KINDS))
        case 3 if item.attribute:
            attribute = item.attribute[int(random.integers(len(item.attribute)))]
            value = [int(random.choice(SIZES)), float(random.choice(NUMBERS)), "X", [0, 5, -1]][random.integers(4)]
            attribute.CopyFrom(helper.make_attribute(attribute.name, value))
        case 4:
            del item.input[int(random.integers(len(item.input) + 1)) :]
        case _:
            item.input.append(str(random.choice(names)))


def _gently(data: bytes, random: np.random.Generator) -> bytes:
    """Still a graph: what its nodes and numbers say no longer fits."""
    proto = onnx.ModelProto.FromString(data)
    graph = proto.graph
    for _ in range(random.integers(1, 4)):
        item = graph.node[int(random.integers(len(graph.node)))]
        tensor = graph.initializer[int(random.integers(len(graph.initializer)))]
        known = [*(t.name for t in graph.initializer), graph.input[0].name]
        for earlier in graph.node:
            if earlier is item:
                break
            known += earlier.output
        match random.integers(5):
            case 0:
                item.op_type = str(random.choice(ALL_KINDS))
                item.domain = DOMAIN if item.op_type in ("Quant", "BipolarQuant", "MultiThreshold", "Trunc") else ""
            case 1 if item.input:
                item.input[int(random.integers(len(item.input)))] = str(random.choice(known))
            case 2:
                shape = [int(random.integers(0, 5)) for _ in range(random.integers(0, 4))]
                kind = random.choice(np.array(["<f4", "<f8", "<i4", "<i8"]))
                array = random.choice(np.array([-2, -1, 0, 1, 2, 5, 300]), shape).astype(kind)
                tensor.CopyFrom(numpy_helper.from_array(np.asarray(array), tensor.name))
            case 3 if len(tensor.raw_data) >= 4 and tensor.data_type == onnx.TensorProto.FLOAT:
                place = 4 * int(random.integers(len(tensor.raw_data) // 4))
                number = np.array(random.choice((*NUMBERS[:7], 1e-44, 3e38, -3e38)), "<f4").tobytes()
                tensor.raw_data = tensor.raw_data[:place] + number + tensor.raw_data[place + 4 :]
            case _:
                name = str(random.choice(ATTRIBUTES))
                value = [int(random.choice(SIZES)), float(random.choice(NUMBERS)), "CEIL", [1, 0]][random.integers(4)]
                kept = [a for a in item.attribute if a.name != name]
                del item.attribute[:]
                item.attribute.extend([*kept, helper.make_attribute(name, value)])
    return proto.SerializeToString()


def mutate(data: bytes, random: np.random.Generator) -> bytes:
    """A broken copy of a model file."""
    way = random.integers(4)
    if way == 0:
        return _bytes(data, random)
    if way > 1:
        return _gently(data, random)
    proto = onnx.ModelProto.FromString(data)
    graph = proto.graph
    names = ["", "nowhere", graph.input[0].name, *(t.name for t in graph.initializer)]
    names += [name for item in graph.node for name in item.output]
    for _ in range(random.integers(1, 5)):
        match random.integers(5):
            case 0:
                _tensor(graph.initializer[int(random.integers(len(graph.initializer)))], random)
            case 1 if len(graph.node) > 1:
                del graph.node[int(random.integers(len(graph.node)))]
            case 2:
                graph.node.append(graph.node[int(random.integers(len(graph.node)))])
            case 3:
                dims = graph.input[0].type.tensor_type.shape.dim
                if dims:
                    dims[int(random.integers(len(dims)))].dim_value = int(random.choice(SIZES))
            case _:
                _node(graph.node[int(random.integers(len(graph.node)))], names, random)
    return proto.SerializeToString()
