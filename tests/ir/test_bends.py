"""Curves against 50 digits, near 0 and far out; rectifiers and clips by hand; what is no bend at all."""

from __future__ import annotations

import math
import re

import mpmath
import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import Clip, Curve, Gap, PRelu, Relu, Scale, Staircase, apply
from bnnhw.ir.bends import bend
from bnnhw.ir.curves import CURVES, domain
from tests.streamline.curves import FORMULAS

POINTS = [0.0, *(s * m * 10.0**e for s in (1, -1) for e in (-12, -3, 0, 2) for m in (1, 3.7)), -745.0, 1e300, -1e300]


@pytest.mark.parametrize("name", CURVES)
def test_curves(name: str) -> None:
    """In float64 to some units in the last place, without a warning anywhere; beyond its domain it is as at its end."""
    low, high = domain(name)
    found = apply((Curve(name),), np.array(POINTS)[:, None])[:, 0]
    for x, y in zip(POINTS, found.tolist(), strict=True):
        inside = min(max(x, low), high)
        with mpmath.workdps(50):
            try:
                due = float(FORMULAS[name](mpmath.mpf(inside)))
            except (ZeroDivisionError, ValueError):
                due = math.inf
        if name == "softplus" and x > 700:
            due = x
        if name == "log" and inside == 0:
            due = -math.inf
        assert math.isclose(y, due, rel_tol=1e-15 * (10 if name in ("acosh", "acos") else 1), abs_tol=5e-324), x


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
    with pytest.raises(NetworkError, match=r"^curve: must be one of acos, .*, tanh, not 'sine'$"):
        Curve("sine")


@pytest.mark.parametrize("change, message", [
    ({"low": 3.0}, "must rise, low + below <= 0 <= high + above, unlike neuron 1"),
    ({"below": 1.5}, "must rise, low + below <= 0 <= high + above, unlike neuron 1"),
    ({"above": -2.5}, "must rise, low + below <= 0 <= high + above, unlike neuron 1"),
    ({}, ""),
])  # fmt: skip
def test_gaps(change: dict[str, float], message: str) -> None:
    """A jump over 0, of each neuron its own: -1..2 is 0, and what is beyond is moved."""
    numbers = {"low": [0.0, -1.0], "high": [0.0, 2.0], "below": [0.0, 1.0], "above": [0.0, -2.0]}
    arrays = {key: np.array([row[0], change.get(key, row[1])]) for key, row in numbers.items()}
    if message:
        with pytest.raises(NetworkError, match=f"^gap: {re.escape(message)}$"):
            Gap(**arrays)
        return
    x = np.array([-5.0, -1.0, -0.5, 0.0, 2.0, 2.5])
    found = apply((Gap(**arrays),), np.stack([x, x], axis=1))
    assert found.T.tolist() == [x.tolist(), [-4, 0, 0, 0, 0, 0.5]]
    with pytest.raises(NetworkError, match=r"^gap: low, high, below and above must have the same length$"):
        Gap(**{**arrays, "above": np.zeros(3)})
    assert bend((Gap(**arrays),)) == "Gap"


@pytest.mark.parametrize("name, due", [
    ("ceil", [-2, -1, 0, 1, 1, 2, 3]), ("floor", [-3, -2, 0, 0, 1, 1, 2]), ("round", [-2, -2, 0, 0, 1, 2, 2])
])  # fmt: skip
def test_stairs(name: str, due: list[int]) -> None:
    x = np.array([-2.5, -1.5, 0.0, 0.5, 1.0, 1.5, 2.5])
    assert apply((Staircase(name),), x[:, None])[:, 0].tolist() == due
    assert bend((Staircase(name),)) == name
    with pytest.raises(NetworkError, match=r"^staircase: must be one of ceil, floor, round, not 'up'$"):
        Staircase("up")
