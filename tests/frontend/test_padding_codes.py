"""What a convolution pads with, as an element: its code, or elements widened so that there is one; sums of windows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.values import Elements, Padded, Product, Weights
from bnnhw.ir import Affine, Conv2d, SumPool
from tests.frontend.calls import constant, convert, elements


def ones(*shape: int, scale: float = 1.0) -> Weights:
    return Weights(np.ones(shape, np.int16), np.full((1,) * len(shape), scale))


def padded(dtype: str, number: Fraction | int, **others: Any) -> Any:
    """A convolution of a map with a number above it."""
    given = elements(dtype, **others)
    return convert("Conv", Padded(given, ((1, 0), (0, 0)), Fraction(number)), ones(3, 2, 2, 2))


@pytest.mark.parametrize("dtype, scale, offset, number, code", [
    ("uint2", 1, 0, 0, 0), ("uint2", 1, 0, 3, 3), ("uint2", Fraction(1, 2), 1, 1, 0),
    ("uint2", Fraction(1, 2), 1, 2, 2),
    ("uint2", Fraction(1, 2), 1, Fraction(5, 2), 3), ("int2", 2, 0, -4, 2), ("int2", 2, 0, 2, 1), ("int2", 2, 2, 0, 3),
    ("bipolar", 1, 0, -1, 0), ("bipolar", 1, 0, 1, 1), ("bipolar", 3, 1, 4, 1), ("bipolar", 3, 3, 0, 0),
    ("uint2", -1, 3, 0, 3),
])  # fmt: skip
def test_codes(dtype: str, scale: Fraction | int, offset: int, number: Fraction | int, code: int) -> None:
    """Of what the number is in the elements' own scale."""
    found = padded(dtype, number, scale=Fraction(scale), offset=Fraction(offset))
    assert isinstance(found.layer, Conv2d) and found.layer.padding_code == code
    assert found.elements.layers == () and found.layer.window.padding == (1, 0, 0, 0)


@pytest.mark.parametrize("dtype, scale, offset, number, multiplier, added, unit, wide", [
    ("uint2", 1, 0, -1, 1, 1, 1, "uint3"), ("uint2", 1, 0, 4, 1, -4, 1, "int3"), ("uint2", 2, 0, 1, 2, -1, 1, "int4"),
    ("uint2", 1, 0, Fraction(1, 2), 2, -1, Fraction(1, 2), "int4"), ("bipolar", 1, 0, 0, 1, 0, 1, "int2"),
    ("bipolar", 2, 1, 1, 1, 0, 2, "int2"), ("bipolar", 1, 0, 2, 1, -2, 1, "int3"), ("int2", 3, 1, 0, 3, 1, 1, "int4"),
    ("int2", 1, 0, 2, 1, -2, 1, "int3"), ("int2", 1, 0, -3, 1, 3, 1, "uint3"),
])  # fmt: skip
def test_numbers_that_they_are_not(
    dtype: str, scale: int, offset: int, number: Any, multiplier: int, added: int, unit: Any, wide: str
) -> None:
    """Integers of which the padding is the 0, in the unit of both."""
    found = padded(dtype, number, scale=Fraction(scale), offset=Fraction(offset))
    (widen,) = found.elements.layers
    assert isinstance(widen, Affine) and str(found.elements.dtype) == wide
    assert (widen.multiplier.tolist(), widen.offset.tolist()) == ([multiplier] * 2, [added] * 2)
    assert (found.elements.scale, found.elements.offset) == (unit, number)
    assert found.layer.padding_code == 0 and len(found.elements.notes) == 1
    between = "lies between the two values of" in found.elements.notes[0]
    assert between == (dtype == "bipolar" and number == offset)


@pytest.mark.parametrize("offset, refused, dtype", [
    (128, False, "uint8"), (129, True, ""), (-255, True, ""), (-128, False, "int8"), (-129, True, ""),
])  # fmt: skip
def test_elements_widened_for_a_padding(offset: int, refused: bool, dtype: str) -> None:
    """Numbers that 0 is none of become integers of which it is one: of at most 8 bits, signed or not."""
    given = elements("uint7", offset=Fraction(offset))
    kernel = Weights(np.ones((2, 2, 2, 2), np.int16), np.ones((1, 1, 1, 1)))
    if refused:
        with pytest.raises(UnsupportedError, match=r"it pads with 0\.0, which its uint7 inputs can't be: pad with one"):
            convert("Conv", given, kernel, pads=(1, 0, 0, 0))
        return
    found = convert("Conv", given, kernel, pads=(1, 0, 0, 0))
    (widen,) = found.elements.layers  # type: ignore[union-attr]
    assert isinstance(widen, Affine) and str(widen.output) == dtype
    assert (widen.multiplier.tolist(), widen.offset.tolist()) == ([1, 1], [offset, offset])


def test_nothing_is_laid_around() -> None:
    """Then the number of a Pad is no matter, nor the pads behind it."""
    given = elements("uint2")
    found = convert("Conv", Padded(given, ((0, 0), (0, 0)), Fraction(7)), ones(3, 2, 2, 2), pads=(0, 1, 0, 0))
    assert found.layer.window.padding == (0, 1, 0, 0) and found.elements is given  # type: ignore[union-attr]
    with pytest.raises(UnsupportedError, match="its pads must be 0 behind a Pad node of another value: pad once"):
        convert("Conv", Padded(given, ((1, 0), (0, 0)), Fraction(3)), ones(3, 2, 2, 2), pads=(0, 1, 0, 0))
    both = convert("Conv", Padded(given, ((1, 0), (0, 0)), Fraction(0)), ones(3, 2, 2, 2), pads=(0, 1, 0, 0))
    assert both.layer.window.padding == (1, 1, 0, 0)  # type: ignore[union-attr]


@pytest.mark.parametrize("channels, weights, group, bias, summed", [
    (2, ones(2, 1, 2, 2), 2, False, True), (2, ones(2, 1, 2, 2), 2, True, False),
    (2, ones(4, 1, 2, 2), 2, False, False),
    (2, ones(2, 2, 2, 2), 1, False, False), (1, ones(1, 1, 2, 2), 1, False, True),
    (1, ones(1, 1, 2, 2), 1, True, False),
    (1, ones(2, 1, 2, 2), 1, False, False), (2, ones(1, 2, 2, 2), 1, False, False),
    (2, Weights(-np.ones((2, 1, 2, 2), np.int16), np.ones((1, 1, 1, 1))), 2, False, False),
])  # fmt: skip
def test_sums_under_a_window(channels: int, weights: Weights, group: int, bias: bool, summed: bool) -> None:
    """Of each channel by itself, without a bias: no weights at all."""
    given = elements("uint2", (channels, 3, 4))
    others = [constant(np.ones(len(weights.values)))] if bias else []
    found = convert("Conv", given, weights, *others, group=group)
    assert isinstance(found, Elements if summed else Product)
    if isinstance(found, Elements):
        assert isinstance(found.layers[-1], SumPool) and found.scale == 1


def test_scales_of_sums() -> None:
    """Bits are summed as 0 and 1."""
    found = convert(
        "Conv", elements("bipolar", (1, 3, 4), scale=Fraction(3), offset=Fraction(1)), ones(1, 1, 2, 3, scale=0.5)
    )
    assert isinstance(found, Elements) and (found.scale, found.offset) == (3, -6)  # (6 p - 18 + 6) / 2
    found = convert("Conv", elements("uint2", (1, 3, 4), offset=Fraction(1)), ones(1, 1, 2, 3, scale=0.5))
    assert isinstance(found, Elements) and (found.scale, found.offset) == (Fraction(1, 2), 3)


@pytest.mark.parametrize("group, shape, message", [
    (2, (2, 2, 2, 2), "its weights must be for 2 channels in 2 groups, not of shape (2, 2, 2, 2)"),
    (2, (3, 1, 2, 2), "its weights must be for 2 channels in 2 groups, not of shape (3, 1, 2, 2)"),
    (1, (2, 1, 2, 2), "its weights must be for 2 channels in 1 groups, not of shape (2, 1, 2, 2)"),
    (3, (3, 1, 2, 2), "its group must be 1, or for a depthwise convolution the 2 input channels, not 3"),
])  # fmt: skip
def test_groups(group: int, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert("Conv", elements("uint2"), ones(*shape), group=group)
    assert str(caught.value).startswith(f"node 3 of 7: Conv 'n': {message}")
