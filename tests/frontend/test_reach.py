"""Between which numbers tensors lie, what is said of samples, and tensors of a file: by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnhw.errors import BnnhwError, RequestError
from bnnhw.frontend.onnx.given import Given, graph_samples, noted
from bnnhw.frontend.onnx.graph import Graph, Node
from bnnhw.frontend.onnx.raw import Samples, Stated, regrouped
from bnnhw.frontend.onnx.reach import bounded, reach
from bnnhw.frontend.onnx.tensors import INTEGERS, is_float, is_whole, read_tensor, type_word
from bnnhw.frontend.onnx.values import Integers, Product
from bnnhw.ir import Affine, BitMatrix, DataType, Dense, Relu, Scale, Shift, WeightPlane
from tests.frontend.calls import call, elements

SHAPE = (2, 1, 1)
UINT2 = DataType("uint", 2)


def raw(**others: Any) -> Samples:
    return Samples((2,), np.arange(2, dtype=np.int32), np.zeros(2, np.int64), **others)


def ends(value: Any) -> list[list[float]]:
    return [end.tolist() for end in reach(value)]


def pair(first: float, second: float) -> np.ndarray:
    return np.array([first, second], np.float64)


def test_reach_of_samples() -> None:
    """Known where raw samples are integers, or what the graph takes is; in units of theirs."""
    assert ends(raw()) == [[-np.inf], [np.inf]]
    int3 = DataType("int", 3)
    assert ends(raw(stated=Stated(int3, Fraction(1, 2), 0))) == [[-2.0], [1.5]]
    assert ends(raw(stated=Stated(int3, Fraction(1, 2), 1))) == [[-np.inf], [np.inf]]
    given = raw(stated=Stated(int3), scale=(Fraction(2),), offset=(Fraction(1),))
    assert ends(given) == [[-7.0], [7.0]]
    # Steps, falling ones too; a factor of 0 makes no number of infinity.
    one = np.ones(1)
    assert ends(replace(given, steps=(Scale(-one), Shift(one)))) == [[-6.0], [8.0]]
    assert ends(raw(steps=(Scale(0 * one),))) == [[-np.inf], [np.inf]]
    assert ends(raw(steps=(Relu(),))) == [[0.0], [np.inf]]


def test_reach_of_what_layers_emit() -> None:
    plane = WeightPlane(1, BitMatrix.from_bits(np.array([[1, 1, 1], [1, 0, 0]])))
    dense = Dense("d", UINT2, (plane,), None)
    given = elements("uint2", (3, 1, 1))
    product = Product(given, dense, np.arange(2, dtype=np.int32))
    assert ends(product) == [[0.0, -6.0], [9.0, 3.0]]
    assert ends(replace(product, steps=(Scale(pair(1.0, -2.0)),))) == [[0.0, -6.0], [9.0, 12.0]]
    plain = Integers(elements("uint2", SHAPE), (Shift(pair(1.0, -1.0)),))
    assert ends(plain) == [[1.0, -1.0], [4.0, 2.0]]
    # Of sums that several nodes read as far as these go, of all else as far as its type does.
    affine = Affine("a", SHAPE, UINT2, np.array([1, 1]), np.array([3, 3]))
    behind = replace(plain, elements=replace(plain.elements, layers=(affine,), dtype=affine.output))
    assert ends(behind) == [[1.0, -1.0], [8.0, 6.0]] and str(affine.output) == "uint3"
    matrix = replace(plain, elements=replace(plain.elements, layers=(affine, dense), dtype=dense.output))
    assert ends(matrix) == [[1.0, -1.0], [10.0, 8.0]] and str(dense.output) == "uint4"


def test_functions_that_are_not_defined_everywhere() -> None:
    given = Integers(elements("uint2", SHAPE), (Shift(pair(1.0, -1.0)),))
    assert bounded(call("Log"), given, -1.0, 4.0) is given
    for low, high in ((-0.5, 4.0), (-1.0, 3.5)):
        with pytest.raises(BnnhwError) as caught:
            bounded(call("Log"), given, low, high)
        assert str(caught.value) == (
            f"node 3 of 7: Log 'n': its input must lie in {low:g}..{high:g}, where it is a number, and reaches -1..4: "
            "put a Relu or a Clip before it"
        )
    samples = bounded(call("Log"), raw(), 0.0, 9.0)
    assert ends(samples) == [[0.0], [9.0]] and samples.notes == (  # type: ignore[union-attr]
        "node 3 of 7: Log 'n': what it takes must lie in 0..9, where it is a number: samples beyond are read as those "
        "at the end",
    )


def graph(shape: tuple[int, ...] = (2, 3, 4), element: int = TensorProto.FLOAT, **others: Any) -> Graph:
    node = Node("Relu", "", "n", 1, 1, ("x",), ("y",))
    known = {"metadata": {}, "opset": 17, "element": element, "annotations": {}, "producer": "", **others}
    return Graph((node,), {}, "x", "y", shape, **known)


@pytest.mark.parametrize("shape, order, frame, index", [
    ((2, 2, 3), "chw", (2, 2, 3), [[[0, 2, 4], [6, 8, 10]], [[1, 3, 5], [7, 9, 11]]]),
    ((2, 3, 2), "hwc", (2, 2, 3), [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]),
    ((2, 3), "chw", (2, 1, 3), [[0, 2, 4], [1, 3, 5]]), ((3, 2), "hwc", (2, 1, 3), [[0, 1], [2, 3], [4, 5]]),
    ((4,), "chw", (4,), [0, 1, 2, 3]),
])  # fmt: skip
def test_what_the_graph_takes(shape: tuple[int, ...], order: str, frame: tuple[int, ...], index: Any) -> None:
    found = graph_samples(graph(shape), Given(), order)
    assert (found.frame, found.index.tolist(), found.layout) == (frame, index, order)
    assert not found.scaled and found.stated is None and found.neurons == 1
    with pytest.raises(BnnhwError, match="a sample must be"):
        graph_samples(graph((1, 2, 3, 4)), Given())


@pytest.mark.parametrize("others, scaled", [
    ({}, False), ({"producer": "bnnhw"}, True), ({"producer": "pytorch"}, False), ({"metadata": {"bnnhw": "1"}}, True),
    ({"element": TensorProto.INT8}, True), ({"element": TensorProto.INT16}, False),
    ({"element": TensorProto.BOOL}, True),
])  # fmt: skip
def test_graphs_whose_scale_is_known(others: dict[str, Any], scaled: bool) -> None:
    found = graph_samples(graph(**others), Given())
    assert found.scaled is scaled
    if others.get("element") == TensorProto.INT8:
        assert found.stated == Stated(DataType("int", 8), Fraction(1), 0)


def test_numbers_per_channel() -> None:
    """Of the first axis or else the last; a number for all."""
    found = graph_samples(graph(), Given(scale=(Fraction(1, 2),), offset=(Fraction(3),)))
    assert (found.scale, found.offset, found.scaled) == ((Fraction(1, 2),), (Fraction(3),), True)
    for numbers, places in (((1, 2), [0, 1] * 12), ((1, 2, 3, 4), [n // 2 % 4 for n in range(24)])):
        found = graph_samples(graph(), Given(scale=tuple(map(Fraction, numbers))))
        assert [int(found.scale[g]) - 1 for g in found.groups.tolist()] == places
    # As many channels as columns: the first axis counts.
    found = graph_samples(graph((2, 3, 2)), Given(offset=(Fraction(1), Fraction(2))))
    assert [int(found.offset[g]) for g in found.groups.tolist()] == [1, 2] * 6
    with pytest.raises(
        RequestError, match=r"^--input-scale must have one number, or one per channel \(2 or 4\), not 3$"
    ):
        graph_samples(graph(), Given(scale=(Fraction(1),) * 3))
    with pytest.raises(RequestError, match=r"^--input-offset must have one number, or one per channel \(5\), not 3$"):
        graph_samples(graph((5,)), Given(offset=(Fraction(1),) * 3))


@pytest.mark.parametrize("name, dtype, unit", [
    ("INT8", "int8", 1), ("UINT3", "uint3", 1), ("BIPOLAR", "bipolar", 1), ("FIXED<4,1>", "int4", Fraction(1, 8)),
    (" FIXED<8,8> ", "int8", 1), ("FIXED<8,10>", "int8", 4), ("FIXED<3,-1>", "int3", Fraction(1, 16)),
    ("FIXED<9,1>", None, 0), ("FLOAT32", None, 0), ("INT9", None, 0), ("FIXED<100,1>", None, 0), (None, None, 0),
])  # fmt: skip
def test_annotations(name: str | None, dtype: str | None, unit: Fraction | int) -> None:
    found = noted(raw(steps=(Relu(),)), name)
    assert found.stated == (None if dtype is None else Stated(DataType.parse(dtype), Fraction(unit), 1))


def test_what_the_user_says_counts_more() -> None:
    user = raw(stated=Stated(UINT2))
    text = "here: the graph says int8 times 1/2, and --input-type uint2: samples are read as uint2"
    assert noted(user, "FIXED<8,7>", "here").notes == (text,)
    assert noted(user, "UINT2", "here").notes == ()
    assert noted(user, "UINT3", "here").notes == (
        "here: the graph says uint3, and --input-type uint2: samples are read as uint2",
    )
    assert noted(replace(user, scale=(Fraction(2),)), "UINT3", "here").notes == ()
    assert noted(replace(user, offset=(Fraction(2),)), "UINT3", "here").notes == ()
    assert noted(replace(user, notes=("said",)), "UINT3", "here").notes == ("said",)
    # Behind steps that are no lines the annotation is all that is known.
    assert noted(replace(user, steps=(Relu(),)), "UINT3").stated == Stated(DataType("uint", 3), Fraction(1), 1)
    told = graph_samples(graph(element=TensorProto.UINT8), Given(dtype=UINT2))
    assert told.stated == Stated(UINT2) and told.notes == (
        "graph input 'x': the graph says uint8, and --input-type uint2: samples are read as uint2",
    )
    assert graph_samples(graph(element=TensorProto.UINT8), Given((Fraction(2),), None, UINT2)).notes == ()
    assert graph_samples(graph(), Given(dtype=UINT2)).notes == ()


def test_groups_of_samples() -> None:
    """By value, in every column; as many as there are already are these, in their order."""
    given = Samples(
        (6,), np.array([5, 4, 3, 2, 1, 0], np.int32), np.array([0, 0, 0, 1, 1, 1]), *((Fraction(1), Fraction(2)),) * 2
    )
    same, values = regrouped(given, np.array(7.0))
    assert same is given and values[0].tolist() == [7.0, 7.0]
    # Place p of a sample has the value of index 5 - p.
    found, (first, second) = regrouped(given, np.array([1, 1, 1, 1, 2, 2]), np.array([3.0]))
    assert found.neurons == 3 and second.tolist() == [3.0] * 3
    assert [(int(first[g]), int(found.scale[g])) for g in found.groups.tolist()] == [
        (2, 1), (2, 1), (1, 1), (1, 2), (1, 2), (1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("kind, values", [
    (TensorProto.FLOAT, [0.5, -2.0, 3.0]), (TensorProto.DOUBLE, [0.1, 1e300, -3.0]),
    (TensorProto.FLOAT16, [0.5, -2.0, 3.0]),
    (TensorProto.BFLOAT16, [0.5, -2.0, 3.0]), (TensorProto.INT64, [1 << 40, -3, 0]),
    (TensorProto.UINT64, [1 << 63, 3, 0]),
    (TensorProto.INT32, [-5, 7, 0]), (TensorProto.UINT32, [1 << 31, 7, 0]), (TensorProto.INT16, [-32768, 32767, 0]),
    (TensorProto.UINT16, [65535, 0, 1]), (TensorProto.INT8, [-128, 127, 1]), (TensorProto.UINT8, [255, 0, 1]),
    (TensorProto.INT4, [-8, 7, 1]), (TensorProto.UINT4, [15, 0, 1]), (TensorProto.BOOL, [1, 0, 1]),
])  # fmt: skip
def test_tensors(kind: int, values: list[Any]) -> None:
    """Raw and typed; floats are float32 at least."""
    typed = helper.make_tensor("t", kind, [1, 3], values)
    packed = numpy_helper.from_array(numpy_helper.to_array(typed)) if kind not in (16, 21, 22) else typed
    for tensor in (typed, packed):
        found = read_tensor(tensor, "here")
        assert (
            found.shape == (1, 3)
            and found.astype(object if kind == TensorProto.UINT64 else float).ravel().tolist() == values
        )
        assert is_whole(found) == (kind in INTEGERS) and is_float(found) == (kind in (1, 10, 11, 16))
        assert not is_float(found) or found.dtype == (np.float64 if kind == TensorProto.DOUBLE else np.float32)
    del typed.int32_data[:], typed.float_data[:], typed.double_data[:], typed.int64_data[:], typed.uint64_data[:]
    words = 2 if kind in (TensorProto.INT4, TensorProto.UINT4) else 3
    with pytest.raises(BnnhwError, match=rf"^here: shape \(1, 3\) must have {words} values, not 0$"):
        read_tensor(typed, "here")
    typed.raw_data = b"\0" * 99
    bits = {1: 32, 11: 64, 10: 16, 16: 16, 9: 8, **{k: v.bits for k, v in INTEGERS.items()}}[kind]
    with pytest.raises(
        BnnhwError, match=rf"^here: shape \(1, 3\) must have {-(-3 * bits // 8)} bytes of data, not 99$"
    ):
        read_tensor(typed, "here")


@pytest.mark.parametrize("kind, low, high", [
    (TensorProto.INT8, -128, 127), (TensorProto.UINT8, 0, 255), (TensorProto.INT4, -8, 7), (TensorProto.UINT4, 0, 15),
    (TensorProto.INT64, -(1 << 63), (1 << 63) - 1), (TensorProto.UINT16, 0, 65535),
])  # fmt: skip
def test_integer_types(kind: int, low: int, high: int) -> None:
    assert (INTEGERS[kind].minimum, INTEGERS[kind].maximum) == (low, high)
    assert (
        TensorProto.FLOAT not in INTEGERS and type_word(kind).startswith(("int", "uint")) and type_word(99) == "type 99"
    )


def test_tensors_that_are_none() -> None:
    tensor = onnx.TensorProto(data_type=TensorProto.INT8, dims=[2], int32_data=[1, 200])
    with pytest.raises(BnnhwError, match=r"^here: values must fit type int8$"):
        read_tensor(tensor, "here")
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [2], [1.0, float("nan")])
    with pytest.raises(BnnhwError, match=r"^here: values must be numbers, not NaN$"):
        read_tensor(tensor, "here")
    tensor.dims[:] = [-1, -2]
    with pytest.raises(BnnhwError, match=r"^here: dimensions must not be negative, not \(-1, -2\)$"):
        read_tensor(tensor, "here")
    tensor = onnx.TensorProto(data_type=TensorProto.FLOAT, dims=[0, 3])
    assert read_tensor(tensor, "here").shape == (0, 3)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(BnnhwError, match=r"^here: data in another file is not read"):
        read_tensor(tensor, "here")
    with pytest.raises(BnnhwError, match=r"^here: values of type complex64 are not read"):
        read_tensor(onnx.TensorProto(data_type=TensorProto.COMPLEX64, dims=[0]), "here")
