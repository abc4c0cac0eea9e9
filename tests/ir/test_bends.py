"""Curves against 50 digits, near 0 and far out; rectifiers and clips by hand; what is no bend at all."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import Clip, Curve, PRelu, Relu, Scale, apply
from bnnhw.ir.bends import CURVES, STEEPEST, bend

POINTS = [0.0, *(s * m * 10.0**e for s in (1, -1) for e in (-12, -3, 0, 2) for m in (1, 3.7)), -745.0, 1e300, -1e300]
EXACT = {
    "elu": lambda x: x if x >= 0 else mpmath.expm1(x),
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)) if x < 1000 else x,
    "softsign": lambda x: x / (1 + abs(x)),
    "tanh": mpmath.tanh,
}


@pytest.mark.parametrize("name", CURVES)
def test_curves(name: str) -> None:
    """In float64 to some units in the last place, without overflow anywhere."""
    found = apply((Curve(name),), np.array(POINTS)[:, None])[:, 0]
    with mpmath.workdps(50):
        due = [float(EXACT[name](mpmath.mpf(x))) for x in POINTS]
    np.testing.assert_allclose(found, due, rtol=1e-15, atol=5e-324)
    x = np.linspace(-3, 3, 2001)
    slopes = np.diff(apply((Curve(name),), x[:, None])[:, 0]) / np.diff(x)
    assert slopes.min() > 0 and slopes.max() <= STEEPEST


def test_clips() -> None:
    clip = Clip(np.array([-1.0, 0.0, -np.inf]), np.array([2.0, 0.0, np.inf]))
    assert apply((clip,), np.array([[-5.0] * 3, [1.0] * 3, [9.0] * 3])).tolist() == [
        [-1, 0, -5], [1, 0, 1], [2, 0, 9]
    ]  # fmt: skip


@pytest.mark.parametrize(
    "low, high, message",
    [
        ([0.0, 3.0], [1.0, 2.0], "something between them, not 3.0 and 2.0 as in neuron 1"),
        ([np.inf], [np.inf], "something between them, not inf and inf as in neuron 0"),
        ([-np.inf], [-np.inf], "something between them, not -inf and -inf as in neuron 0"),
        ([0.0, 3.0], [1.0], "the same length, not 2 and 1"),
    ],
)
def test_impossible_clips(low: list[float], high: list[float], message: str) -> None:
    with pytest.raises(NetworkError, match=f"^clip: low .*{message}$"):
        Clip(np.array(low), np.array(high))


def test_the_first_bend_is_named() -> None:
    line = Scale(np.array([2.0]))
    assert bend((line, line)) is None
    assert bend((line, Relu(), Curve("tanh"))) == "Relu"
    assert bend((Curve("tanh"), Relu())) == "tanh"
    assert bend((PRelu(np.array([0.5])),)) == "PRelu"
    assert bend((line, Clip(np.array([0.0]), np.array([1.0])))) == "Clip"
    with pytest.raises(NetworkError, match=r"^curve: must be one of elu, erf, sigmoid, softplus, softsign, tanh, not"):
        Curve("sine")
