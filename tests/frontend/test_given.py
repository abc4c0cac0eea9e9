"""Quantizers of weights, biases, thresholds and raw samples, node by node: what each stands for, by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.raw import Samples, Stated
from bnnhw.frontend.onnx.samples import BYTE, as_stated, quantize_samples
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Weights, layout
from bnnhw.ir import Curve, DataType, FloatActivation, Relu, Scale, Shift
from bnnhw.ir.steps import apply
from tests.frontend.calls import call, constant, convert, elements

UINT2 = DataType("uint", 2)
ROUNDED: dict[str, Any] = {"ROUND": np.rint, "FLOOR": np.floor, "CEIL": np.ceil}


@pytest.mark.parametrize("mode", ROUNDED)
@pytest.mark.parametrize(
    "bits, signed, narrow, zero", [(2, 1, 0, 0), (2, 1, 1, 0), (3, 0, 0, 0), (3, 0, 1, 2), (3, 1, 0, -2), (4, 1, 0, 1)]
)
def test_weights(mode: str, bits: int, signed: int, narrow: int, zero: int) -> None:
    """Which bound each reaches: on it, above it, below it; a scale for each column."""
    array = np.arange(-24, 24).reshape(6, 8) / 4
    scale = np.array([0.5, 1.0] * 4)
    found = convert(
        "Quant",
        constant(array),
        constant(scale),
        constant(zero),
        constant(bits),
        signed=signed,
        narrow=narrow,
        rounding_mode=mode,
    )
    assert isinstance(found, Weights)
    low, high = (-(1 << (bits - 1)) + narrow, (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1 - narrow)
    assert (found.values == np.clip(ROUNDED[mode](array / scale + zero), low, high) - zero).all()
    assert found.scale.tolist() == [scale.tolist()]


def test_one_signed_bit_of_weights() -> None:
    """-1 or +1, by the sign of ``x / s + z``, less the zero point."""
    array = np.array([[-0.75, -0.5, -0.25], [0.0, 0.25, 0.5]])
    for zero, signs in (
        (0, [[-1, -1, -1], [1, 1, 1]]),
        (1, [[-1, 1, 1], [1, 1, 1]]),
        (-1, [[-1, -1, -1], [-1, -1, 1]]),
    ):
        found = convert("Quant", constant(array), constant(0.5), constant(zero), constant(1), signed=1, narrow=0)
        assert isinstance(found, Weights) and (found.values + zero).tolist() == signs
    found = convert("BipolarQuant", constant(array), constant([[2.0], [3.0]]))
    assert isinstance(found, Weights) and (found.values * found.scale).tolist() == [[-2, -2, -2], [3, 3, 3]]


@pytest.mark.parametrize("inputs, message", [
    ([np.ones((2, 2)), 0.0, 0, 2], "its scale must be positive"),
    ([np.ones((2, 2)), [1.0, -1.0], 0, 2], "its scale must be positive"),
    ([np.ones((2, 2)), [1.0] * 3, 0, 2], "its scale must fit weights of shape (2, 2), not (1, 3)"),
    ([np.ones((2, 2)), np.ones((1, 1, 2)), 0, 2], "its scale must fit weights of shape (2, 2), not (1, 1, 2)"),
    ([np.ones((2, 2)), 1.0, 0.5, 2], "its zeropt must be a whole number of at most 2, not 0.5"),
    ([np.ones((2, 2)), 1.0, 3, 2], "its zeropt must be a whole number of at most 2, not 3.0"),
    ([np.ones((2, 0)), 1.0, 0, 2], "weights must have 2 to 4 dimensions and no size of 0, not shape (2, 0)"),
    ([np.ones((1,) * 5), 1.0, 0, 2], "weights must have 2 to 4 dimensions and no size of 0, not shape (1, 1, 1, 1, 1)"),
    ([np.ones((2, 2)), 1.0, 0, 9], "its bitwidth must be a whole number in 1..8, not 9.0"),
])  # fmt: skip
def test_weights_that_are_refused(inputs: list[Any], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert("Quant", *map(constant, inputs), signed=1, narrow=1)
    assert str(caught.value) == f"node 3 of 7: Quant 'n': {message}"
    assert isinstance(
        convert("Quant", constant(np.ones((1, 1, 1, 1))), constant(1.0), constant(2), constant(2)), Weights
    )


@pytest.mark.parametrize("array, scale, zero, bits, expected", [
    ([0.3, -0.3, 9.0], 0.25, 0, 4, [0.25, -0.25, 1.75]), ([0.5, 1.5, 2.5], 1.0, 0, 4, [0, 2, 2]),
    (0.5, 0.25, 0, 32, 0.5),
    ([0.5, 1.5], [1.0, 0.5], 0, 4, [0, 1.5]), ([0.0, 1.0], 1.0, 3, 3, [0, 0]), ([1e6, -1e6], 0.5, 0, 32, [1e6, -1e6]),
    ([0.25, 0.75], 1.0, 0.5, 4, [0.5, 0.5]),
])  # fmt: skip
def test_biases(array: Any, scale: Any, zero: float, bits: int, expected: Any) -> None:
    """Numbers of up to 32 bits; one scale, or one for each."""
    found = convert("Quant", constant(array), constant(scale), constant(zero), constant(bits), signed=1, narrow=0)
    assert isinstance(found, Constant) and found.array.tolist() == expected


@pytest.mark.parametrize("scale, message", [
    ([1.0, 1.0, 1.0], "its scale must have shape (2,) or one value, not (3,)"), (0.0, "its scale must be positive"),
    ([[1.0, 1.0]], "its scale must have shape (2,) or one value, not (1, 2)"),
])  # fmt: skip
def test_biases_that_are_refused(scale: Any, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert("Quant", constant([1.0, 2.0]), constant(scale), constant(0), constant(8))
    assert str(caught.value) == f"node 3 of 7: Quant 'n': {message}"


def numbers(found: Any, x: np.ndarray) -> np.ndarray:
    """What elements behind a quantizer stand for."""
    inner = found.elements if isinstance(found, Integers) else found
    activation = inner.layers[-1].activation
    assert isinstance(activation, FloatActivation)
    whole = inner.dtype.values(activation.dtype.codes(activation.quantizer.levels(apply(activation.steps, x)))) * 1.0
    return (
        apply(found.steps, whole) if isinstance(found, Integers) else whole * float(found.scale) + float(found.offset)
    )


X = np.repeat(np.arange(-16, 17)[:, None] / 2, 2, axis=1)


@pytest.mark.parametrize("scale, bias, number, dtype", [
    (1.0, 0.0, 3, "uint2"), (2.0, -1.0, 1, "bipolar"), (1.0, -0.5, 1, "bipolar"), (1.0, -1.0, 1, "int2"),
    (1.0, -2.0, 3, "int2"),
    (0.5, -1.0, 3, "int2"), (1.0, 0.5, 3, "uint2"), (1.0, -0.5, 3, "uint2"), (1.0, -128.0, 255, "int8"),
    (1.0, -129.0, 255, "uint8"),
    (1.0, -1.0, 255, "uint8"), (1.0, -4.0, 131, "int8"), (1.0, -4.0, 132, "uint8"), (1.0, 3.0, 3, "uint2"),
])  # fmt: skip
def test_thresholds(scale: float, bias: float, number: int, dtype: str) -> None:
    """How many are met, whatever their order; a bias of whole scales makes a signed type."""
    thresholds = np.random.default_rng(number).permutation(np.arange(number) * 0.5 - 4)
    found = convert(
        "MultiThreshold", Integers(elements("int5", (2, 1, 1))), constant([thresholds]), out_scale=scale, out_bias=bias
    )
    assert isinstance(found, Elements) and str(found.dtype) == dtype
    x = X[(X[:, 0] % 1 == 0)]
    expected = (x[:, :, None] >= thresholds).sum(axis=2) * scale + bias
    assert (numbers(found, x) == expected).all()


@pytest.mark.parametrize("index, order, good", [
    (layout((2, 1, 3)), "NCHW", True), (layout((2, 1, 3)), "", True), (layout((2, 1, 3)), "NHWC", False),
    (layout((2, 1, 3)).transpose(1, 2, 0), "NHWC", True), (layout((2, 1, 3)).transpose(1, 2, 0), "NCHW", False),
    (layout((2, 1, 3)).reshape(2, 3), "NCW", True), (layout((2, 1, 3)).reshape(2, 3).T, "NWC", True),
    (layout((2, 1, 3)).reshape(2, 3).T, "NC", False), (np.arange(6, dtype=np.int32), "NC", False),
])  # fmt: skip
def test_thresholds_of_channels(index: np.ndarray, order: str, good: bool) -> None:
    given = replace(elements("int5", (2, 1, 3)), index=index)
    rows = np.array([[0.0, 2.0], [-1.0, 1.0]])
    attributes = {"data_layout": order} if order else {}
    if not good:
        with pytest.raises(UnsupportedError, match=r"its thresholds must be one row per channel \(2\)"):
            convert("MultiThreshold", Integers(given), constant(rows), **attributes)
        return
    found = convert("MultiThreshold", Integers(given), constant(rows), **attributes)
    assert (numbers(found, X) == (X[:, :, None] >= rows).sum(axis=2)).all()


@pytest.mark.parametrize("rows, attributes, message", [
    (np.zeros((3, 1)), {}, "its thresholds must have shape (1 or 2, 1..255), not (3, 1)"),
    (np.zeros((1, 0)), {}, "its thresholds must have shape (1 or 2, 1..255), not (1, 0)"),
    (np.zeros((1, 256)), {}, "its thresholds must have shape (1 or 2, 1..255), not (1, 256)"),
    (np.zeros(3), {}, "its thresholds must have shape (1 or 2, 1..255), not (3,)"),
    (np.zeros((1, 3)), {"out_scale": 0.0}, "its out_scale must be positive, not 0.0"),
    (np.zeros((1, 3)), {"out_scale": -1.0}, "its out_scale must be positive, not -1.0"),
    (np.zeros((1, 3)), {"data_layout": "CN"}, "its data_layout must be  or NC or NCW or NCHW or NWC or NHWC, not 'CN'"),
])  # fmt: skip
def test_thresholds_that_are_refused(rows: np.ndarray, attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert("MultiThreshold", Integers(elements("int5", (2, 1, 3))), constant(rows), **attributes)
    assert str(caught.value) == f"node 3 of 7: MultiThreshold 'n': {message}"


@pytest.mark.parametrize("scales, kept", [([0.5, 0.5], True), ([0.5, 1.0], False)])
def test_scales_of_channels(scales: list[float], kept: bool) -> None:
    """One for all leaves elements; others make integers with a step."""
    column = constant(np.reshape(scales, (2, 1, 1)))
    found = convert(
        "Quant", Integers(elements("int5", (2, 1, 1))), column, constant(0), constant(3), signed=1, narrow=0
    )
    assert isinstance(found, Elements if kept else Integers)
    assert (numbers(found, X) == np.clip(np.rint(X / scales), -4, 3) * scales).all()
    sign = convert("BipolarQuant", Integers(elements("int5", (2, 1, 1))), column)
    assert (numbers(sign, X) == np.where(X >= 0, 1, -1) * scales).all()


def test_signs_with_0() -> None:
    found = convert("Sign", Integers(elements("int5", (2, 1, 1))))
    assert str(found.dtype) == "int2" and (numbers(found, X) == np.sign(X)).all()  # type: ignore[union-attr]


def samples(frame: tuple[int, ...] = (2, 1, 2), **others: Any) -> Samples:
    index = layout(frame) if len(frame) == 3 else np.arange(frame[0], dtype=np.int32)  # type: ignore[arg-type]
    return Samples(frame, index, np.zeros(index.size, np.int64), **others)


def quantized(given: Samples, *bounds: float, scale: Any = (1,), offset: Any = (0,)) -> Any:
    dtype = DataType("uint", len(bounds).bit_length())
    rows = [[Fraction(b) for b in bounds]]
    pairs = [[Fraction(v) for v in values] for values in (scale, offset)]
    return quantize_samples(call("Quant"), given, dtype, 0, rows, [False] * len(bounds), *pairs)


@pytest.mark.parametrize("frame, bounds, steps, byte", [
    ((3, 4, 4), (0.25, 0.5, 0.75), (), True), ((3, 4, 4), (0.25, 0.5, 1.0), (), False), ((3, 4, 4),
    (0.0, 0.5, 0.75), (), False),
    ((3, 4, 4), (0.5,), (), True), ((3, 1, 4), (0.5,), (), False), ((12,), (0.5,), (), False),
    ((12,), (0.5,), (Scale(np.array([2.0])), Shift(np.array([-1.0]))), True),
    ((12,), (1.0,), (Scale(np.array([2.0])), Shift(np.array([-1.0]))), False),
    ((12,), (0.5,), (Scale(np.array([2.0])), Shift(np.array([-0.5]))), False), ((12,), (0.5,),
    (Scale(np.array([3.0])), Shift(np.array([-1.0]))), False),
    ((3, 4, 4), (0.5,), (Relu(),), True), ((3, 4, 4), (-1.0,), (Relu(),), False),
])  # fmt: skip
def test_bytes_or_fractions(
    frame: tuple[int, ...], bounds: tuple[float, ...], steps: tuple[Any, ...], byte: bool
) -> None:
    """Fractions where all bounds lie between 0 and 1 and it is a picture, or 0..1 is mapped onto -1..1."""
    found = quantized(samples(frame, steps=steps), *bounds)
    assert len(found.notes) == byte
    known = quantized(samples(frame, steps=steps, scaled=True), *bounds)
    assert known.notes == ()
    if byte:
        assert Fraction(1, 255) == BYTE
        for ours, raw in zip(found.input.rows[0], known.input.rows[0], strict=True):
            assert abs(ours - 255 * raw) <= abs(ours) * 2.0**-50


def test_thresholds_of_raw_samples() -> None:
    """Carried back through scale and offset; always and never; strictly or not."""
    given = samples((2,), scale=(Fraction(2),), offset=(Fraction(1),), scaled=True)
    assert quantized(given, 3.0, 5.0, 8.0).input.thresholds == (1.0, 2.0, 3.5)
    falling = samples((2,), scale=(Fraction(-2),), scaled=True)
    spec = quantized(falling, 2.0).input
    assert spec.falling == (True,) and (spec.encode(np.array([[-1.0, -0.999]])) == [[1, 0]]).all()
    infinite = quantize_samples(
        call("Quant"),
        samples((2,), scaled=True),
        UINT2,
        0,
        [[-np.inf, Fraction(1), np.inf]],
        [False] * 3,
        [Fraction(1)],
        [Fraction(0)],
    )
    assert isinstance(infinite, Elements) and infinite.input.thresholds == (-np.inf, 1.0, np.inf)
    strict = quantize_samples(
        call("Quant"),
        samples((2,), scaled=True),
        DataType("uint", 1),
        0,
        [[Fraction(1)]],
        [True],
        [Fraction(1)],
        [Fraction(0)],
    )
    assert isinstance(strict, Elements) and strict.input.thresholds == (np.nextafter(1.0, 2.0),)
    # Levels of the type below the least are reached always, above the greatest never.
    int3 = quantize_samples(
        call("Quant"),
        samples((2,), scaled=True),
        DataType("int", 3),
        -1,
        [[Fraction(1), Fraction(2)]],
        [False] * 2,
        [Fraction(1)],
        [Fraction(0)],
    )
    assert isinstance(int3, Elements) and int3.input.thresholds == (*[-np.inf] * 3, 1.0, 2.0, *[np.inf] * 2)
    for factor, reached in ((0.5, True), (0.25, False)):
        constant_ = samples((2,), steps=(Scale(np.zeros(1)), Shift(np.array([factor]))), scaled=True)
        assert quantized(constant_, 0.5).input.thresholds == ((-np.inf if reached else np.inf),)


def test_groups_with_thresholds_of_their_own() -> None:
    """One group per channel: rows of thresholds, and scales of channels."""
    given = replace(
        samples(scale=(Fraction(1), Fraction(2)), offset=(Fraction(0),) * 2, scaled=True), groups=np.array([0, 1, 0, 1])
    )
    found = quantized(given, 2.0)
    assert found.input.rows == ((2.0,), (1.0,)) and isinstance(found, Elements)
    found = quantized(given, 2.0, scale=(1, 3), offset=(0, 0))
    assert isinstance(found, Integers) and exact_affine(found.steps, 2) == ([1, 3], [0, 0])
    found = quantized(given, 2.0, scale=(1, 1), offset=(0, 5))
    assert isinstance(found, Integers) and exact_affine(found.steps, 2) == ([1, 1], [0, 5])
    wrong = replace(given, groups=np.array([0, 0, 1, 1]))
    with pytest.raises(UnsupportedError, match=r"its scale must be a single value or one per channel \(2\)"):
        quantized(wrong, 2.0, scale=(1, 3), offset=(0, 0))
    with pytest.raises(UnsupportedError, match=r"its offset must be a single value or one per channel \(2\)"):
        quantized(wrong, 2.0, scale=(1, 1), offset=(0, 3))


TIMES_3 = Scale(np.array([3.0]))


@pytest.mark.parametrize("stated, others, scale, offset, thresholds", [
    (Stated(UINT2), {}, 1, 0, None), (Stated(UINT2), {"scale": (Fraction(2),), "offset": (Fraction(1),)}, 2, 1, None),
    (Stated(UINT2), {"scale": (Fraction(2),), "offset": (Fraction(1),), "steps": (TIMES_3,)}, 6, 3, None),
    (Stated(UINT2, Fraction(1), 0), {}, 1, 0, None),
    (Stated(UINT2, Fraction(1), 0), {"steps": (TIMES_3,)}, 3, 0, None),
    (Stated(UINT2, Fraction(1, 2), 0), {}, Fraction(1, 2), 0, (0.25, 0.75, 1.25)),
    (Stated(UINT2, Fraction(1), 0), {"scale": (Fraction(2),)}, 1, 0, (0.25, 0.75, 1.25)),
    (Stated(UINT2, Fraction(1), 0), {"offset": (Fraction(1),)}, 1, 0, (-0.5, 0.5, 1.5)),
    (Stated(UINT2, Fraction(1), 1), {"steps": (Scale(np.full(1, 2.0)), Shift(np.ones(1)))}, 1, 1, (0.25, 0.75, 1.25)),
    (Stated(DataType("bipolar", 1), Fraction(1), 1), {"steps": (Scale(np.array([2.0])),)}, 1, 0, (0.0,)),
])  # fmt: skip
def test_samples_that_are_stated(stated: Stated, others: Any, scale: Any, offset: Any, thresholds: Any) -> None:
    """Raw integers as they are; what steps make integers of by thresholds half way."""
    found = as_stated(call("MatMul"), samples((2,), stated=stated, **others))
    assert isinstance(found, Elements) and (found.scale, found.offset, found.input.thresholds) == (
        scale,
        offset,
        thresholds,
    )
    assert found.dtype == stated.dtype


def test_samples_of_which_nothing_is_stated() -> None:
    given = samples((2,))
    assert as_stated(call("MatMul"), given) is given
    bent = samples((2,), stated=Stated(UINT2), steps=(Curve("tanh"),))
    with pytest.raises(
        UnsupportedError, match="the samples must be quantized behind what is done to them, which is no"
    ):
        as_stated(call("MatMul"), bent)


def test_samples_and_a_constant_stay_samples() -> None:
    """Whatever is said of them: what follows may quantize them. Two of them are elements that are added."""
    given = samples((2,), stated=Stated(UINT2))
    for inputs in ((given, constant(2.0)), (constant(2.0), given)):
        found = convert("Add", *inputs)
        assert isinstance(found, Samples) and exact_affine(found.steps, 1) == ([1], [2])
    with pytest.raises(UnsupportedError, match="its inputs must be two branches, not twice the same tensor"):
        convert("Add", given, given)
