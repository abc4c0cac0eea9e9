"""Options of Keras' layers, what they may be, and what they are where they are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnnhw.errors import BnnhwError
from bnnhw.frontend.larq.architecture import _sources, read_architecture
from bnnhw.frontend.larq.options import KerasLayer, same
from bnnhw.frontend.larq.quantizers import KERNELS, Quantizer
from bnnhw.ir.types import MAX_PLANES

LARGEST = (1 << 20) - 1


def layer(**config: Any) -> KerasLayer:
    return KerasLayer("L", "l", config)


@pytest.mark.parametrize("value, found", [
    (1, 1), (LARGEST, LARGEST), (0, None), (-1, None), (LARGEST + 1, None), (2.0, None), (True, None), ("2", None),
    ([2], None), (None, None),
])  # fmt: skip
def test_a_size(value: Any, found: int | None) -> None:
    if found is not None:
        assert layer(n=value).size("n") == found
        return
    with pytest.raises(BnnhwError, match="layer l: n must be a positive number, not"):
        layer(n=value).size("n")


@pytest.mark.parametrize("value, rank, found", [
    (2, 2, (2, 2)), (2, 1, (2,)), ([3, 1], 2, (3, 1)), ([3], 1, (3,)), ([LARGEST, 1], 2, (LARGEST, 1)), ([3], 2, None),
    ([3, 1], 1, None), ([0, 1], 2, None), (0, 2, None), ([1, LARGEST + 1], 2, None), ([1.0, 1], 2, None),
    (True, 1, None),
    ((3, 1), 2, None), (None, 2, None),
])  # fmt: skip
def test_sizes(value: Any, rank: int, found: tuple[int, ...] | None) -> None:
    if found is not None:
        assert layer(n=value).sizes("n", rank) == found
        return
    words = "two positive numbers" if rank == 2 else "a positive number"
    with pytest.raises(BnnhwError, match=f"layer l: n must be {words}, not"):
        layer(n=value).sizes("n", rank)


def test_defaults() -> None:
    bare = layer()
    assert (bare.sizes("n", 2), bare.sizes("n", 1, 2), bare.size("n", 1), bare.number("n", 0.5)) == (
        (1, 1),
        (2,),
        1,
        0.5,
    )
    assert bare.get("n") is None and bare.get("n", 3) == 3 and bare.require("n", "a", "b", "a") == "a"


@pytest.mark.parametrize("value, found", [
    (2, 2.0), (-0.5, -0.5), (9e29, 9e29), (-9e29, -9e29), (1e30, None), (-1e30, None), (float("nan"), None),
    (True, None), ("1", None), (None, None),
])  # fmt: skip
def test_a_number(value: Any, found: float | None) -> None:
    if found is not None:
        assert layer(n=value).number("n", 0.0) == found
        return
    with pytest.raises(BnnhwError, match="layer l: n must be a number, not"):
        layer(n=value).number("n", 0.0)


@pytest.mark.parametrize("value, allowed, good", [
    (0, (0, 0.0), True), (0.0, (0,), False), (False, (0,), False), (1, (True,), False), ("a", ("b", "a"), True),
    ("c", ("b", "a"), False), (None, (None,), True),
])  # fmt: skip
def test_one_of_some_values(value: Any, allowed: tuple[Any, ...], good: bool) -> None:
    """Of the type as well."""
    if good:
        assert layer(n=value).require("n", 0, *allowed) == value
        return
    with pytest.raises(BnnhwError, match=rf"layer l: n must be {' or '.join(map(repr, allowed))}, not {value!r}"):
        layer(n=value).require("n", 0, *allowed)


@pytest.mark.parametrize("size, kernel, stride, dilation, pads", [
    (5, 3, 1, 1, (1, 1)), (5, 2, 1, 1, (0, 1)), (5, 4, 1, 1, (1, 2)), (5, 1, 1, 1, (0, 0)), (6, 3, 2, 1, (0, 1)),
    (7, 3, 2, 1, (1, 1)), (5, 3, 1, 2, (2, 2)), (5, 1, 3, 1, (0, 0)), (6, 2, 3, 1, (0, 0)), (7, 2, 3, 1, (0, 1)),
    (4, 5, 4, 1, (0, 1)), (1, 3, 1, 1, (1, 1)),
])  # fmt: skip
def test_same_padding(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> None:
    """As TensorFlow says: so that the sizes behind are those before, over the stride, rounded up."""
    assert same(size, kernel, stride, dilation) == pads


def kernel(kind: str, values: list[Any], **config: Any) -> Any:
    return KERNELS[kind](layer(), Quantizer(kind, "kernel_quantizer", config), np.array(values, np.float32))


def test_kernels_by_hand() -> None:
    values = [[-1.0, -0.05], [0.0, 0.05], [0.75, -0.0]]
    assert kernel("sign", values).values.tolist() == [[-1, -1], [1, 1], [1, 1]]
    assert kernel("heaviside", values).values.tolist() == [[0, 0], [0, 1], [1, 0]]
    assert kernel("ternary", values).values.tolist() == [[-1, -1], [0, 1], [1, 0]]
    assert kernel("ternary", values, threshold_value=0.75).values.tolist() == [[-1, 0], [0, 0], [1, 0]]
    assert kernel("ternary", [[4.0, 1.0, 1.0, -4.0]], ternary_weight_networks=True).values.tolist() == [[1, 0, 0, -1]]
    scaled = kernel("scaled", [[1.0, -0.5], [-2.0, 0.0]])
    assert scaled.values.tolist() == [[1, -1], [-1, 1]] and scaled.scale.tolist() == [1.5, 0.25]
    activations = kernel("dorefa", [[-1.0, 0.2, 0.5, 0.75, 2.0]])
    assert activations.values.tolist() == [[0, 1, 2, 2, 3]] and activations.divisor == 3
    weights = kernel("dorefa", [[0.0, 1.0, -1.0, 0.1]], mode="weights", k_bit=3)
    # tanh(0.1) / tanh(1) = 0.1309: 7 * 0.5654 = 3.958 is 4, 2 * 4 - 7 = 1; of 0 half, which is 4 as well.
    assert weights.values.tolist() == [[1, 7, -7, 1]] and weights.divisor == 7
    assert kernel("dorefa", [[0.0, 0.0]], mode="weights", k_bit=1).values.tolist() == [[-1, -1]]


@pytest.mark.parametrize("kind, values, config, message", [
    ("scaled", [[1.0, 0.0], [1.0, 0.0]], {}, "no output may have weights of 0 alone"),
    ("ternary", [[1.0]], {"threshold_value": 0}, "kernel_quantizer must have a positive threshold_value, not 0"),
    ("ternary", [[1.0]], {"threshold_value": 1e-30}, "must have a positive threshold_value, not 1e-30"),
    ("ternary", [[1.0]], {"threshold_value": 1e30}, "must have a positive threshold_value, not 1e\\+30"),
    ("ternary", [[0.7, 1.0, 1.3]], {"ternary_weight_networks": True}, "one lies at the threshold, 0.7 times the mean"),
    ("dorefa", [[1.0]], {"k_bit": 0}, f"must have a k_bit of 1 to {MAX_PLANES}, not 0"),
    ("dorefa", [[1.0]], {"k_bit": MAX_PLANES + 1}, f"must have a k_bit of 1 to {MAX_PLANES}, not {MAX_PLANES + 1}"),
    ("dorefa", [[1.0]], {"k_bit": True}, f"must have a k_bit of 1 to {MAX_PLANES}, not True"),
])  # fmt: skip
def test_kernels_that_are_refused(kind: str, values: list[Any], config: dict[str, Any], message: str) -> None:
    with pytest.raises(BnnhwError, match=message):
        kernel(kind, values, **config)


def test_bits_of_dorefa() -> None:
    assert [kernel("dorefa", [[2.0]], k_bit=bits).divisor for bits in (1, MAX_PLANES)] == [1, (1 << MAX_PLANES) - 1]


@pytest.mark.parametrize("value, found", [
    ([["a", 0, 0, {}]], ["a"]), ([["a", 0, 0]], ["a"]), ([["a", 0]], []), (["a", 0, 0], ["a"]), ([["a", 0.0, 0]], []),
    ([[["a", 0, 0, {"x": ["b", 0, 0]}], ["c", 1, 2]]], ["a", "b", "c"]),
    ([{"args": [{"config": {"keras_history": ["a", 0, 0], "other": ["z", 0, 0]}}]}], ["a"]), ([[0, 0, 0]], []),
    ({"kwargs": {"x": {"keras_history": ["b", 0, 1]}}}, ["b"]), ([], []), ([["a", 0, "0"]], []),
])  # fmt: skip
def test_what_a_call_reads(value: Any, found: list[str]) -> None:
    """As Keras 2 and as Keras 3 writes it."""
    assert list(_sources(value)) == found


def sequential(shape: Any, key: str = "batch_input_shape") -> bytes:
    import json

    config = {"name": "a", key: shape}
    return json.dumps({"class_name": "Sequential", "config": [{"class_name": "L", "config": config}]}).encode()


@pytest.mark.parametrize("shape, found", [
    ([None, 7], (7,)), ([None, 5, 2], (2, 5)), ([None, 4, 5, 3], (3, 4, 5)), ([1, 1], (1,)),
    ([None, LARGEST], (LARGEST,)),
    ([None, LARGEST + 1], None), ([None, 0], None), ([None], None), ([None, 2, 2, 2, 2], None), ([None, None], None),
    ([None, 2.0], None), ("x", None),
])  # fmt: skip
def test_shapes_of_a_frame(shape: Any, found: tuple[int, ...] | None) -> None:
    """Channels first; whatever the batch is."""
    for key in ("batch_input_shape", "batch_shape"):
        if found is not None:
            assert read_architecture(sequential(shape, key))[1] == found
            continue
        with pytest.raises(BnnhwError, match="must have a first layer of a shape of"):
            read_architecture(sequential(shape, key))
