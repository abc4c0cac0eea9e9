"""Matrix products, clips, rounded numbers and joined branches, node by node: what each stands for, by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.branches import add_branches, parted
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.joins import join_branches
from bnnhw.frontend.onnx.nodes.product import whole_weights
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Product, Weights
from bnnhw.ir import Affine, Clip, Concat, DataType, Dense, FloatActivation, Relu, Residual, Scale, Shift
from bnnhw.ir.arithmetic import dot_affine, weight_values
from bnnhw.ir.curves import Staircase
from bnnhw.ir.steps import apply
from tests.frontend.calls import call, constant, convert, elements

UINT2 = DataType("uint", 2)
SHAPE = (2, 1, 3)


def row(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


@pytest.mark.parametrize("array, values, scale", [
    ([[1, -255], [0, 3]], [[1, -255], [0, 3]], [[1.0]]), ([[0.5, 2.0], [1.5, -4.0]], [[1, 1], [3, -2]], [[0.5, 2.0]]),
    ([[256.0, 1.0], [512.0, 0.0]], [[1, 1], [2, 0]], [[256.0, 1.0]]),
    ([[0.0, 0.25], [0.0, 0.5]], [[0, 1], [0, 2]], [[1.0, 0.25]]),
])  # fmt: skip
def test_constants_as_weights(array: Any, values: Any, scale: Any) -> None:
    """Whole numbers as they are, others as small multiples by column; of the transposed matrix by row."""
    found = whole_weights(call("MatMul", None, constant(array, np.float64)), 2, 1)
    assert (found.values.tolist(), found.scale.tolist()) == (values, scale)
    turned = whole_weights(call("Gemm", None, constant(np.transpose(array), np.float64)), 2, 0)
    assert (turned.values.T.tolist(), turned.scale.T.tolist()) == (values, scale)


@pytest.mark.parametrize(
    "scale, kept", [([[0.5]], True), ([[0.5, 1.0]], True), ([[0.5], [2.0]], False), ([[0.5, 1.0], [2.0, 3.0]], False)]
)
def test_scales_of_weights(scale: Any, kept: bool) -> None:
    """One, or one per column, stay; those of rows are multiplied out."""
    given = Weights(np.array([[1, -2], [3, 1]], np.int16), np.array(scale))
    found = whole_weights(call("MatMul", None, given), 2, 1)
    assert (found is given) is kept
    assert (found.values * found.scale == given.values * given.scale).all() and found.scale.shape[0] == 1


@pytest.mark.parametrize("value, message", [
    (constant([1.0, 2.0]), "its weights must have 2 dimensions and no size of 0, not shape (2,)"),
    (constant(np.ones((2, 0))), "its weights must have 2 dimensions and no size of 0, not shape (2, 0)"),
    (constant([[0.1, 1.0], [0.3, 1.0]], np.float64), "its second input must be quantized weights, or"),
    (Weights(np.ones((2, 2), np.int16), np.array([[0.1], [0.3]])), "its weights have a scale for each input, and"),
])  # fmt: skip
def test_no_weights(value: Any, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        whole_weights(call("MatMul", None, value), 2, 1)
    assert str(caught.value).startswith(f"node 3 of 7: MatMul 'n': {message}")


def flat(**others: Any) -> Elements:
    """Three numbers that enter in the order 2, 0, 1."""
    return replace(elements("uint2", (3, 1, 1)), index=np.array([2, 0, 1], np.int32), **others)


def numbers(product: Any, x: np.ndarray) -> np.ndarray:
    """Scores of frames as they enter, by the layer's own dots."""
    assert isinstance(product, Product)
    layer = product.layer
    assert isinstance(layer, Dense)
    affine = dot_affine(layer)
    dots = x @ weight_values(layer).T.astype(float)
    assert affine.scale in (1, 2)
    return apply(product.steps, dots)


MATRIX = np.array([[1, -2], [3, 0], [2, 1]])


@pytest.mark.parametrize("kind, attributes, inputs, expected", [
    ("MatMul", {}, [constant(MATRIX)], lambda x: x @ MATRIX),
    ("Gemm", {}, [constant(MATRIX)], lambda x: x @ MATRIX),
    ("Gemm", {"transB": 1}, [constant(MATRIX.T)], lambda x: x @ MATRIX),
    ("Gemm", {"alpha": 0.5}, [constant(MATRIX)], lambda x: x @ MATRIX / 2),
    ("Gemm", {}, [constant(MATRIX), constant([4.0, -1.0])], lambda x: x @ MATRIX + [4, -1]),
    ("Gemm", {"beta": -2.0, "alpha": 2.0}, [constant(MATRIX), constant([4.0, 1])], lambda x: 2 * (x @ MATRIX) - [8, 2]),
    ("Gemm", {"beta": 0.0}, [constant(MATRIX), constant([4.0, -1.0])], lambda x: x @ MATRIX),
    ("Gemm", {}, [constant(MATRIX), constant(3.0)], lambda x: x @ MATRIX + 3),
    ("MatMul", {}, [Weights(MATRIX.astype(np.int16), np.array([[0.5, 2.0]]))], lambda x: x @ MATRIX * row(0.5, 2)),
])  # fmt: skip
def test_products(kind: str, attributes: dict[str, Any], inputs: list[Any], expected: Any) -> None:
    """Of elements that stand for ``v / 2 + 1``, in the order of the graph."""
    given = flat(scale=Fraction(1, 2), offset=Fraction(1))
    codes = np.array([[0, 1, 2], [3, 0, 1], [2, 2, 3]])
    found = convert(kind, given, *inputs, **attributes)
    # Place p of the stream is element p.
    x = codes[:, given.index] / 2 + 1
    assert (numbers(found, codes.astype(float)) == expected(x)).all()


@pytest.mark.parametrize("inputs, message", [
    ([elements("uint2", SHAPE), constant(np.ones((6, 2)))], "its first input must be flattened, not of shape"),
    ([flat(), constant(np.ones((2, 2)))], "its weights must take 3 inputs, not 2"),
    ([flat(), constant(np.ones((4, 2)))], "its weights must take 3 inputs, not 4"),
])  # fmt: skip
def test_products_that_do_not_fit(inputs: list[Any], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert("MatMul", *inputs)
    assert str(caught.value).startswith(f"node 3 of 7: MatMul 'n': {message}")


def integers(*steps: Any) -> Integers:
    return Integers(elements("uint2", SHAPE), steps)


INFINITY = float("inf")


@pytest.mark.parametrize("kind, inputs, low, high", [
    ("Clip", [constant(-1.0), constant(2.0)], -1, 2), ("Clip", [None, constant(2.0)], -INFINITY, 2),
    ("Clip", [constant(-1.0)], -1, INFINITY), ("Clip", [], -INFINITY, INFINITY),
    ("Max", [constant(1.0)], 1, INFINITY), ("Min", [constant(1.0)], -INFINITY, 1),
    ("Clip", [constant(2.0), constant(2.0)], 2, 2),
    ("Clip", [constant(INFINITY)], np.finfo(float).max, INFINITY),
    ("Clip", [None, constant(-INFINITY)], -INFINITY, -np.finfo(float).max),
])  # fmt: skip
def test_bounds(kind: str, inputs: list[Any], low: float, high: float) -> None:
    given = integers(Shift(row(0.5, 0.5)))
    found = convert(kind, given, *inputs)
    assert isinstance(found, Integers)
    last = found.steps[-1]
    assert isinstance(last, Clip) and (last.low.tolist(), last.high.tolist()) == ([low] * 2, [high] * 2)
    if kind != "Clip":
        turned = convert(kind, *inputs, given)
        assert isinstance(turned, Integers) and turned.steps[-1] == last


def test_bounds_as_attributes() -> None:
    """Before operator set 11; 0 is a bound too."""
    found = convert("Clip", integers(), opset=6, min=0.0, max=2.5)
    assert isinstance(found, Integers) and found.steps[-1] == Clip(row(0, 0), row(2.5, 2.5))
    found = convert("Clip", integers(), opset=6, max=0.0)
    assert isinstance(found, Integers) and found.steps[-1] == Clip(row(-INFINITY, -INFINITY), row(0, 0))


def test_bounds_of_channels_and_of_elements() -> None:
    """Elements stay elements where all their channels have the bounds of one."""
    given = elements("uint2", SHAPE, scale=Fraction(1, 2), offset=Fraction(-1))
    found = convert("Clip", given, constant(0.0), constant(0.25))
    assert isinstance(found, Elements) and (found.scale, found.offset, str(found.dtype)) == (Fraction(1, 4), 0, "uint1")
    both = convert("Max", given, constant([[[0.0]], [[0.5]]]))
    assert isinstance(both, Integers) and both.steps[-1] == Clip(row(0, 0.5), row(INFINITY, INFINITY))
    falling = elements("uint2", SHAPE, scale=Fraction(-1))
    assert isinstance(convert("Clip", falling, constant(0.0), constant(1.0)), Integers)


@pytest.mark.parametrize("kind, inputs, message", [
    ("Clip", [constant(2.0), constant(1.0)], "its min must be at most its max, not 2.0 and 1.0"),
    ("Max", [constant(1.0), constant(2.0)], "its inputs must be one tensor and a constant"),
    ("Min", [], "its inputs must be one tensor and a constant"),
    ("Max", [integers()], "its inputs must be one tensor and a constant"),
])  # fmt: skip
def test_no_bounds(kind: str, inputs: list[Any], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert(kind, integers(), *inputs)
    assert str(caught.value).startswith(f"node 3 of 7: {kind} 'n': {message}")


def quantized(found: Any) -> tuple[str, list[list[float]]]:
    """The type of elements, and what each value of the input's type is."""
    assert isinstance(found, Elements)
    activation = found.layers[-1].activation
    assert isinstance(activation, FloatActivation)
    values = np.repeat(np.arange(4.0)[:, None], 2, axis=1)
    levels = activation.quantizer.levels(apply(activation.steps, values))
    whole = activation.dtype.values(activation.dtype.codes(levels))
    return str(found.dtype), (whole * float(found.scale) + float(found.offset)).tolist()


@pytest.mark.parametrize("kind, scale, shift, dtype", [
    ("Floor", 0.75, 0.0, "uint2"), ("Ceil", 0.75, -1.5, "int2"), ("Round", 0.5, 0.0, "uint2"),
    ("Round", 85.0, 0.0, "uint8"),
    ("Floor", 85.0, -128.0, "int8"), ("Floor", 85.25, 0.5, None), ("Floor", 86.0, 0.0, None),
    ("Floor", 1.0, 300.0, None),
    ("Round", 0.1, 0.0, None), ("Floor", 85.0, -128.5, None), ("Ceil", 0.25, 0.0, "uint1"),
    ("Floor", -1.0, 0.0, "int3"),
])  # fmt: skip
def test_whole_numbers(kind: str, scale: float, shift: float, dtype: str | None) -> None:
    """Elements where few enough are reached, and more than one is."""
    found = convert(kind, integers(Scale(row(scale, scale)), Shift(row(shift, shift))))
    x = np.arange(4.0) * scale + shift
    if dtype is None:
        assert isinstance(found, Integers) and found.steps[-1] == Staircase(kind.lower())
        return
    y = {"Floor": np.floor, "Ceil": np.ceil, "Round": np.rint}[kind](x)
    assert quantized(found) == (dtype, [[v, v] for v in y.tolist()])


@pytest.mark.parametrize("low, high, dtype", [
    (0.0, 3.0, "uint2"), (-2.0, 300.0, "int3"), (0.0, 255.0, "uint2"), (1.0, 1.0, None), (0.5, 3.0, None),
    (0.0, 2.5, None),
    (2.0, 1e9, "uint2"), (3.0, 9.0, None), (-9.0, -2.0, None),
])  # fmt: skip
def test_rounded_numbers_that_are_clipped(low: float, high: float, dtype: str | None) -> None:
    """From whole number to whole number, those that are reached between the bounds."""
    given = integers(Scale(row(1.5, 1.5)), Shift(row(-1.75, -1.75)), Staircase("round"))
    found = convert("Clip", given, constant(low), constant(high))
    if dtype is None:
        assert (
            isinstance(found, Integers) and isinstance(found.steps[-1], Clip) and found.steps[-2] == Staircase("round")
        )
        return
    y = np.clip(np.rint(np.arange(4) * 1.5 - 1.75), low, high)
    assert quantized(found) == (dtype, [[v, v] for v in y.tolist()])


def affine(name: str, multiplier: list[int], offset: list[int], shape: tuple[int, int, int] = SHAPE) -> Affine:
    return Affine(name, shape, UINT2, np.array(multiplier), np.array(offset))


def branch(*layers: Affine, steps: tuple[Any, ...] = (), shape: tuple[int, int, int] = SHAPE) -> Integers:
    given = elements("uint2", shape)
    dtype = layers[-1].output if layers else given.dtype
    return Integers(replace(given, layers=layers, dtype=dtype), steps)


def test_common_layers() -> None:
    one, two, three = (affine(name, [1, 1], [0, 0]) for name in "abc")
    assert parted((one, two), (one, three)) == ((one,), (two,), (three,))
    assert parted((one, two), (one,)) == ((one,), (two,), ())
    assert parted((), (one,)) == ((), (), (one,)) and parted((one,), (one,)) == ((one,), (), ())
    # Equal is not the same.
    assert parted((one,), (replace(one),)) == ((), (one,), (replace(one),))


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_of_branches(sign: int) -> None:
    """Slopes of 1 and 2, and 3 and 1/2, channel by channel: units of 1 and 1/2."""
    first = branch(affine("a", [1, 1], [1, 1]), steps=(Scale(row(1.0, 3.0)), Shift(row(5.0, 0.0))))
    second = branch(steps=(Scale(row(2.0, 0.5)), Shift(row(0.25, 1.0))))
    found = add_branches(call("Add"), first, second, sign)
    (residual,) = found.elements.layers
    assert isinstance(residual, Residual)
    inner, shortcut = residual.branches
    assert [layer.multiplier.tolist() for layer in (*inner, *shortcut)] == [[1, 1], [1, 6], [2 * sign, sign]]  # type: ignore[attr-defined]
    assert exact_affine(found.steps, 2) == ([1, Fraction(1, 2)], [5 + sign * Fraction(1, 4), sign])


@pytest.mark.parametrize("first, second, message", [
    (branch(), branch(shape=(2, 1, 4)), "its inputs must come from one quantizer of the graph's input"),
    (branch(), replace(branch(), elements=replace(branch().elements, index=branch().elements.index[:, :, ::-1])),
     "its inputs must be two maps of one shape, not (2, 1, 3) and (2, 1, 3)"),
    (branch(steps=(Relu(),)), branch(), "its inputs must be integers times exact factors: quantize"),
    (branch(), branch(), "its inputs must be two branches, not twice the same tensor"),
    (branch(affine("a", [1, 1], [0, 0])), branch(steps=(Scale(row(65537.0, 1.0)),)),
     "its inputs' scales in channel 0 must be at most 65536 times a common divisor, not 1.0 and 65537.0"),
    (branch(affine("a", [1, 1], [0, 0])), branch(steps=(Scale(row(1.0, -65537.0)),)),
     "its inputs' scales in channel 1 must be at most 65536 times a common divisor, not 1.0 and -65537.0"),
])  # fmt: skip
def test_no_sums(first: Integers, second: Integers, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        add_branches(call("Add"), first, second)
    assert str(caught.value).startswith(f"node 3 of 7: Add 'n': {message}")


def test_joined_branches() -> None:
    """Channels one after the other; elements where both stand for numbers alike."""
    one, two = elements("uint2", SHAPE, scale=Fraction(2)), branch(affine("a", [1, 2], [0, 1])).elements
    found = join_branches(call("Concat"), [one, replace(two, scale=Fraction(2))])
    assert isinstance(found, Elements) and (found.scale, found.offset) == (2, 0)
    (join,) = found.layers
    assert isinstance(join, Concat) and join.shape_out == (4, 1, 3) and not join.flat and join.name == "join3a"
    assert found.index.tolist() == [[[0, 4, 8]], [[1, 5, 9]], [[2, 6, 10]], [[3, 7, 11]]]
    for other in (replace(two, scale=Fraction(3)), replace(two, scale=Fraction(2), offset=Fraction(1)), Integers(two)):
        found = join_branches(call("Concat"), [one, other])
        assert isinstance(found, Integers)
        slope = 3 if isinstance(other, Elements) and other.scale == 3 else 2 if isinstance(other, Elements) else 1
        offset = other.offset if isinstance(other, Elements) else 0
        assert exact_affine(found.steps, 4) == ([2, 2, slope, slope], [0, 0, offset, offset])
    three = join_branches(call("Concat"), [one, one, one])
    assert isinstance(three, Elements) and three.index.shape == (6, 1, 3) and three.layers[-1].name == "join3b"


def test_joined_lists() -> None:
    """Features of vectors are channels; those of maps are not."""
    vector = elements("uint2", (4, 1, 1), scale=Fraction(2))
    flat_one = replace(vector, index=np.array([3, 2, 1, 0], np.int32))
    found = join_branches(call("Concat"), [flat_one, replace(flat_one, index=np.arange(4, dtype=np.int32))])
    assert isinstance(found, Elements) and found.index.tolist() == [3, 2, 1, 0, 4, 5, 6, 7]
    assert (
        isinstance(found.layers[-1], Concat) and not found.layers[-1].flat and found.layers[-1].shape_out == (8, 1, 1)
    )
    wide = replace(elements("uint2", SHAPE), index=np.arange(6, dtype=np.int32))
    found = join_branches(call("Concat"), [Integers(wide, (Scale(row(1.0, 3.0)),)), Integers(wide)])
    assert (
        isinstance(found, Integers) and isinstance(found.elements.layers[-1], Concat) and found.elements.layers[-1].flat
    )
    assert exact_affine(found.steps, 12) == ([1, 3] * 3 + [1] * 6, [0] * 12)


def test_the_same_bends_of_both() -> None:
    """Joined step by step; others must be quantized first."""
    relu = branch(affine("a", [1, 1], [1, 1]), steps=(Relu(),))
    found = join_branches(call("Concat"), [relu, branch(steps=(Relu(),))])
    assert isinstance(found, Integers) and found.steps == (Relu(),)
    for other in (branch(), branch(steps=(Relu(), Relu())), branch(steps=(Clip(row(0, 0), row(1, 1)),))):
        with pytest.raises(UnsupportedError, match="its inputs must be quantized, or have the same steps"):
            join_branches(call("Concat"), [relu, other])


@pytest.mark.parametrize("index", [np.arange(6).reshape(2, 3), np.arange(6), np.arange(6).reshape(2, 1, 3)])
def test_no_joins(index: np.ndarray) -> None:
    with pytest.raises(UnsupportedError, match="its inputs must be maps of one size, channels first, or lists"):
        join_branches(
            call("Concat"), [elements("uint2", SHAPE), replace(elements("uint2", SHAPE), index=index.astype(np.int32))]
        )


def test_a_constant_is_no_branch() -> None:
    with pytest.raises(UnsupportedError, match="its input 2 must be quantized elements, not a constant"):
        convert("Concat", elements("uint2", SHAPE), Constant(np.ones(3)))
    for axis, good in ((1, True), (-3, True), (0, False), (2, False), (-1, False)):
        values = [elements("uint2", SHAPE, scale=Fraction(2))] * 2
        if good:
            assert isinstance(convert("Concat", *values, axis=axis), Elements)
            continue
        with pytest.raises(UnsupportedError, match=rf"its axis must be 1, that of channels or features, not {axis}"):
            convert("Concat", *values, axis=axis)
