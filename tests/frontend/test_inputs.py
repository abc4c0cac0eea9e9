"""What graphs do to samples before the first product: every score equal to the graph's own arithmetic in float64."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from bnnhw.frontend import read_model
from tests.frontend.chain_models import Chain, check, integers, normal
from tests.frontend.models import DOMAIN, write

MEAN, DEVIATION = [0.49, 0.48, 0.45], [0.23, 0.22, 0.25]


BENT: dict[str, Callable[[Chain], Chain]] = {
    "clip": lambda c: c.add("Clip", -0.4, 0.3),
    "relu": lambda c: c.add("Relu"),
    "relu of the opposite": lambda c: c.add("Sub", np.float32(MEAN).reshape(3, 1, 1), first=True).add("Relu"),
    "tanh": lambda c: c.add("Sub", np.float32(MEAN).reshape(3, 1, 1)).add("Tanh"),
    "sigmoid": lambda c: c.add("Mul", np.float32([2, 3, -1]).reshape(3, 1, 1)).add("Sigmoid"),
    "max": lambda c: c.add("Max", np.float32([-0.3, 0, 0.2]).reshape(3, 1, 1)),
}


@pytest.mark.parametrize("name", BENT)
def test_bent_in_front_of_the_quantizer(tmp_path: Path, name: str) -> None:
    network = check(BENT[name](Chain(3, 4, 4)).quant(4).conv(4, 3, 2, 2).end(36), tmp_path)
    # What lies beyond the bend is one level; a level that no sample reaches is infinity.
    assert np.isinf(network.input.table).any() or name == "tanh"
    assert network.input.per == ("channel" if name not in ("clip", "relu") else "input")


NORMALIZED: dict[str, Callable[[Chain], Chain]] = {
    "torchvision": lambda c: c.add("Sub", np.float32(MEAN).reshape(1, 3, 1, 1)).add(
        "Div", np.float32(DEVIATION).reshape(3, 1, 1)
    ),
    "multiplied": lambda c: c.add("Mul", np.float32([2, 3, -4]).reshape(1, 3, 1, 1)).add(
        "Add", np.float32([0.1, -0.2, 0.3]).reshape(3, 1, 1)
    ),
    "several steps": lambda c: (
        c.add("Div", 4.0)
        .add("Sub", np.float32(MEAN).reshape(1, 3, 1, 1))
        .add("Mul", 4.0)
        .add("Sub", np.float32([1, 2, 3]).reshape(3, 1, 1), first=True)
    ),
    "norm": lambda c: c.add("BatchNormalization", [1.5, -0.7, 0.0], [0.1, 0.2, 0.3], [0.4, 0.1, 0], [1, 2.5, 3]),
    "two norms": lambda c: c.add(
        "BatchNormalization", [1.5, -0.7, 0.3], [0.1, 0.2, 0.3], [0.4, 0.1, 0], [1, 2.5, 3]
    ).add("BatchNormalization", [0.5, 0.7, -0.9], [0.3, 0.2, 0.1], [0.1, 0.2, 0], [1.7, 2, 0.3]),
    "bent": lambda c: c.add("Sub", np.float32(MEAN).reshape(1, 3, 1, 1)).add(
        "PRelu", np.float32([0.25, 0, 3]).reshape(3, 1, 1)
    ),
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_normalized_by_channel(tmp_path: Path, name: str) -> None:
    chain = NORMALIZED[name](Chain(3, 4, 4)).quant(4)
    network = check(chain.conv(4, 3, 2, 2).end(36), tmp_path)
    assert network.input.per == "channel" and network.input.layout == "chw"
    falling = {"multiplied": (False, False, True), "norm": (False, True, False), "two norms": (False, True, True)}
    assert network.input.falling == ((True,) * 3 if name == "several steps" else falling.get(name, ()))


@pytest.mark.parametrize("bits, quantizer", [(1, "sign"), (3, "quant"), (8, "quant")])
def test_normalized_by_feature(tmp_path: Path, bits: int, quantizer: str) -> None:
    """A batch norm of a table, one of whose features was pruned away and one of whose falls."""
    chain = Chain(6)
    gamma, beta, mean, variance = (
        [1, 2, -0.5, 0, 0.7, 3],
        [0, 0.1, 0.2, 0.3, -1, 0.2],
        [5, 0, 0.1, 1, 0.2, 0],
        [2.0] * 6,
    )
    chain.add("BatchNormalization", gamma, beta, mean, variance)
    chain = chain.add("BipolarQuant", 1.0, domain=DOMAIN) if quantizer == "sign" else chain.quant(bits)
    network = check(chain.end(6, flat=True), tmp_path)
    assert len(network.input.rows) == 6 and network.input.falling == (False, False, True, False, False, False)
    assert np.isinf(network.input.table[3]).all()


def test_a_mean_image(tmp_path: Path) -> None:
    chain = Chain(2, 3, 3)
    chain.add("Sub", chain.random.normal(size=(1, 2, 3, 3)).astype(np.float32)).quant(3)
    network = check(chain.conv(3, 2, 2, 2).end(12), tmp_path)
    assert network.input.per == "element" and len(network.input.rows) == 18


def test_alike_is_one_row(tmp_path: Path) -> None:
    """Vectors whose entries are equal need no rows of their own."""
    chain = (
        Chain(3, 2, 2).add("Sub", np.full((1, 3, 1, 1), 0.5, np.float32)).add("Div", np.full((3, 2, 2), 2, np.float32))
    )
    assert len(check(chain.quant(3).end(12), tmp_path).input.rows) == 1
    factor = np.float32([1, 2, 4]).reshape(3, 1, 1)
    chain = Chain(3, 2, 2).add("Mul", factor).add("Div", factor)
    assert len(check(chain.quant(3).end(12), tmp_path).input.rows) == 1


def test_clipped_behind_the_quantizer(tmp_path: Path) -> None:
    """Fewer levels of rows that rise and of rows that fall."""
    chain = NORMALIZED["multiplied"](Chain(3, 4, 4)).quant(4).add("Clip", -0.5, 0.375)
    network = check(chain.conv(4, 3, 2, 2).end(36), tmp_path)
    assert [layer.kind for layer in network.chain] == ["conv", "dense"]
    assert str(network.input.dtype) == "int3" and network.input.falling == (False, False, True)


def test_all_turned_over(tmp_path: Path) -> None:
    chain = Chain(5).add("Sub", 0.25, first=True).quant(3, rounding_mode="FLOOR")
    network = check(chain.end(5, flat=True), tmp_path, integers(-9, 9))
    assert network.input.falling == (True,)


@pytest.mark.parametrize("rows", ["equal", "different"])
@pytest.mark.parametrize("order", ["", "NHWC"])
def test_multi_threshold(tmp_path: Path, rows: str, order: str) -> None:
    shape = (4, 4, 3) if order else (3, 4, 4)
    chain = Chain(*shape)
    table = np.sort(chain.random.normal(size=(3, 3)).astype(np.float32))
    table = np.repeat(table[:1], 3, axis=0) if rows == "equal" else table
    chain.add("MultiThreshold", table, domain=DOMAIN, out_dtype="UINT2", data_layout=order or "NCHW")
    if order:
        chain.turn()
    network = check(chain.conv(4, 3, 2, 2).end(36), tmp_path)
    assert network.input.per == ("input" if rows == "equal" else "channel")
    assert network.input.layout == ("hwc" if order else "chw")


def test_multi_threshold_by_feature(tmp_path: Path) -> None:
    chain = Chain(8)
    table = chain.random.permutation(chain.random.normal(size=(8, 7))).astype(np.float32)
    chain.add("MultiThreshold", table, domain=DOMAIN, out_dtype="INT3", out_bias=-4.0)
    assert len(check(chain.end(8, flat=True), tmp_path).input.rows) == 8


def test_a_quantizers_scale_by_channel(tmp_path: Path) -> None:
    """Elements of several units: one integer layer brings them to one."""
    chain = Chain(3, 4, 4).quant(4, np.float32([0.5, 0.25, 1]).reshape(3, 1, 1))
    network = check(chain.conv(4, 3, 2, 2).end(36), tmp_path, lambda random, shape: 3 * normal(random, shape))
    assert [layer.kind for layer in network.chain][:2] == ["affine", "conv"]
    assert network.input.per == "channel"


TYPES: dict[str, tuple[Callable[[np.random.Generator, tuple[int, ...]], np.ndarray], str]] = {
    "bipolar": (integers(-1, 1, 0), "bipolar"),
    "INT8": (integers(-128, 127), "int8"),
    "uint4": (integers(0, 15), "uint4"),
    "uint8": (integers(0, 255), "uint8"),
    "ternary": (integers(-1, 1), "int2"),
    "BINARY": (integers(0, 1), "uint1"),
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("said", ["by option", "by annotation"])
def test_integers_without_a_quantizer(tmp_path: Path, name: str, said: str) -> None:
    draw, dtype = TYPES[name]
    chain = Chain(8)
    options = {"input_type": name} if said == "by option" else {}
    if not options:
        chain.annotations["input"] = name.upper()
    network = check(chain.end(8, flat=True), tmp_path, draw, **options)
    assert str(network.input.dtype) == dtype and network.input.thresholds is None


@pytest.mark.parametrize("element, dtype", [(TensorProto.UINT8, "uint8"), (TensorProto.INT8, "int8")])
def test_integers_of_the_graphs_input(tmp_path: Path, element: int, dtype: str) -> None:
    """Cast and scaled, and convolved as they are; quantized, they are samples like others."""
    draw = integers(0, 127)
    for bits in (None, 3):
        chain = Chain(3, 4, 4).add("Cast", to=TensorProto.FLOAT).add("Mul", 0.5)
        chain.element = element
        if bits is not None:
            chain.add("Sub", np.float32([9, 20, 40]).reshape(3, 1, 1)).quant(bits, 16.0)
        network = check(chain.conv(4, 3, 2, 2).end(36), tmp_path, draw)
        assert str(network.input.dtype) == ("int3" if bits else dtype)
        assert (network.input.thresholds is None) == (bits is None)


def test_integers_and_what_is_done_to_them(tmp_path: Path) -> None:
    """Factors and offsets of integers fold into what follows; by channel, an integer layer brings them in."""
    draw = integers(-8, 7)
    chain = Chain(2, 3, 3).add("Mul", 0.25).add("Add", 1.0)
    network = check(chain.conv(3, 2, 2, 2).end(12), tmp_path, draw, input_type="int4")
    assert [layer.kind for layer in network.chain] == ["conv", "dense"]
    chain = Chain(2, 3, 3).add("Mul", np.float32([1, -3]).reshape(2, 1, 1))
    network = check(chain.conv(3, 2, 2, 2).end(12), tmp_path, draw, input_type="int4")
    assert [layer.kind for layer in network.chain] == ["affine", "conv", "dense"]
    chain = Chain(4).add("Relu").end(4, flat=True)
    assert "the samples must be quantized behind what is done to them" in refused(chain, tmp_path, input_type="int4")


def test_scale_and_offset_of_integers(tmp_path: Path) -> None:
    """The type is that of raw samples: bits 0 and 1 that the graph takes as -1 and +1; an annotation is the graph's."""
    taken = {"taken": lambda raw: 2.0 * raw - 1, "input_scale": Fraction(2), "input_offset": Fraction(-1)}
    network = check(Chain(8).end(8, flat=True), tmp_path, integers(0, 1), input_type="uint1", **taken)
    assert str(network.input.dtype) == "uint1" and network.input.thresholds is None
    chain = Chain(8)
    chain.annotations["input"] = "BIPOLAR"
    network = check(chain.end(8, flat=True), tmp_path, integers(0, 1), **taken)
    assert str(network.input.dtype) == "bipolar" and network.input.thresholds == (0.5,)


def test_annotations_of_later_tensors(tmp_path: Path) -> None:
    chain = Chain(1, 2, 4).add("Flatten")
    chain.annotations[chain.tensor] = "INT4"
    network = check(chain.end(8, flat=True), tmp_path, integers(-8, 7))
    assert str(network.input.dtype) == "int4" and network.input.thresholds is None
    # Behind a step it is the nearest integer of what the step gives.
    chain = Chain(8).add("Mul", 4.0)
    chain.annotations[chain.tensor] = "FIXED<4,3>"
    chain.annotations["input"] = "FLOAT32"
    network = check(chain.end(8, flat=True), tmp_path, lambda random, shape: random.integers(-8, 8, shape) / 8)
    assert str(network.input.dtype) == "int4" and network.input.thresholds is not None


@pytest.mark.parametrize(
    "element, name, option, said",
    [
        (TensorProto.FLOAT, "INT8", "uint8", "int8"),
        (TensorProto.FLOAT, "BIPOLAR", "uint1", "bipolar"),
        (TensorProto.FLOAT, "FIXED<8,4>", "int8", "int8 times 1/16"),
        (TensorProto.FLOAT, "INT8", "INT8", None),
        (TensorProto.UINT8, None, "uint4", "uint8"),
        (TensorProto.UINT8, None, "uint8", None),
    ],
)
def test_a_type_by_option_that_the_graph_contradicts(
    tmp_path: Path, element: int, name: str | None, option: str, said: str | None
) -> None:
    """The option counts, and one warning names both; annotated at the input or at what is the same."""
    for where in ("input", "t0"):
        chain = Chain(1, 2, 4).add("Flatten")
        chain.element = element
        if name is not None:
            chain.annotations[where] = name
        found = read_model(write(chain.end(8, flat=True), tmp_path / "m.onnx"), input_type=option)
        assert str(found.network.input.dtype) == option.lower()
        tensor = "graph input 'input'" if where == "input" or name is None else "node 1 of 3: Flatten 't0_node'"
        kind = option.lower()
        line = f"{tensor}: the graph says {said}, and --input-type {kind}: samples are read as {kind}"
        assert found.warnings == (() if said is None else (line,))


def test_a_type_by_option_beside_what_the_graph_says_of_scaled_samples(tmp_path: Path) -> None:
    """A type of raw samples and one of what a scale makes of them are no contradiction."""
    chain = Chain(8)
    chain.annotations["input"] = "BIPOLAR"
    options = {"input_type": "uint1", "input_scale": Fraction(2), "input_offset": Fraction(-1)}
    path = write(chain.end(8, flat=True), tmp_path / "m.onnx")
    assert read_model(path, **options).warnings == ()
    chain = Chain(8).add("Mul", 4.0)
    chain.annotations[chain.tensor] = "INT6"
    found = read_model(write(chain.end(8, flat=True), path), input_type="int4")
    assert found.warnings == () and str(found.network.input.dtype) == "int4"


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("zeros", [None, [0, 0, 0], [3, 3, 3], [0, 1, -2]])
def test_quantize_linear_by_channel(tmp_path: Path, axis: int, zeros: list[int] | None) -> None:
    """ONNX's own quantizer of samples with a scale, and a zero point, per channel; and back again."""
    shape = (3, 4, 4) if axis == 1 else (4, 4, 3)
    scale = np.float32([0.25, 0.5, 0.125])
    zero = np.array([0, 0, 0] if zeros is None else zeros, np.int8)
    chain = Chain(*shape).add("QuantizeLinear", scale, zero, axis=axis).add("DequantizeLinear", scale, zero, axis=axis)
    if axis != 1:
        chain.turn()
    # Of 8 bits with zero points that differ: fewer by a clip, or a type of 9 would have to hold them all.
    if zeros and len(set(zeros)) > 1:
        assert "its zero points, -2 to 1, differ by channel" in refused(chain.conv(4, 3, 2, 2).end(36), tmp_path)
        return
    proto = chain.conv(4, 3, 2, 2).end(36)
    proto.opset_import[0].version = 19
    network = check(proto, tmp_path, lambda random, shape: 4 * normal(random, shape))
    assert network.input.per == "channel" and network.input.layout == ("chw" if axis == 1 else "hwc")


def test_quantize_linear_by_feature(tmp_path: Path) -> None:
    scale = np.float32([0.5, 1, 2, 0.25, 8])
    chain = Chain(5).add("QuantizeLinear", scale, np.zeros(5, np.uint8), axis=1)
    proto = chain.add("Cast", to=TensorProto.FLOAT).end(5, flat=True)
    proto.opset_import[0].version = 19
    network = check(proto, tmp_path, lambda random, shape: 99 * normal(random, shape))
    assert network.input.per == "channel" and str(network.input.dtype) == "uint8"


def test_scale_and_offset_by_channel(tmp_path: Path) -> None:
    scale, offset = (Fraction(1, 255), Fraction(1, 2), Fraction(3)), (Fraction(-1, 3), Fraction(0), Fraction(5))

    def taken(raw: np.ndarray) -> np.ndarray:
        return raw * np.float64(scale).reshape(3, 1, 1) + np.float64(offset).reshape(3, 1, 1)

    proto = Chain(3, 4, 4).quant(4).conv(4, 3, 2, 2).end(36)
    network = check(proto, tmp_path, taken=taken, input_scale=scale, input_offset=offset)
    assert network.input.per == "channel"
    assert network.provenance["input_scale"] == "1/255,1/2,3" and network.provenance["input_offset"] == "-1/3,0,5"
    message = "--input-scale must have one number, or one per channel (3 or 4), not 2"
    assert refused(proto, tmp_path, input_scale=scale[:2]) == message


LAST: dict[str, tuple[tuple[int, ...], Callable[[Chain], Chain], int, tuple[int, ...], str]] = {
    "before": ((4, 4, 3), lambda c: c.turn().quant(4).conv(4, 3, 2, 2), 36, (3, 4, 4), "hwc"),
    "behind": ((4, 4, 3), lambda c: c.quant(4).turn().conv(4, 3, 2, 2), 36, (3, 4, 4), "hwc"),
    "normalized": (
        (4, 4, 3),
        lambda c: c.add("Sub", MEAN).add("Div", DEVIATION).turn().quant(4).conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "normalized behind": (
        (4, 4, 3),
        lambda c: c.turn()
        .add("BatchNormalization", [1, -2, 0.5], MEAN, DEVIATION, [1, 2, 3])
        .quant(4)
        .conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "scaled between": (
        (4, 4, 3),
        lambda c: c.quant(4).add("Mul", [1, 2, 3]).turn().conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "dense": ((4, 4, 3), lambda c: c.quant(4), 48, (4, 4, 3), "chw"),
    "signal": ((9, 2), lambda c: c.turn(2, 1).quant(4).conv(4, 2, 3), 28, (2, 1, 9), "hwc"),
    "list": (
        (48,),
        lambda c: c.add("Reshape", np.array([1, 4, 4, 3])).add("Sub", MEAN).quant(4)
        .turn().conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "list of a map": (
        (48,),
        lambda c: c.add("Reshape", np.array([1, 3, 4, 4])).quant(4).add("Mul", np.float32([1, 2, 3]).reshape(3, 1, 1))
        .conv(4, 3, 2, 2),
        36, (3, 4, 4), "chw",
    ),
    "one channel": (
        (4, 4, 1),
        lambda c: c.add("Reshape", np.array([-1, 1, 4, 4])).quant(4).conv(4, 1, 2, 2),
        36, (1, 4, 4), "chw",
    ),
    "turned": ((4, 2, 3), lambda c: c.turn(3, 2, 1).quant(4).conv(4, 3, 2, 2), 12, (3, 2, 4), "whc"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST)
def test_channels_last(tmp_path: Path, name: str) -> None:
    shape, build, elements, taken, layout = LAST[name]
    network = check(build(Chain(*shape)).end(elements), tmp_path)
    assert (network.input.shape, network.input.layout) == (taken, layout)


def test_integers_with_channels_last(tmp_path: Path) -> None:
    chain = Chain(4, 4, 3).turn().conv(4, 3, 2, 2)
    network = check(chain.end(36), tmp_path, integers(-8, 7), input_type="int4")
    assert network.input.sample_shape == (4, 4, 3) and network.input.thresholds is None


def refused(proto: onnx.ModelProto, folder: Path, **options: Any) -> str:
    path = write(proto, folder / "refused.onnx")
    with pytest.raises(Exception) as caught:
        read_model(path, **options)
    return str(caught.value).removeprefix(f"{path}: ")


def test_what_can_not_be(tmp_path: Path) -> None:
    chain = (
        Chain(3, 4, 4).add("Sub", np.float32(MEAN).reshape(3, 1, 1)).add("Div", np.float32([1, 0, 1]).reshape(3, 1, 1))
    )
    assert refused(chain.quant(4).end(48), tmp_path) == (
        "node 2 of 6: Div 't1_node': its divisor must not be 0: samples that never vary have no deviation, divide them "
        "by 1 or leave them out"
    )
    chain = Chain(3, 4, 4).add("Sub", MEAN)
    assert refused(chain.quant(4).end(48), tmp_path) == (
        "node 1 of 5: Sub 't0_node': its other input must be a single value or fit samples of shape (3, 4, 4), not (3,)"
    )
    chain = Chain(8)
    chain.annotations["input"] = "UINT16"
    assert "or say which integers they are with --input-type" in refused(chain.end(8, flat=True), tmp_path)
    chain = Chain(8)
    chain.element = TensorProto.COMPLEX64
    assert refused(chain.end(8, flat=True), tmp_path) == (
        "graph input 'input': must be float, double or integers, not complex64: export the model in float32"
    )
    chain = Chain(4200).add("Sub", np.arange(4200, dtype=np.float32)).quant(8)
    assert refused(chain.end(4200, flat=True), tmp_path) == (
        "node 2 of 4: Quant 't1_node': it must give samples at most 1048576 thresholds, not 255 in 4200 ways"
    )
