"""Windows that nodes slide over a map: sizes and paddings by hand, and as ONNX's own shape inference has them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from onnx import TensorProto, helper, shape_inference

from bnnhw.errors import BnnhwError
from bnnhw.frontend.onnx.geometry import window_of
from tests.frontend.calls import call

SHAPE = (2, 7, 5)


@pytest.mark.parametrize("axes, expected", [
    ((1, 2), ((3, 2), (2, 1), (1, 2), (1, 0, 2, 1))), ((2, 1), ((2, 3), (1, 2), (2, 1), (0, 1, 1, 2))),
])  # fmt: skip
def test_dimensions_in_the_order_of_the_graph(axes: tuple[int, int], expected: Any) -> None:
    node = call("Conv", strides=(2, 1), dilations=(1, 2), pads=(1, 0, 2, 1))
    window = window_of(node, SHAPE, axes, (3, 2))
    assert (window.kernel, window.stride, window.dilation, window.padding) == expected
    assert (window.channels, window.height, window.width) == SHAPE


@pytest.mark.parametrize("axes, shape, expected", [
    ((-1, 1), (2, 1, 9), ((1, 3), (1, 2), (1, 1), (0, 1, 0, 2))),
    ((1, -1), (2, 9, 1), ((3, 1), (2, 1), (1, 1), (1, 0, 2, 0))),
])  # fmt: skip
def test_signals_have_one_dimension(axes: tuple[int, int], shape: tuple[int, int, int], expected: Any) -> None:
    window = window_of(call("Conv", strides=(2,), pads=(1, 2)), shape, axes, (3,))
    assert (window.kernel, window.stride, window.dilation, window.padding) == expected


def test_padding_before_the_node_s_own() -> None:
    window = window_of(call("Conv", pads=(1, 0, 0, 2)), SHAPE, (1, 2), (2, 2), added=((1, 2), (3, 4)))
    assert window.padding == (2, 3, 2, 6)
    # The map is larger by it where the padding follows from the map's size: 7 + 1 + 1 = 9 and 5 + 0 + 2 = 7.
    window = window_of(call("Conv", auto_pad="SAME_UPPER", strides=(2, 2)), SHAPE, (1, 2), (3, 3), ((1, 1), (0, 2)))
    assert window.padding == (2, 1, 2, 3)


def inferred(kind: str, size: int, **attributes: Any) -> int:
    """The size of the output along a signal."""
    inputs = ["x", "w"] if kind == "Conv" else ["x"]
    kernel = attributes["kernel_shape"][0]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, ["y"], **attributes)],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, size]),
            *([helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 1, kernel])] if kind == "Conv" else []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    shape = shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type.tensor_type.shape
    return int(shape.dim[2].dim_value)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_automatic_padding(auto: str) -> None:
    """The same size over the stride, rounded up; what is odd behind or before."""
    for size, kernel, stride, dilation in product((5, 6, 9), (1, 2, 3, 4), (1, 2, 3), (1, 2)):
        attributes = {"kernel_shape": [kernel], "strides": [stride], "dilations": [dilation], "auto_pad": auto}
        if auto == "VALID" and (kernel - 1) * dilation >= size:
            continue
        node = call("Conv", strides=(stride,), dilations=(dilation,), auto_pad=auto)
        window = window_of(node, (1, 1, size), (-1, 1), (kernel,))
        assert window.out_width == inferred("Conv", size, **attributes)
        _, before, _, behind = window.padding
        missing = before + behind
        assert (before, behind) == ((missing + 1) // 2, missing // 2)[:: 1 if auto == "SAME_LOWER" else -1]
        if auto != "VALID" and missing:
            # No more than is needed.
            assert missing == (window.out_width - 1) * stride + (kernel - 1) * dilation + 1 - size


def test_rounding_up() -> None:
    """As many windows as ONNX counts, none of which begins behind the map and its padding before."""
    for size, kernel, stride, dilation, before, behind in product(
        (5, 6, 9), (1, 2, 3), (1, 2, 3, 4), (1, 2), (0, 1), (0, 1)
    ):
        span = (kernel - 1) * dilation + 1
        if max(before, behind) >= kernel or span > size + before + behind:
            continue
        window = window_of(
            call("MaxPool", strides=(stride,), dilations=(dilation,), pads=(before, behind)),
            (1, 1, size), (-1, 1), (kernel,), ceil_mode=True,
        )  # fmt: skip
        whole = -(-(size + before + behind - span) // stride) + 1
        whole -= (whole - 1) * stride >= size + before
        assert window.out_width == whole
        assert window.padding[1] == before and window.padding[3] >= behind
        if window.padding[3] > behind:
            # The last window ends where the padding ends.
            assert (whole - 1) * stride + span == size + before + window.padding[3]


LIMIT = 1 << 20


@pytest.mark.parametrize("attributes, message", [
    ({"strides": (0, 1)}, "its strides must be 2 numbers of at least 1 and below 1048576, not (0, 1)"),
    ({"strides": (1, LIMIT)}, "its strides must be 2 numbers of at least 1 and below 1048576, not (1, 1048576)"),
    ({"strides": (1,)}, "its strides must be 2 numbers of at least 1 and below 1048576, not (1,)"),
    ({"dilations": (1, 0)}, "its dilations must be 2 numbers of at least 1 and below 1048576, not (1, 0)"),
    ({"pads": (0, 0, -1, 0)}, "its pads must be 4 numbers of at least 0 and below 1048576, not (0, 0, -1, 0)"),
    ({"pads": (0, 0)}, "its pads must be 4 numbers of at least 0 and below 1048576, not (0, 0)"),
    ({"auto_pad": "SAME"}, "its auto_pad must be NOTSET or VALID or SAME_UPPER or SAME_LOWER, not 'SAME'"),
    ({"auto_pad": "VALID", "pads": (0, 0, 0, 1)}, "its pads must be left out with auto_pad VALID"),
    ({"auto_pad": "SAME_UPPER", "pads": (1, 0, 0, 0)}, "its pads must be left out with auto_pad SAME_UPPER"),
])  # fmt: skip
def test_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(BnnhwError) as caught:
        window_of(call("Conv", **attributes), SHAPE, (1, 2), (2, 2))
    assert str(caught.value) == f"node 3 of 7: Conv 'n': {message}"
    # As many as there may be, and pads of nothing beside an automatic padding.
    window_of(call("Conv", strides=(LIMIT - 1, 1), auto_pad="VALID", pads=(0, 0, 0, 0)), SHAPE, (1, 2), (2, 2))
