"""Clips and curves in front of quantizers: what float64 can't tell, what is never reached, and their errors."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import Clip, Curve, Divide, FloatActivation, Quantizer, Scale, Shift, Step
from bnnhw.ir.arithmetic import DotAffine
from bnnhw.ir.curves import CURVES
from bnnhw.ir.types import DataType
from bnnhw.streamline import thresholds as module
from bnnhw.streamline.enclosed import Enclosed, enclose
from bnnhw.streamline.float_error import apply_bounded
from bnnhw.streamline.inverses import INVERSES
from bnnhw.streamline.preimage import HalfLine, preimage
from bnnhw.streamline.roots import Number
from bnnhw.streamline.search import Accumulators
from tests.strategies import fixed
from tests.streamline.curves import FORMULAS, INSIDE


def column(value: float) -> np.ndarray:
    return np.array([value])


def thresholds(steps: tuple[Step, ...], bounds: list[float], low: int, high: int) -> tuple[list[int], list[str]]:
    """Of one neuron whose accumulators are its dot products."""
    bits = len(bounds).bit_length()
    quantizer = Quantizer(DataType("uint", bits), np.array([bounds]), np.zeros(len(bounds), np.bool_))
    layer = Accumulators("a", DotAffine(1, np.zeros(1, np.int64)), low, high)
    activation = FloatActivation(steps, quantizer)
    values, flipped = module.exact_thresholds(activation, layer)
    assert not flipped.any()
    return values[0].tolist(), module._prove(layer, activation, values, flipped)


def test_a_clip_that_saturates_at_a_threshold() -> None:
    """Hardtanh, then 2 bits: the greatest level begins where the clip ends."""
    steps = (Scale(column(0.25)), Clip(column(-1.0), column(1.0)))
    assert thresholds(steps, [-1.0, 0.0, 1.0], -20, 20) == ([-20, 0, 4], [])
    assert thresholds(steps, [-1.5, 0.5, 1.5], -20, 20) == ([-20, 2, 21], [])
    # A sign behind a clip is the sign, and behind one that is never negative always +1.
    assert thresholds((Clip(column(-1.0), column(1.0)),), [0.0], -5, 5) == ([0], [])
    assert thresholds((Clip(column(0.0), column(6.0)),), [0.0], -5, 5) == ([-5], [])


def test_a_plateau_that_rounding_reaches_is_a_warning() -> None:
    """0.1 * 3 * 10 / 3 is 1 in float64 and more than 1 exactly: where the clip begins is no matter of rounding."""
    steps = (Scale(column(0.1)), Divide(column(0.3)), Clip(column(-1.0), column(1.0)))
    exact = Fraction(0.1) * 3 / Fraction(0.3)
    assert exact > 1
    assert thresholds(steps, [1.0], -9, 9) == ([3], [])
    steps = (Scale(column(0.1)), Divide(column(0.30000000000000004)), Clip(column(-1.0), column(1.0)))
    assert Fraction(0.1) * 3 / Fraction(0.30000000000000004) < 1
    assert thresholds(steps, [1.0], -9, 9) == (
        [4],
        ["layer a: neuron 0 at acc = 3: float64 decides by rounding, y = 1.0; exactly, it does not reach level 1"],
    )


def test_what_a_curve_never_reaches() -> None:
    for name, bound, expected in (
        ("tanh", 1.0, 21),
        ("tanh", -1.0, -3),
        ("sigmoid", 0.0, -3),
        ("softsign", 1.5, 21),
        ("elu", -1.0, -3),
        ("elu", 7.0, 7),
        ("softplus", -0.5, -3),
        ("erf", 2.0, 21),
    ):
        values, warnings = thresholds((Curve(name),), [bound], -3, 20)
        assert values == [expected]
        # float64's tanh of 20 is 1.
        assert bool(warnings) == ((name, bound) == ("tanh", 1.0))


@pytest.mark.parametrize("name", sorted(CURVES))
def test_a_bound_that_is_a_value_of_float64(name: str) -> None:
    """The exact value at 1 is above or below the float64 next to it: only more digits tell, and decide."""
    at = {"acos": 0, "acosh": 3, "asin": 0, "atanh": 0, "log": 3, "reciprocal": -3}.get(name, 1)
    bound = float(CURVES[name](np.array([float(at)]))[0])
    with mpmath.workdps(60):
        reached = FORMULAS[name](mpmath.mpf(at)) >= mpmath.mpf(bound)
    values, warnings = thresholds((Curve(name),), [bound], -4, 5)
    assert values == [at if reached else at + 1]
    assert len(warnings) == (not reached)


@fixed
@given(st.sampled_from(sorted(CURVES)), st.floats(-30, 30))
def test_curves_and_their_inverses(name: str, x: float) -> None:
    """float64 is within its bound of the curve, and the exact inverse of a value encloses the argument."""
    x = float(np.clip(x, *INSIDE.get(name, (-30, 30))))
    y, error = apply_bounded((Curve(name),), np.array([[x]]))
    with mpmath.workdps(80):
        exact = FORMULAS[name](mpmath.mpf(x))
        assert abs(mpmath.mpf(float(y[0, 0])) - exact) <= mpmath.mpf(float(error[0, 0]))
    line = preimage((Curve(name),), 0, float(y[0, 0]), False)
    if isinstance(line, HalfLine):
        low, high = enclose(line.end, 200)
        with mpmath.workdps(80):
            back = [FORMULAS[name](mpmath.mpf(end.numerator) / end.denominator) for end in (low, high)]
            slack = mpmath.mpf(2) ** -150
            assert back[0] - slack <= mpmath.mpf(float(y[0, 0])) <= back[1] + slack
        assert high - low < Fraction(1, 1 << 100)


def test_enclosed_numbers() -> None:
    third = Enclosed(lambda bits: (Fraction(1, 3) - Fraction(1, 1 << bits), Fraction(1, 3) + Fraction(1, 1 << bits)))
    assert (third.floor(), third.ceil(), third.sign()) == (0, 1, 1)
    moved = (-third * Fraction(9) + Fraction(1, 2)).times_root(Fraction(2))  # -2.5 * 1.414
    assert (moved.floor(), moved.ceil(), moved.sign()) == (-4, -3, -1)
    whole = third * Fraction(3)
    with pytest.raises(NetworkError, match=r"^a bound behind a curve is too close to a whole number to be decided$"):
        whole.floor()
    low, high = enclose(Number(Fraction(1), ((1, Fraction(2)), (-1, Fraction(3)))), 40)
    assert low <= Fraction(1) + Fraction(14142135623730950488, 10**19) - Fraction(17320508075688772935, 10**19) <= high


def test_every_curve_has_an_inverse() -> None:
    assert set(INVERSES) == set(CURVES)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Curve("gelu"), "curve: must be one of acos, acosh, asin, .*, tanh, not 'gelu'"),
        (lambda: Clip(column(1.0), column(0.5)), "clip: low must be at most high, and something between them"),
        (lambda: Clip(column(np.inf), column(np.inf)), "clip: low must be at most high, and something between them"),
        (lambda: Clip(column(np.nan), column(0.5)), "clip: low must be numbers, not NaN"),
        (lambda: Clip(np.zeros(2), np.zeros(3)), "clip: low and high must have the same length, not 2 and 3"),
    ],
)
def test_refusals(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(NetworkError, match=rf"^{message}"):
        make()


def test_clips_and_curves_in_chains() -> None:
    """tanh(clip(x / 4, -1, 1)) * 2 + 1 >= 2: tanh >= 1/2, x >= 4 * atanh(1/2) = 2.197."""
    steps = (
        Divide(column(4.0)),
        Clip(column(-1.0), column(1.0)),
        Curve("tanh"),
        Scale(column(2.0)),
        Shift(column(1.0)),
    )
    assert thresholds(steps, [2.0], -9, 9) == ([3], [])
    # The clip ends at tanh(1) * 2 + 1 = 2.523.
    assert thresholds(steps, [2.6], -9, 9) == ([10], [])


@pytest.mark.parametrize("name, value", [("elu", 0), ("erf", 0), ("sigmoid", 0.5), ("softsign", 0), ("tanh", 0)])
def test_what_a_curve_is_at_0(name: str, value: float) -> None:
    """Exactly: reached at 0, and passed from the next number on. Softplus is the logarithm of 2 there, no bound."""
    line = preimage((Curve(name),), 0, value, False)
    assert isinstance(line, HalfLine)
    assert (line.end, line.above, line.strict) == (Number(Fraction(0)), True, False)
    assert thresholds((Curve(name),), [value], -3, 3) == ([0], [])
    assert preimage((Shift(column(-2.0)), Curve(name)), 0, value, True) == HalfLine(Number(Fraction(2)), True, True)
