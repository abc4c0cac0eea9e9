"""Truncations of all values of a type, against their formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor, log2
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.values import Elements, Integers
from bnnhw.ir import FloatActivation, Relu, Shift
from bnnhw.ir.steps import apply
from tests.frontend.calls import constant, convert, elements

ROUNDED: Mapping[str, Callable[[Fraction], int]] = {
    "FLOOR": floor, "CEIL": ceil, "ROUND": round, "UP": lambda x: ceil(x) if x > 0 else floor(x), "DOWN": int,
    "HALF_UP": lambda x: floor(x + Fraction(1, 2)) if x > 0 else ceil(x - Fraction(1, 2)),
    "HALF_DOWN": lambda x: ceil(x - Fraction(1, 2)) if x > 0 else floor(x + Fraction(1, 2)),
}  # fmt: skip
"""UP and DOWN are away from 0 and towards it, and so are halves by HALF_UP and HALF_DOWN."""


def numbers(given: Any, dtype: str) -> dict[int, Fraction]:
    """What each value of the input's type becomes."""
    assert isinstance(given, Elements)
    (layer,) = given.layers
    activation = layer.activation
    assert isinstance(activation, FloatActivation)
    kind = elements(dtype).dtype
    values = np.arange(kind.minimum, kind.maximum + 1)
    levels = activation.quantizer.levels(apply(activation.steps, np.repeat(values[:, None] * 1.0, 2, axis=1)))
    found = activation.dtype.values(activation.dtype.codes(levels))
    assert (found[:, 0] == found[:, 1]).all()
    return {int(v): given.scale * int(n) + given.offset for v, n in zip(values, found[:, 0], strict=True)}


@pytest.mark.parametrize("mode", ROUNDED)
@pytest.mark.parametrize("scale, zero, bits, kept", [
    (1, 0, 8, 5), (1, 3, 6, 5), (0.5, 0, 8, 4), (1, -2, 8, 6), (2, 0, 4, 4), (0.25, 1, 9, 2), (1, 0, 8, 1),
])  # fmt: skip
def test_by_bits(mode: str, scale: float, zero: float, bits: int, kept: int) -> None:
    """Version 1: nothing is clipped, and scale and zero point stay."""
    given = elements("int6", scale=Fraction(1, 2), offset=Fraction(1))
    inputs = (constant(value, np.float64) for value in (scale, zero, bits, kept))
    found = numbers(convert("Trunc", given, *inputs, rounding_mode=mode), "int6")
    s, z, step = Fraction(scale), Fraction(zero), 2 ** (bits - kept)
    for value, number in found.items():
        q = round((Fraction(value, 2) + 1) / s + z)
        assert number == (ROUNDED[mode](Fraction(q, step)) - z) * s, value


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "UP"])
@pytest.mark.parametrize("scale, zero, output, bits, signed, narrow", [
    (1, 0, 4, 4, 1, 0), (1, 4, 4, 4, 1, 1), (0.5, 0, 4, 3, 0, 0), (1, 2, 2, 2, 0, 1), (1, 0, 1, 8, 1, 0),
    (0.5, -8, 3.9, 3, 1, 0),
])  # fmt: skip
def test_by_scales(mode: str, scale: float, zero: float, output: float, bits: int, signed: int, narrow: int) -> None:
    """Version 2: a scale of its own, clipped to its bits."""
    given = elements("int6", scale=Fraction(1, 2), offset=Fraction(1))
    inputs = [constant(value, np.float64) for value in (scale, zero, 8, output, bits)]
    found = numbers(convert("Trunc", given, *inputs, rounding_mode=mode, signed=signed, narrow=narrow), "int6")
    s, z, s2 = Fraction(scale), Fraction(zero), Fraction(output)
    step = Fraction(2) ** round(log2(s2 / s))
    low, high = (-(1 << (bits - 1)) + narrow, (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1 - narrow)
    for value, number in found.items():
        q = round((Fraction(value, 2) + 1) / s + z)
        assert number == (min(max(ROUNDED[mode](q / step), low), high) - z / step) * s2, value


def test_of_what_is_no_line() -> None:
    """A rectifier: its ends in float64, and no more levels than these reach."""
    given = Integers(elements("int6"), (Shift(np.array([0.25, 0.25])), Relu()))
    found = convert("Trunc", given, *(constant(value, np.float64) for value in (1.0, 0.0, 6.0, 3.0)))
    assert isinstance(found, Elements) and str(found.dtype) == "uint2"  # 31.25 is 31, an eighth of that 3
    assert numbers(found, "int6")[31] == 3 and numbers(found, "int6")[-20] == 0


@pytest.mark.parametrize("inputs, message", [
    ((1, 0, 0, 1), "its input bitwidth must be a whole number in 1..32, not 0.0"),
    ((1, 0, 2.5, 1), "its input bitwidth must be a whole number in 1..32, not 2.5"),
    ((1, 0, 33, 1), "its input bitwidth must be a whole number in 1..32, not 33.0"),
    ((1, 0, 8, 33), "its output bitwidth must be a whole number in 1..32, not 33.0"),
    ((0, 0, 8, 4), "its scale must be positive, not 0.0"),
    ((1, 0, 8, 0, 4), "its output scale must be positive, not 0.0"),
    ((1, 0, 8, 2, 9), "its output bitwidth must be a whole number in 1..8, not 9.0"),
    ((1, 0, 8, 2, 0), "its output bitwidth must be a whole number in 1..8, not 0.0"),
])  # fmt: skip
def test_refused(inputs: tuple[float, ...], message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        convert("Trunc", elements("int6"), *(constant(value, np.float64) for value in inputs))
    assert str(caught.value) == f"node 3 of 7: Trunc 'n': {message}"


@pytest.mark.parametrize("kernel, stride, bits, kept", [(2, 2, 3, 3), (3, 1, 2, 3), (1, 1, 3, 2), (2, 1, 3, 8)])
def test_average_pools(kernel: int, stride: int, bits: int, kept: int) -> None:
    """The sum, without its low bits: as many as the greatest sum is longer than what is kept."""
    found = convert(
        "QuantAvgPool2d", elements("uint3", (2, 6, 5)), kernel=kernel, stride=stride, ibits=bits, obits=kept
    )
    assert isinstance(found, Elements)
    sums, cut = found.layers
    assert sums.window is not None and (sums.window.kernel, sums.window.stride) == ((kernel,) * 2, (stride,) * 2)
    dropped = max(0, (((1 << bits) - 1) * kernel * kernel).bit_length() - kept)
    activation = cut.activation
    assert isinstance(activation, FloatActivation) and (found.scale, found.offset) == (1, 0)
    values = np.arange(7 * kernel * kernel + 1)
    levels = activation.quantizer.levels(apply(activation.steps, np.repeat(values[:, None] * 1.0, 2, axis=1)))
    assert (activation.dtype.values(activation.dtype.codes(levels))[:, 0] == values >> dropped).all()
