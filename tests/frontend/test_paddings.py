"""Padding, windows and groups of convolutions: the forms that are read, and each refusal beside its neighbour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import BnnhwError
from bnnhw.frontend import read_model
from bnnhw.ir import Conv2d, walk
from tests.frontend.conv_models import Graph
from tests.frontend.models import write
from tests.frontend.test_conv import check

Build = Callable[[Graph, str], str]


def pad(graph: Graph, x: str, *amounts: int, value: float | None = None, dtype: type = np.int64) -> str:
    inputs = [graph.constant(amounts, dtype)] + ([] if value is None else [graph.constant(value)])
    return graph.add("Pad", x, *inputs)


def conv(graph: Graph, x: str, *shape: int, **attributes: object) -> str:
    return graph.add("Conv", x, graph.weights(*(shape or (3, 4, 3, 3))), **attributes)


READ: dict[str, tuple[Build, tuple[int, int, int, int]]] = {
    "pads of a value": (lambda g, x: conv(g, pad(g, x, 0, 0, 1, 2, 0, 0, 0, 1, value=1.0)), (1, 2, 0, 1)),
    "a Pad and pads": (
        lambda g, x: conv(g, pad(g, x, 0, 0, 1, 2, 0, 0, 0, 1), pads=[1, 0, 2, 0]), (2, 2, 2, 1)
    ),
    "a Pad of nothing, and pads": (
        lambda g, x: conv(g, pad(g, x, *[0] * 8, value=1.0), pads=[1, 0, 2, 0]), (1, 0, 2, 0)
    ),
    "same, upper": (lambda g, x: conv(g, x, auto_pad="SAME_UPPER", strides=[2, 2]), (0, 0, 1, 1)),
    "same, lower": (lambda g, x: conv(g, x, auto_pad="SAME_LOWER", strides=[2, 2]), (1, 1, 0, 0)),
    "same, of a small window": (lambda g, x: conv(g, x, 3, 4, 1, 1, auto_pad="SAME_LOWER", strides=[2, 2]), (0,) * 4),
    "depthwise": (lambda g, x: conv(g, x, 8, 1, 2, 2, group=4, pads=[1, 1, 0, 0]), (1, 1, 0, 0)),
    "a kernel that is stated": (lambda g, x: conv(g, x, kernel_shape=[3, 3]), (0,) * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_read(tmp_path: Path, name: str) -> None:
    """Elements of 2 bits, which have a 0 and a 1."""
    build, padding = READ[name]
    graph = Graph(4, 6, 6, seed=2)
    x = build(graph, graph.quant("input", 2))
    network = check(graph.scores(graph.sign(x)), tmp_path / "m.onnx", high=4)
    (layer,) = (layer for layer in walk(network.layers) if isinstance(layer, Conv2d))
    assert layer.window.padding == padding


def test_pads_as_an_attribute(tmp_path: Path) -> None:
    """As before operator set 11."""
    graph = Graph(4, 6, 6, seed=2)
    x = graph.add("Pad", graph.quant("input", 2), pads=[0, 0, 1, 2, 0, 0, 0, 1], value=1.0)
    flat = graph.add("Flatten", graph.sign(conv(graph, x)))
    proto = graph.model(graph.norm(graph.add("MatMul", flat, graph.weights(3 * 5 * 7, 3)), 3))
    proto.opset_import[0].version = 10
    network = check(proto, tmp_path / "m.onnx", high=4)
    (layer,) = (layer for layer in walk(network.layers) if isinstance(layer, Conv2d))
    assert (layer.window.padding, layer.padding_code) == ((1, 2, 0, 1), 1)


REFUSED: dict[str, tuple[Build, str]] = {
    "pads that are no integers": (
        lambda g, x: conv(g, pad(g, x, *[0] * 8, dtype=np.float32)), "its pads must be a list of integers"
    ),
    "pads of two dimensions": (
        lambda g, x: conv(g, g.add("Pad", x, g.constant(np.zeros((2, 4)), np.int64))),
        "its pads must be a list of integers",
    ),
    "too few pads": (lambda g, x: conv(g, pad(g, x, 0, 1, 0, 1)), "its pads must be 8 numbers"),
    "negative pads": (lambda g, x: conv(g, pad(g, x, 0, 0, -1, 0, 0, 0, 0, 0)), "its pads must be 8 numbers"),
    "a list": (lambda g, x: pad(g, g.add("Flatten", x), 0, 1, 0, 1), "its pads must be 4 numbers of at least 0"),
    "pads of channels before": (lambda g, x: conv(g, pad(g, x, 0, 1, 0, 0, 0, 0, 0, 0)), "must be 0 for batch and"),
    "pads of channels behind": (lambda g, x: conv(g, pad(g, x, 0, 0, 0, 0, 0, 1, 0, 0)), "must be 0 for batch and"),
    "pads of the batch": (lambda g, x: conv(g, pad(g, x, 1, 0, 0, 0, 0, 0, 0, 0)), "must be 0 for batch and"),
    "axes": (
        lambda g, x: conv(g, g.add("Pad", x, g.constant([1, 1], np.int64), g.constant(0.0), g.constant([2], np.int64))),
        "its axes must be left out",
    ),
    "a Pad of another value, and pads": (
        lambda g, x: conv(g, pad(g, x, 0, 0, 1, 0, 0, 0, 0, 0, value=1.0), pads=[1, 0, 0, 0]),
        "its pads must be 0 behind a Pad node of another value: pad once",
    ),
    "a Pad that nothing convolves": (lambda g, x: pad(g, x, 0, 0, 1, 0, 0, 0, 0, 0), ""),
    "a group of one": (lambda g, x: conv(g, x, 4, 2, 3, 3, group=2), "its group must be 1, or for a depthwise"),
    "no whole groups": (lambda g, x: conv(g, x, 6, 1, 3, 3, group=4), "its weights must be for 4 channels in 4 groups"),
    "too many inputs of a group": (
        lambda g, x: conv(g, x, 8, 2, 3, 3, group=4), "its weights must be for 4 channels in 4 groups"
    ),
    "a stride of 0": (lambda g, x: conv(g, x, strides=[1, 0]), "its strides must be 2 numbers of at least 1"),
    "one stride": (lambda g, x: conv(g, x, strides=[1]), "its strides must be 2 numbers of at least 1"),
    "a dilation of 0": (lambda g, x: conv(g, x, dilations=[0, 1]), "its dilations must be 2 numbers of at least 1"),
    "a negative pad": (lambda g, x: conv(g, x, pads=[0, 0, 0, -1]), "its pads must be 4 numbers of at least 0"),
    "a padding by another rule": (lambda g, x: conv(g, x, auto_pad="SAME"), "its auto_pad must be NOTSET or VALID"),
    "valid, and pads": (
        lambda g, x: conv(g, x, auto_pad="VALID", pads=[1, 0, 0, 0]), "its pads must be left out with auto_pad VALID"
    ),
    "another kernel": (lambda g, x: conv(g, x, kernel_shape=[3, 2]), "its kernel_shape must be that of its weights"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    build, message = REFUSED[name]
    graph = Graph(4, 6, 6, seed=2)
    x = build(graph, graph.quant("input", 2))
    path = write(graph.model(graph.add("MatMul", graph.add("Flatten", x), graph.weights(4, 3))), tmp_path / "m.onnx")
    with pytest.raises(BnnhwError) as caught:
        read_model(path)
    assert message in str(caught.value) and str(caught.value).startswith(f"{path}: node ")


@pytest.mark.parametrize(
    "value, code, bits", [(0.0, 0, 2), (3.0, 3, 2), (4.0, 0, 3), (5.0, 0, 4), (-1.0, 0, 3), (0.5, 0, 4)]
)
def test_numbers_around_a_map(tmp_path: Path, value: float, code: int, bits: int) -> None:
    """A number of the elements is its code; any other is the 0 of wider integers, and that is said."""
    graph = Graph(2, 5, 5, seed=3)
    x = pad(graph, graph.quant("input", 2), 0, 0, 1, 0, 0, 0, 0, 1, value=value)
    x = graph.sign(graph.norm(conv(graph, x, 3, 2, 2, 2), 3))
    network = check(graph.scores(x), tmp_path / "m.onnx", high=4)
    layer = next(layer for layer in walk(network.layers) if isinstance(layer, Conv2d))
    assert (layer.padding_code, layer.input.bits) == (code, bits)
    warnings = read_model(tmp_path / "m.onnx").warnings
    assert len(warnings) == (bits > 2)
    if bits > 2:
        assert f"it pads with {value}, which is no value of its inputs: they become {bits}-bit numbers" in warnings[0]
