"""What tensors stand for: shapes that hold the batch, numbers of weights, and how many numbers each holds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.raw import Samples
from bnnhw.frontend.onnx.values import (
    FRAMES,
    Constant,
    Dimensions,
    Elements,
    Integers,
    Padded,
    Product,
    Weights,
    cost,
    kind_of,
    laid_out,
    layout,
)
from bnnhw.ir import (
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    FloatActivation,
    InputSpec,
    MaxPool,
    Quantize,
    Quantizer,
    Relu,
    WeightPlane,
    Window,
)
from tests.frontend.conv_models import Graph
from tests.frontend.models import write

UINT2 = DataType("uint", 2)


@pytest.mark.parametrize("first, second, sizes", [
    ([5, 3, 4], [7, 3, 4], (None, 3, 4)), ([3, 5], [3, 5], (3, 5)), ([5, 5], [7, 7], (None, None)),
    ([10, 3], [14, 3], None), ([7, 3], [5, 3], None), ([5], [7, 1], None), ([[5, 3]], [[7, 3]], None),
    ([5.0, 3.0], [7.0, 3.0], None), (5, 7, None),
])  # fmt: skip
def test_shapes_that_hold_the_batch(first: Any, second: Any, sizes: tuple[int | None, ...] | None) -> None:
    assert FRAMES == (5, 7)
    assert Dimensions((np.array(first), np.array(second))).sizes == sizes


def test_numbers_of_weights() -> None:
    """In float32 where that holds them, as the graph's own arithmetic has them."""
    values = np.array([[1, -2], [3, 0]], np.int16)
    narrow = Weights(values, np.array([[0.5]])).dequantized().array
    assert narrow.dtype == np.float32 and narrow.tolist() == [[0.5, -1], [1.5, 0]]
    wide = Weights(values, np.array([[0.1, 1e200]])).dequantized().array
    assert wide.dtype == np.float64 and wide.tolist() == [[0.1, -2e200], [3 * 0.1, 0]]


def _dense(neurons: int, synapses: int, planes: int, name: str = "d") -> Dense:
    bits = BitMatrix.from_bits(np.ones((neurons, synapses)))
    return Dense(name, UINT2, tuple(WeightPlane(1 << p, bits) for p in range(planes)), None)


def test_numbers_held() -> None:
    """What a node adds to memory: a matrix' planes once, then a number per neuron and place."""
    spec = InputSpec((2, 3, 4), UINT2)
    places = layout(spec.map)
    given = Elements(UINT2, places, spec, ())
    assert cost(given) == cost(Padded(given, ((1, 1), (0, 0)), given.offset)) == 0
    assert cost(Constant(np.zeros((3, 5)))) == 15
    assert cost(Weights(np.zeros((4, 6), np.int16), np.ones((1, 1)))) == 24
    flat = Product(given, _dense(5, 24, 2), np.arange(5, dtype=np.int32))
    assert cost(flat) == 5 * 24 * 2
    assert cost(Product(given, flat.layer, flat.index, (Relu(),))) == 5
    conv = Conv2d(Window(2, 3, 4, (2, 2)), _dense(5, 8, 3))
    product = Product(given, conv, layout(conv.shape_out))
    assert cost(product) == 5 * 8 * 3 + 5 * 2 * 3
    pooled = Elements(UINT2, places, spec, (MaxPool("p", Window(2, 3, 4, (1, 1)), UINT2, np.zeros(2, np.bool_)),))
    assert cost(pooled) == 24
    assert (cost(Integers(pooled)), cost(Integers(pooled, (Relu(),)))) == (24, 26)
    activation = FloatActivation((), Quantizer(UINT2, np.zeros((2, 3)), np.zeros(3, np.bool_)))
    quantized = Elements(UINT2, places, spec, (Quantize("q", spec.map, UINT2, activation),))
    assert cost(quantized) == 24 + 2 * 4
    groups = np.arange(24) % 3
    raw = Samples((2, 3, 4), places, groups, (Fraction(1),) * 3, (Fraction(0),) * 3)
    assert (cost(raw), cost(replace(raw, steps=(Relu(),) * 4))) == (0, 3 * 4)


def test_layouts() -> None:
    """Channel fastest, then width, then height."""
    assert layout((2, 2, 3))[1, 1, 2] == 11 and layout((2, 2, 3))[:, 0, 1].tolist() == [2, 3]
    given = Elements(UINT2, layout((2, 3, 4)), InputSpec((2, 3, 4), UINT2), ())
    turned = given.index.transpose(0, 2, 1)
    assert laid_out(given, turned).index is turned
    assert laid_out(Integers(given), turned).elements.index is turned


def test_words() -> None:
    assert kind_of(None) == "nothing"
    assert kind_of(Constant) == kind_of(Constant(np.zeros(1))) == "a constant"


def _turned(graph: Graph, x: str) -> str:
    return graph.add("Transpose", x, perm=[0, 1, 3, 2])


@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
def test_joined_maps_lie_as_the_stream_has_them(tmp_path: Path, which: tuple[bool, bool]) -> None:
    """One on its side is refused: its places are not those of the other."""
    graph = Graph(2, 4, 4, seed=2)
    x = graph.quant("input", 2)
    ends = [graph.sign(graph.add("Conv", x, graph.weights(3, 2, 1, 1))), x]
    ends = [_turned(graph, end) if turn else end for end, turn in zip(ends, which, strict=True)]
    path = write(graph.scores(graph.add("Concat", *ends, axis=1)), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError, match="its inputs must be maps of one size, channels first, or lists"):
        read_model(path)
