"""What graphs do to samples before the first product: every score equal to the graph's own arithmetic in float64."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from tests.frontend.chain_models import DEVIATION, MEAN, Chain, check, integers, normal, refused
from tests.frontend.models import DOMAIN

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
